"""Make a figure part of a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from marquee.figures.style import BLUE, INK, ORANGE, QUIET, RULE, WHITE
from marquee.terminal import printable_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_COLORS = {INK: "ink", QUIET: "quiet", RULE: "rule", BLUE: "blue", ORANGE: "orange", WHITE: "page"}
PAGE_COLORS["#000000"] = "ink"


def svg(figure: Figure, name: str) -> str:
    """Return `figure` as an `<svg>` element for an HTML page, the same text for the same figure.

    Letters stay text in the page's font. Colors become the page's variables (`--ink`, `--blue`, ...), so
    that the page decides how they look on a dark screen and on paper. Ids begin with `name`, which must be
    unique in the page. Coordinates are cut to a hundredth of a point.
    """
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    name = re.sub(r"[^\w-]", lambda letter: f"_{ord(letter[0]):x}_", name)  # an id holds no space or quote
    file = io.StringIO()
    sheets = [figure.patch, *(axes.patch for axes in figure.axes)]
    for sheet in sheets:  # savefig(transparent=True) does this, but draws twice
        sheet.set_visible(False)
    with style.context({"svg.hashsalt": name, "svg.fonttype": "none"}, after_reset=True):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(file, metadata=nothing)
    for sheet in sheets:
        sheet.set_visible(True)
    head, inside = re.search(r"<svg([^>]*)>(.*)", file.getvalue(), re.DOTALL).groups()  # type: ignore[union-attr]
    _, _, width, height = re.search(r'viewBox="([^"]*)"', head)[1].split()  # type: ignore[index]
    inside = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", inside, flags=re.DOTALL)
    inside = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), inside)
    inside = re.sub(r"\n\s*", "\n", inside)
    inside = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", inside.replace("xlink:href", "href"))
    for color, variable in PAGE_COLORS.items():
        inside = inside.replace(color, f"var(--{variable})")
    inside = printable_lines(inside)  # titles may hold what XML does not allow
    pixels = float(width) * 96 / 72
    size = f"width: {pixels:.0f}px; min-width: {0.68 * pixels:.0f}px"  # below it letters get too small
    return f'<svg viewBox="0 0 {width} {height}" style="{size}">{inside.rstrip()}'
