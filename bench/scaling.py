"""Measure how a sweep of our least squares grows with the ratings.

The figure is the median sweep at 1, 4, 16 and 32 million simulated ratings, f = 64, two threads; the sizes
take turns. --write puts it into bench/results/scaling.csv.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench import sizes
from bench.benchmarks import ALS, IALS
from bench.output import IMAGES, Row, parser, publish, read
from bench.runner import fit, value
from bench.table import spread
from bench.tuning import DIM, chosen
from marquee.figures.style import BLUE, ORANGE, QUIET, canvas, house_style, name_axes
from marquee.io import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = ("1M", "4M", "16M", "32M")
HEADER = ["benchmark", "system", "size", "rows", "seconds", "low", "high", "repeats"]
SWEEPS = 4
RATINGS, SECONDS = (5e5, 1e6, 2e6, 5e6, 1e7, 2e7), (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


def rows(repeats: int) -> list[list[object]]:
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(repeats):
        for size in SIZES:
            for benchmark in (IALS, ALS):
                folder = sizes.arrays(size, benchmark.task)
                settings = {**chosen(benchmark, size, benchmark.ours), "dim": DIM, "epochs": SWEEPS}
                took = value(benchmark, fit(benchmark.ours, folder, settings, 2))
                times.setdefault((benchmark.key, size), []).append(took)
                print(f"{benchmark.key} {size}: {took:.3f} s", flush=True)
    table: list[list[object]] = []
    for benchmark in (IALS, ALS):
        for size in SIZES:
            folder, found = sizes.arrays(size, benchmark.task), times[benchmark.key, size]
            n = sizes.n_trained(folder)
            table.append([benchmark.key, benchmark.ours.name, size, n, *spread(found), len(found)])
    return table


@house_style
def figure(found: list[Row]) -> Figure:
    """Draw seconds by ratings on logarithmic axes; dashed lines are proportional to the largest size."""
    from matplotlib.ticker import FixedLocator, NullLocator

    made = canvas(3.2)
    axes = made.add_subplot(xscale="log", yscale="log")
    for color, benchmark in ((BLUE, IALS), (ORANGE, ALS)):
        own = [row for row in found if row["benchmark"] == benchmark.key]
        if not own:
            continue
        n, seconds = (np.array([float(row[name]) for row in own]) for name in ("rows", "seconds"))
        axes.plot(n, seconds[-1] * n / n[-1], color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.plot(n, seconds, "o-", color=color, ms=5)
        name = benchmark.ours.name.replace("Marquee ", "").strip("`")
        axes.annotate(name, (n[-1], seconds[-1]), (8, -3), textcoords="offset points", color=color)
    axes.grid()
    axes.margins(x=0.14)
    for axis, ticks in ((axes.xaxis, RATINGS), (axes.yaxis, SECONDS)):
        axis.set_minor_locator(NullLocator())
        low, high = axis.get_view_interval()
        axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axes.xaxis.set_major_formatter(lambda tick, _: f"{tick / 1e6:g} M")
    axes.yaxis.set_major_formatter("{x:g}")
    name_axes(axes, "ratings (als_mf), positives (ials); dashed: in proportion", "seconds a sweep")
    return made


def draw() -> None:
    if read("scaling"):
        write_figure(IMAGES / "scaling.png", figure(read("scaling")))


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--repeats", type=int, default=3)
    given = command.parse_args()
    publish("scaling", HEADER, rows(given.repeats), given.write)


if __name__ == "__main__":
    main()
