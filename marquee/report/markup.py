"""Pieces of a page: numbers as text, tables and pictures as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape, unescape
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.svg import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    return framed(svg(figure, name), caption, alt)


def framed(drawing: str, caption: str, alt: str = "", kind: str = "") -> str:
    """The same for a `drawing` that `figures.inline.svg` made; `kind` is a class of the page's style."""
    label = f'<svg role="img" aria-label="{escape(alt or unescape(caption))}"'
    drawing = drawing.replace("<svg", label, 1)
    words = f'<div class="scroll">{drawing}</div><figcaption>{caption}</figcaption>'
    return f'<figure class="{kind}">{words}</figure>\n' if kind else f"<figure>{words}</figure>\n"


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
