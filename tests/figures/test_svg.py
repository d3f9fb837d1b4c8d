"""Figures as parts of a page."""

from __future__ import annotations

import re

import pytest
from matplotlib.figure import Figure

from marquee.figures.svg import svg


def words(text, **look):
    figure = Figure()
    figure.text(0.5, 0.5, text, **look)
    return figure


def test_letters_stay_letters_and_the_page_shines_through():
    drawing = svg(words("0.123456 stars"))
    assert ">0.123456 stars</text>" in drawing
    assert "#ffffff" not in drawing
    assert "var(--page)" not in drawing, "no sheet behind the letters"


@pytest.mark.parametrize(
    "text", ["#000000", 'id="a0"', "xlink:href", "<!-- x -->", "</svg>", "url(#a0)", "a & b"]
)
def test_words_are_never_taken_for_a_part_of_the_drawing(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f">{escaped}</text>" in svg(words(text))


def test_characters_that_xml_has_no_place_for_are_left_out():
    assert ">Al\ufffdi\ufffden (1979)</text>" in svg(words("Al\x00i\x1ben \u202e(1979)"))


@pytest.mark.filterwarnings("ignore:Glyph")
def test_only_what_is_referred_to_has_an_id():
    figure = words("x")
    figure.add_subplot().plot([0, 1], "o")
    drawing = svg(figure)
    ids = re.findall(r' id="(.*?)"', drawing)
    assert sorted(ids) == sorted(set(re.findall(r'href="#(.*?)"|url\(#(.*?)\)', drawing)) and set(ids))
    assert set(ids) == {a or b for a, b in re.findall(r'href="#(.*?)"|url\(#(.*?)\)', drawing)}


@pytest.mark.parametrize(("size", "least"), [(9, 461), (18, 230), (6, 691)])
def test_no_drawing_gets_so_narrow_that_its_smallest_letters_have_less_than_nine_pixels(size, least):
    figure = words("x", fontsize=size)
    figure.set_size_inches(4.8 * 4 / 3, 3)
    assert f"min-width: {least}px" in svg(figure)
