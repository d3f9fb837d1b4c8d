"""Which tenth of the catalogue is recommended, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.evaluation.long_tail import long_tail, tail_fractions


def test_recommendations_fall_into_tenths_of_the_catalogue_by_popularity():
    item = np.repeat(np.arange(20), np.arange(20) + 1)  # 19 is rated most
    found = long_tail(item, np.array([[19, 18, -1], [19, 0, 1]]), 20)
    assert found["recommended"] == [0.6, *[0.0] * 8, 0.4]
    assert found["training"][0] == pytest.approx((20 + 19) / 210)
    assert sum(found["training"]) == pytest.approx(1)


def test_without_recommendations_every_fraction_is_0():
    assert tail_fractions(np.array([0, 1]), np.array([[-1, -1]]), 10) == [0.0] * 10
