"""Values as the page writes them."""

from __future__ import annotations

import pytest

from marquee.report.page import anchor, day, number, p_value, setting


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (number(12_500), "12,500"),
        (number(0.41234), "0.4123"),
        (number(-0.5), "−0.5000"),
        (number(0.5, sign=True), "+0.5000"),
        (number(None), "–"),
        (p_value(0.00099), "< 0.001"),
        (p_value(0.001), "0.001"),
        (p_value(0.0341), "0.034"),
        (p_value(1.0), "1.000"),
        (p_value(None), "–"),
        (p_value(0.012987, 0.012987), "≤ 0.013"),
        (p_value(0.0121, 0.013), "≤ 0.013"),
        (p_value(0.0131, 0.013), "0.013"),
        (p_value(0.0005, 0.0005), "< 0.001"),
        (p_value(1.0, 1.0), "≤ 1.000"),
        (anchor("als_bias"), "model-als_bias"),
        (anchor('a "b'), "model-a.20..22.b"),
        (day(86_400), "1970-01-02"),
        (day(None), "–"),
        (setting([1, 0.25, True, None]), "1, 0.25, true, –"),
    ],
)
def test_values_are_formatted(value, words):
    assert value == words
