"""A picture as part of a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from marquee.figures.style import BLUE, INK, ORANGE, QUIET, RULE, WHITE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_COLOURS = {INK: "ink", QUIET: "quiet", RULE: "rule", BLUE: "blue", ORANGE: "orange", WHITE: "page"}
PAGE_COLOURS["#000000"] = "ink"


def svg(figure: Figure, name: str) -> str:
    """`figure` as an `<svg>` element to stand inside an HTML page, the same text for the same figure.

    Letters stay text in the page's font and colours become the page's variables (`--ink`, `--blue`, ...),
    so that the page decides how it looks in the dark and on paper. Ids begin with `name`, which is unique
    in the page. A halo around letters is left to the page's style (as outlines it weighs ten times the rest),
    and places are cut to a hundredth of a point.
    """
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    for artist in figure.findobj(lambda artist: bool(artist.get_path_effects())):
        artist.set_path_effects([])
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_visible(False)
    file = io.StringIO()
    with style.context({"svg.hashsalt": name, "svg.fonttype": "none"}, after_reset=True):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(file, metadata=nothing)
    head, inside = re.search(r"<svg([^>]*)>(.*)", file.getvalue(), re.DOTALL).groups()  # type: ignore[union-attr]
    _, _, width, height = re.search(r'viewBox="([^"]*)"', head)[1].split()  # type: ignore[index]
    inside = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", inside, flags=re.DOTALL)
    inside = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), inside)
    inside = re.sub(r"\n\s*", "\n", inside)
    inside = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", inside.replace("xlink:href", "href"))
    for colour, variable in PAGE_COLOURS.items():
        inside = inside.replace(colour, f"var(--{variable})")
    pixels = float(width) * 96 / 72
    size = f"width: {pixels:.0f}px; min-width: {0.68 * pixels:.0f}px"  # below it letters get too small
    return f'<svg viewBox="0 0 {width} {height}" style="{size}">{inside.rstrip()}'
