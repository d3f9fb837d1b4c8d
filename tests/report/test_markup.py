"""Numbers as the page writes them, and pictures as parts of it."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from marquee.figures.svg import svg
from marquee.report.markup import framed, number, p_value


@pytest.mark.parametrize(
    ("value", "words"), [(12_500, "12,500"), (0.41234, "0.4123"), (-0.5, "−0.5000"), (None, "–")]
)
def test_numbers_have_four_decimals_counts_have_commas(value, words):
    assert number(value) == words


@pytest.mark.parametrize(
    ("p", "words"), [(0.00099, "&lt; .001"), (0.001, ".001"), (0.0341, ".034"), (1.0, "1.000"), (None, "–")]
)
def test_a_p_value_has_three_decimals_and_no_leading_zero(p, words):
    assert p_value(p) == words


def test_letters_stay_letters_and_their_halo_is_left_to_the_page():
    figure = Figure()
    figure.text(0.5, 0.5, "0.123456 stars", path_effects=[withStroke(linewidth=2, foreground="white")])
    drawing = svg(figure, "words")
    assert ">0.123456 stars</text>" in drawing
    assert "<path" not in drawing, "no outlines, and no sheet behind them"


def test_what_a_picture_says_in_words_is_escaped_once():
    drawn = framed("<svg></svg>", "a &amp; b", kind="map wide")
    assert '<figure class="map wide">' in drawn
    assert 'aria-label="a &amp; b"' in drawn
    assert "<figcaption>a &amp; b</figcaption>" in drawn
