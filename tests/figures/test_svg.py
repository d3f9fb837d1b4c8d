"""Figures as parts of a page."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from marquee.figures.svg import svg


def test_letters_stay_letters_and_their_halo_is_left_to_the_page():
    figure = Figure()
    text = figure.text(0.5, 0.5, "0.123456 stars", path_effects=[withStroke(linewidth=2, foreground="white")])
    drawing = svg(figure, "words")
    assert ">0.123456 stars</text>" in drawing
    assert "<path" not in drawing, "no outlines, and no sheet behind them"
    assert text.get_path_effects(), "the figure itself keeps them"
