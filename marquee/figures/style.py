"""The style that all figures share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

WIDTH = 4.8  # inches: two fit side by side on a page, one is readable on a phone
LETTERS = 9  # points; on a phone a figure of WIDTH is three quarters as large, and these letters are 9 pixels
INK, QUIET, RULE, BLACK = "#1b1b1b", "#666666", "#d8d8d8", "#000000"
# Okabe and Ito (2008): color-blind readers can tell them apart, and they differ in gray
BLUE, ORANGE, WHITE = "#0072b2", "#d55e00", "#ffffff"
RUST = "#b84f00"  # orange for letters, which need more contrast with white paper than ORANGE has
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": LETTERS,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}


def house_style(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Decorate `draw` to use matplotlib's defaults and STYLE, whatever the user's own settings are.

    The layout is computed once, here, and not again each time that the figure is saved.
    """

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        from matplotlib import style

        with style.context(STYLE, after_reset=True):
            figure = draw(*args, **kwargs)
            settle(figure)
        return figure

    return styled


def canvas(height: float, names: Iterable[str] = (), width: float = WIDTH) -> Figure:
    """Return an empty figure of `height` x `width` inches whose layout keeps its parts from overlapping.

    Long `names` at its left make it wider.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    room = max(max(map(len, names), default=0) - 16, 0) * 0.075
    return Figure(figsize=(width + room, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))


def settle(figure: Figure) -> None:
    """Compute the layout of the figure and freeze it."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine("none")


def name_axes(axes: Axes, x: str, y: str) -> None:
    """Label both axes horizontally, y above its axis, so that nobody has to turn the head."""
    axes.set_xlabel(x)
    axes.set_ylabel(y, rotation=0, ha="left", va="bottom")
    axes.yaxis.set_label_coords(0, 1.02)


def thousands(value: float, _position: object = None) -> str:
    """Format `12,500` or `0.5`; axes call this for their ticks, too."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def scale_unit(low: float, high: float) -> str:
    """Return ` (stars)` for labels of a scale of 1 to 5 or 0.5 to 5, and nothing for another scale."""
    return " (stars)" if high == 5 and low in (0.5, 1) else ""


def signed(value: float, digits: int = 2) -> str:
    """Format `+0.25` or `−0.25`, with a true minus."""
    return f"{value:+.{digits}f}".replace("-", "−")
