"""Pieces of a page: numbers as text, tables and pictures as HTML."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape, unescape
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.style import BLUE, INK, ORANGE, QUIET, RULE, WHITE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_COLOURS = {INK: "ink", QUIET: "quiet", RULE: "rule", BLUE: "blue", ORANGE: "orange", WHITE: "page"}


def table(head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Cells (HTML) below a `head` (none if empty). A row is its class and its cells, the first one its name.

    A row of one cell is a heading for those below it.
    """
    names = "".join(f'<th scope="col">{words}</th>' for words in head)
    lines = []
    for kind, (first, *cells) in rows:
        wide = "" if cells else f' colspan="{len(head)}"'
        line = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr class="{kind}"><th scope="row"{wide}>{first}</th>{line}</tr>\n')
    top = f"<thead><tr>{names}</tr></thead>\n" if head else ""
    return f'<div class="scroll"><table>{top}<tbody>\n{"".join(lines)}</tbody></table></div>'


def picture(figure: Figure, name: str, caption: str, alt: str = "") -> str:
    """A figure and its `caption` (HTML). `alt` (plain text) is its content in words, else the caption."""
    drawing = svg(figure, name, alt or unescape(caption))
    return f'<figure><div class="scroll">{drawing}</div><figcaption>{caption}</figcaption></figure>\n'


def svg(figure: Figure, name: str, alt: str) -> str:
    """`figure` as an `<svg>` element to stand inside an HTML page, the same text for the same figure.

    Letters stay text in the page's font and colours become the page's variables (`--ink`, `--blue`, ...),
    so that the page decides how it looks in the dark and on paper. Ids begin with `name`, which is unique
    in the page. `alt` says what the picture shows.
    """
    from matplotlib import style

    file = io.StringIO()
    with style.context({"svg.hashsalt": name, "svg.fonttype": "none"}, after_reset=True):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=nothing, transparent=True)
    head, inside = re.search(r"<svg([^>]*)>(.*)", file.getvalue(), re.DOTALL).groups()  # type: ignore[union-attr]
    _, _, width, height = re.search(r'viewBox="([^"]*)"', head)[1].split()  # type: ignore[index]
    inside = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", inside, flags=re.DOTALL)
    inside = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", inside.replace("xlink:href", "href"))
    for colour, variable in PAGE_COLOURS.items():
        inside = inside.replace(colour, f"var(--{variable})")
    pixels = float(width) * 96 / 72
    size = f"width: {pixels:.0f}px; min-width: {0.68 * pixels:.0f}px"  # below it letters get too small
    label = f'role="img" aria-label="{escape(alt)}" viewBox="0 0 {width} {height}"'
    return f'<svg {label} style="{size}">{inside.rstrip()}'


def number(value: float | None, sign: bool = False) -> str:
    """`12,500` for a whole number, `0.4123` for another, `–` for None; with a true minus."""
    if value is None:
        return "–"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return f"{value:{'+' if sign else ''}.4f}".replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def p_value(p: float | None, equals: str = "") -> str:
    """`.034`, `&lt; .001` or `–`; `equals` stands before a number, as in `p = .034`."""
    if p is None:
        return "–"
    return "&lt; .001" if p < 0.001 else equals + f"{p:.3f}".removeprefix("0")


def day(seconds: int | None) -> str:
    return "–" if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()


def plain(value: Any) -> str:
    """A value of params.yaml as it stands there, escaped."""
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "–"}[value]
    return f"{value:g}" if isinstance(value, float) else escape(str(value))
