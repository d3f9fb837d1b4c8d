"""How a sweep of our least squares grows with the ratings: `python -m bench.scaling [--repeats 3]`.

The median pass of each repeat at 1, 4, 16 and 32 million simulated ratings, f = 64, to
bench/results/scaling.csv; the sizes by turns, and pictures with a line of slope 1.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from bench import sizes
from bench.benchmarks import ALS, IALS
from bench.runner import fit, value
from bench.table import IMAGES, RESULTS, Row, read
from bench.tuning import DIM, chosen
from marquee.figures.style import BLUE, ORANGE, QUIET, canvas, house_style, name_axes
from marquee.io import write_csv, write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = ("1M", "4M", "16M", "32M")
HEADER = ["contest", "system", "size", "rows", "seconds", "low", "high", "repeats"]
PASSES = 4
RATINGS, SECONDS = (5e5, 1e6, 2e6, 5e6, 1e7, 2e7), (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


def rows(repeats: int) -> list[list[object]]:
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(repeats):
        for size in SIZES:
            for contest in (IALS, ALS):
                folder = sizes.arrays(size, contest.task)
                settings = {**chosen(contest, size, contest.ours), "dim": DIM, "epochs": PASSES}
                took = value(contest, fit(contest.ours, folder, settings, 2))
                times.setdefault((contest.key, size), []).append(took)
                print(f"{contest.key} {size}: {took:.3f} s", flush=True)
    table: list[list[object]] = []
    for contest in (IALS, ALS):
        for size in SIZES:
            folder, found = sizes.arrays(size, contest.task), times[contest.key, size]
            n = sum(len(np.load(folder / f"{part}_user.npy", mmap_mode="r")) for part in ("train", "val"))
            spread = (f"{x:.4g}" for x in (median(found), min(found), max(found)))
            table.append([contest.key, contest.ours.name, size, n, *spread, len(found)])
    return table


@house_style
def picture(found: list[Row]) -> Figure:
    """Seconds of a sweep over the ratings, both by powers of ten; dashed: in proportion to the largest."""
    from matplotlib.ticker import FixedLocator, NullLocator

    figure = canvas(3.2)
    axes = figure.add_subplot(xscale="log", yscale="log")
    for colour, contest in ((BLUE, IALS), (ORANGE, ALS)):
        own = [row for row in found if row["contest"] == contest.key]
        if not own:
            continue
        n, seconds = (np.array([float(row[name]) for row in own]) for name in ("rows", "seconds"))
        axes.plot(n, seconds[-1] * n / n[-1], color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.plot(n, seconds, "o-", color=colour, ms=5)
        name = contest.ours.name.replace("Marquee ", "").strip("`")
        axes.annotate(name, (n[-1], seconds[-1]), (8, -3), textcoords="offset points", color=colour)
    axes.grid()
    axes.margins(x=0.14)
    for axis, ticks in ((axes.xaxis, RATINGS), (axes.yaxis, SECONDS)):
        axis.set_minor_locator(NullLocator())
        low, high = axis.get_view_interval()
        axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axes.xaxis.set_major_formatter(lambda tick, _: f"{tick / 1e6:g} M")
    axes.yaxis.set_major_formatter("{x:g}")
    name_axes(axes, "ratings (als_mf), positives (ials); dashed: in proportion", "seconds a sweep")
    return figure


def draw() -> None:
    if read("scaling"):
        write_figure(IMAGES / "scaling.png", picture(read("scaling")))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--repeats", type=int, default=3)
    write_csv(RESULTS / "scaling.csv", HEADER, rows(parser.parse_args().repeats))


if __name__ == "__main__":
    main()
