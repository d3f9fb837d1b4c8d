"""Whether the letters of figures can be read: large enough on a phone, with contrast in both schemes."""

from __future__ import annotations

import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.text import Text

from marquee.figures.leaderboard import recommended_tail
from marquee.figures.learned_parameters import genre_similarity
from marquee.figures.style import LETTERS
from marquee.figures.svg import LEAST, PAGE_COLORS, svg
from marquee.report.page import TEMPLATES
from tests.figures import test_embedding_map, test_figures

PHONE = 390 - 2 * 20  # pixels between the margins of the page
ENOUGH = 4.5  # WCAG 2, level AA
WIDER = {"genres", "25 models", "25 recommended"}  # scroll on a phone: many names, or long ones
FIGURES = {
    **test_figures.FIGURES,
    **test_embedding_map.FIGURES,
    "recommended, the head alone": lambda: recommended_tail(
        {"mf": [1.0, *[0.0] * 9]}, [1.0, *[0.0] * 9], {"mf": 0.1}
    ),
    "opposite genres": lambda: genre_similarity(np.array([[1, 0], [-1, 0.0], [1, 0.4]]), ["a", "b", "c"]),
}


def schemes():
    """Light and dark: page variable -> color."""
    style = (TEMPLATES / "style.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    found = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in (light, dark)]
    assert found[0].keys() == found[1].keys() >= set(PAGE_COLORS.values())
    return found


def brightness(color):
    parts = np.array(to_rgb(color))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


def on_page(color, scheme):
    return scheme[PAGE_COLORS[to_hex(color)]] if to_hex(color) in PAGE_COLORS else to_hex(color)


def behind(text, figure, scheme):
    """The color below the middle of a text: of the page and of the bars and cells over it."""
    color = np.array(to_rgb(scheme["page"]))
    box = Text.get_window_extent(text)
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    for axes in figure.axes:
        covers = [(bar.get_window_extent(), bar.get_facecolor()) for bar in axes.patches]
        for mesh in axes.collections:
            if isinstance(mesh, mpl.collections.QuadMesh):
                cells = mesh.get_coordinates()
                corners = axes.transData.transform(cells.reshape(-1, 2)).reshape(cells.shape)
                frames = zip(corners[:-1, :-1].reshape(-1, 2), corners[1:, 1:].reshape(-1, 2), strict=True)
                boxes = [mpl.transforms.Bbox(frame) for frame in frames]
                covers += zip(boxes, mesh.to_rgba(mesh.get_array()).reshape(-1, 4), strict=True)
        for place, face in covers:
            if place.contains(x, y) and face[3]:
                color = (1 - face[3]) * color + face[3] * np.array(to_rgb(on_page(face[:3], scheme)))
    return color


@pytest.mark.parametrize("name", FIGURES)
def test_letters_contrast_with_what_is_behind_them(name):
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    light, dark = schemes()
    light_cells = {**light, "ink": "#000000"}  # as the style sheet has it for `.genres`
    for scheme in [light_cells] if name.endswith(("genres", "genre")) else [light, dark]:
        found = {
            (text.get_text(), to_hex(text.get_color())): contrast(
                on_page(text.get_color(), scheme), behind(text, figure, scheme)
            )
            for text in figure.findobj(Text)
            if text.get_visible() and text.get_text().strip()
        }
        assert found
        assert {words: ratio for words, ratio in found.items() if ratio < ENOUGH} == {}


def test_the_colors_of_letters_on_the_page_contrast_with_it():
    for scheme in schemes():
        for paper in ("page", "wash"):
            for letters in ("ink", "quiet", "rust", "blue"):
                assert contrast(scheme[letters], scheme[paper]) >= ENOUGH, (letters, paper)
    assert contrast(to_rgba("#d55e00"), "#ffffff") == pytest.approx(3.87, abs=0.005)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_fits_a_phone_with_letters_of_nine_pixels(name):
    drawing = svg(FIGURES[name]())
    width, least = map(int, re.search(r'style="width: (\d+)px; min-width: (\d+)px"', drawing).groups())
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", drawing)]
    points = float(re.search(r'viewBox="0 0 ([\d.]+)', drawing)[1])
    assert min(sizes) == LETTERS
    assert min(sizes) * least / points == pytest.approx(LEAST, abs=0.02)
    assert least <= PHONE or name in WIDER
    assert width >= least
