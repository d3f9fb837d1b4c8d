"""A split that moves rows within the arrays that it is given."""

from __future__ import annotations

import numpy as np
import pytest

from marquee import parallel
from marquee.data import splits
from marquee.data.splits import SplitOptions, split
from tests.data.test_splits import DRAWN, grid, in_order, rng


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("threshold", [None, 3.0])
def test_a_split_in_place_is_the_same(monkeypatch, name, threshold):
    monkeypatch.setattr(parallel, "SCANNED", 7)
    monkeypatch.setattr(splits, "SCANNED", 7)
    options = SplitOptions(name, positive_threshold=threshold, validation=0.2, test=0.2, fold=2)
    whole, chance = grid(20, 9), np.random.default_rng(0)
    whole = in_order(whole.user, whole.item, chance.integers(1, 6, 180), chance.integers(0, 999, 180))
    apart, within = (split(whole, options, rng(), in_place=place) for place in (False, True))
    assert apart.counts == within.counts
    assert list(apart.counts) == list(within.counts)
    for part in ("train", "validation", "test", "fold_in", "low_rated"):
        for column in ("user", "item", "rating", "timestamp"):
            one, other = (getattr(getattr(done, part), column) for done in (apart, within))
            np.testing.assert_array_equal(one, other)
