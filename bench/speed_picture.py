"""docs/images/peers.png: how many times as fast as each peer, with what that is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.benchmarks import BENCHMARKS, Benchmark
from bench.table import IMAGES, Row, read
from marquee.figures.style import BLUE, INK, QUIET, WHITE, canvas, house_style
from marquee.io import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def times(contest: Benchmark, row: Row) -> tuple[float, float, float]:
    """How many times as fast as the peer of `row` we were: the median round, the worst and the best."""
    low, middle, high = (float(row[name]) for name in ("ratio_low", "ratio", "ratio_high"))
    return (middle, low, high) if contest.unit == "M/s" else (1 / middle, 1 / high, 1 / low)


@house_style
def picture(found: list[tuple[Benchmark, Row]]) -> Figure:
    """A row for each peer, size and dim: the median, and a line through all rounds.

    Filled where we were as accurate; hollow where the ratio does not count.
    """
    from matplotlib.ticker import FixedLocator, NullLocator

    names = [f"{row['system']}, {row['size']}{_dim(row)}" for _, row in found]
    figure = canvas(0.9 + 0.24 * len(found), names)
    axes = figure.add_subplot(xscale="log", ylim=(len(found) - 0.4, -0.8))
    axes.axvline(1, color=INK, linewidth=0.8)
    for place, (contest, row) in enumerate(found):
        middle, low, high = times(contest, row)
        counts = row["as_good"] == "yes"
        colour, face = (BLUE, BLUE) if counts else (QUIET, WHITE)
        axes.plot([low, high], [place, place], color=colour, linewidth=1.4)
        axes.plot(middle, place, "o", ms=6, mfc=face, mec=colour, mew=1.4)
        beside = axes.get_yaxis_transform()
        axes.text(
            1.03, place, f"{middle:.2g} x", transform=beside, va="center", color=INK if counts else QUIET
        )
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x")
    axes.set_xlabel("times as fast; hollow: not as accurate, or not known")
    return figure


def _dim(row: Row) -> str:
    return "" if row["dim"] == "64" else f", f {row['dim']}"


def draw() -> None:
    found = [(contest, row) for contest in BENCHMARKS.values() for row in read(contest.key) if row["ratio"]]
    if found:
        write_figure(IMAGES / "peers.png", picture(found))
