"""docs/images/peers.png: how many times as fast as each peer Marquee is, and where that ratio counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.benchmarks import BENCHMARKS, Benchmark
from bench.output import IMAGES, Row, read
from marquee.figures.style import BLUE, INK, QUIET, WHITE, canvas, house_style
from marquee.io import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def times(benchmark: Benchmark, row: Row) -> tuple[float, float, float]:
    """Give how many times as fast as the peer of `row` ours is: the median round, the worst and the best."""
    low, middle, high = (float(row[name]) for name in ("ratio_low", "ratio", "ratio_high"))
    return (middle, low, high) if benchmark.unit == "M/s" else (1 / middle, 1 / high, 1 / low)


@house_style
def figure(found: list[tuple[Benchmark, Row]]) -> Figure:
    """Draw a row for each peer, size and dim: a dot for the median and a line through all rounds.

    The dot is filled where ours is as accurate, and hollow where the ratio does not count.
    """
    from matplotlib.ticker import FixedLocator, NullLocator

    names = [f"{row['system']}, {row['size']}{_dim(row)}" for _, row in found]
    made = canvas(0.9 + 0.24 * len(found), names)
    axes = made.add_subplot(xscale="log", ylim=(len(found) - 0.4, -0.8))
    axes.axvline(1, color=INK, linewidth=0.8)
    beside = axes.get_yaxis_transform()
    for place, (benchmark, row) in enumerate(found):
        middle, low, high = times(benchmark, row)
        counts = row["as_good"] == "yes"
        color, face, ink = (BLUE, BLUE, INK) if counts else (QUIET, WHITE, QUIET)
        axes.plot([low, high], [place, place], color=color, linewidth=1.4)
        axes.plot(middle, place, "o", ms=6, mfc=face, mec=color, mew=1.4)
        axes.text(1.03, place, f"{middle:.2g} x", transform=beside, va="center", color=ink)
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x")
    axes.set_xlabel("times as fast; hollow: less accurate, or accuracy not measured")
    return made


def _dim(row: Row) -> str:
    return "" if row["dim"] == "64" else f", f {row['dim']}"


def draw() -> None:
    found = [(known, row) for known in BENCHMARKS.values() for row in read(known.key) if row["ratio"]]
    if found:
        write_figure(IMAGES / "peers.png", figure(found))
