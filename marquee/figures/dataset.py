"""What was rated: pictures of a data set, and the same numbers as rows of a small CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from marquee.errors import MarqueeError
from marquee.figures.style import BLUE, INK, QUIET, canvas, house_style, name_axes, thousands

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = tuple[tuple[str, ...], list[tuple]]  # a header, and rows as wide as it
DAY = 86_400  # seconds
UNITS = {"day": (1, "D"), "week": (7, "D"), "month": (1, "M"), "year": (1, "Y")}  # as numpy counts them
HEADS = (0.1, 0.2)  # of the catalogue: the parts whose share of the ratings is named


def rating_rows(rating: Sequence[float], count: Sequence[int]) -> Table:
    """How often each `rating`, ascending, was given: `count` times."""
    total = max(sum(count), 1)
    shares = [round(int(n) / total, 6) for n in count]
    return ("rating", "ratings", "share"), list(zip(map(float, rating), map(int, count), shares, strict=True))


@house_style
def rating_histogram(rating: Sequence[float], count: Sequence[int]) -> Figure:
    """One bar for each `rating`, `count` high, with its share of all ratings on top."""
    _, rows = rating_rows(rating, count)
    figure = canvas(2.7)
    axes = figure.add_subplot()
    step = min(np.diff(rating), default=1.0)
    bars = axes.bar([row[0] for row in rows], [row[1] for row in rows], width=0.8 * step, color=BLUE)
    if len(rows) <= 12:
        axes.set_xticks([row[0] for row in rows], [thousands(row[0]) for row in rows])
        axes.bar_label(bars, [f"{row[2]:.0%}" for row in rows], padding=2, color=INK, fontsize=8)
    axes.yaxis.set_major_formatter(thousands)
    axes.grid(axis="y")
    name_axes(axes, "Rating (stars)", "Ratings")
    return figure


def _descending(item: np.ndarray) -> np.ndarray:
    """int64 [n_items]: ratings of each movie, the most rated first."""
    return np.sort(np.bincount(item))[::-1]


def tail_rows(item: np.ndarray, limit: int = 400) -> Table:
    """Ratings of the movie at up to `limit` ranks, the most rated first, evenly spread by logarithm.

    item int [n]: the movie of each rating; `share` is that of all ratings which movies up to this rank hold.
    """
    counts = _descending(item)
    shares = counts.cumsum() / max(len(item), 1)
    ranks = np.unique(np.geomspace(1, max(len(counts), 1), limit).round().astype(int))[: len(counts)]
    rows = [(int(rank), int(counts[rank - 1]), round(float(shares[rank - 1]), 6)) for rank in ranks]
    return ("rank", "ratings", "share"), rows


def head_share(item: np.ndarray, part: float) -> float:
    """The share of the ratings that the most rated `part` (0..1) of the movies hold, one movie at least."""
    counts = _descending(item)
    return float(counts[: max(round(part * len(counts)), 1)].sum() / max(len(item), 1))


@house_style
def long_tail(item: np.ndarray) -> Figure:
    """Ratings of each movie by rank, both logarithmic, with the share that the head of it holds.

    item int [n]: the movie of each rating.
    """
    _, rows = tail_rows(item)
    shown = [row for row in rows if row[1] > 0]
    figure = canvas(2.7)
    axes = figure.add_subplot(xscale="log", yscale="log")
    axes.plot([row[0] for row in shown], [row[1] for row in shown], color=BLUE)
    for place, part in zip((0.14, 0.03), HEADS, strict=True):
        rank = max(round(part * rows[-1][0]), 1)
        axes.axvline(rank, ymin=place, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)))
        words = f" top {part:.0%}: {head_share(item, part):.0%} of ratings "
        side = "right" if rank**2 > rows[-1][0] else "left"  # where there is room on a logarithmic axis
        axes.text(rank, place, words, transform=axes.get_xaxis_transform(), ha=side, fontsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(thousands)
        axis.set_minor_formatter("")
    name_axes(axes, "Movies by rank, the most rated first", "Ratings of the movie")
    return figure


def time_rows(timestamp: np.ndarray) -> Table:
    """Ratings in each day, week (from Monday), month or year, as the span asks, by the day it starts.

    timestamp int64 [n], Unix seconds, UTC; 0 is not counted: the source has none. Periods without a
    rating are rows, too. Raises MarqueeError for times before 1900 or after 2300.
    """
    header = ("start", "ratings", "unit")
    days = timestamp[timestamp != 0] // DAY  # (n,)
    if not len(days):
        return header, []
    low, high = int(days.min()), int(days.max())
    first, last = _year(low), _year(high)
    if first < 1900 or last > 2300:
        raise MarqueeError(f"timestamps reach from the year {first} to {last}; give Unix seconds, UTC")
    per_day = np.bincount(days - low, minlength=high - low + 1)
    dates = (low + np.arange(len(per_day))).astype("datetime64[D]")
    if len(per_day) <= 120:
        unit, starts = "day", dates
    elif len(per_day) <= 1461:
        unit, starts = "week", dates - (dates.astype(int) + 3) % 7  # day 0 was a Thursday
    elif len(per_day) <= 14_610:
        unit, starts = "month", dates.astype("datetime64[M]")
    else:
        unit, starts = "year", dates.astype("datetime64[Y]")
    periods, index = np.unique(starts.astype("datetime64[D]"), return_inverse=True)
    sums = np.bincount(index, weights=per_day)
    return header, [(str(start), int(n), unit) for start, n in zip(periods, sums, strict=True)]


def _year(day: int) -> int:
    return 1970 + int(day // 365.2425)


@house_style
def ratings_over_time(timestamp: np.ndarray) -> Figure:
    """Ratings given in each day, week, month or year; says so where the source has no times."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.ticker import MaxNLocator

    _, rows = time_rows(timestamp)
    figure = canvas(2.7)
    axes = figure.add_subplot()
    name_axes(axes, "Time of rating (UTC)", f"Ratings in each {rows[0][2] if rows else 'month'}")
    if not rows:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no timestamps", transform=axes.transAxes, ha="center", color=QUIET)
        return figure
    starts = np.array([row[0] for row in rows], "datetime64[D]")
    step, unit = UNITS[rows[-1][2]]
    end = starts[-1].astype(f"datetime64[{unit}]") + step  # of the last period
    edges = np.append(starts, end.astype("datetime64[D]"))
    axes.stairs([row[1] for row in rows], date2num(edges), fill=True, color=BLUE)
    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    room = max(7 - (edges[-1] - edges[0]).astype(int), 0)  # days: a single one is a narrow bar, not a wall
    axes.set_xlim(date2num(edges[0]) - room / 2, date2num(edges[-1]) + room / 2)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(thousands)
    axes.grid(axis="y")
    axes.set_ylim(bottom=0)
    return figure
