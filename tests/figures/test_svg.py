"""Figures as parts of a page."""

from __future__ import annotations

from matplotlib.figure import Figure

from marquee.figures.svg import svg


def test_letters_stay_letters_and_the_page_shines_through():
    figure = Figure()
    figure.text(0.5, 0.5, "0.123456 stars")
    drawing = svg(figure, "words")
    assert ">0.123456 stars</text>" in drawing
    assert "#ffffff" not in drawing
    assert "var(--page)" not in drawing, "no sheet behind the letters"
