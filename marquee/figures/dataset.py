"""Draw the ratings of a data set, and give the same numbers as rows of small CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.errors import MarqueeError
from marquee.figures.captioned import Captioned
from marquee.figures.style import BLUE, INK, QUIET, canvas, house_style, name_axes, scale_unit, thousands
from marquee.parallel import counts, row_blocks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = tuple[tuple[str, ...], list[tuple]]  # a header, and rows as wide as it
DAY = 86_400  # seconds
BLOCK = 1 << 22  # times that are counted at a time
# A span of at most so many days is shown by this unit, of which a period has so many of NumPy's
UNITS = {"day": (120, 1, "D"), "week": (1461, 7, "D"), "month": (14_610, 1, "M"), "year": (np.inf, 1, "Y")}
NAMED = 12  # ratings that are written at their bars
HEADS = (0.1, 0.2)  # fractions of the catalogue whose fraction of the ratings is named


def dataset_tables(card: Mapping[str, Any], item: np.ndarray, timestamp: np.ndarray) -> dict[str, Table]:
    """Return the numbers behind each of the `dataset_figures`."""
    tail, times = tail_rows(item), time_rows(timestamp)
    return {"ratings": rating_rows(**card["histogram"]), "long_tail": tail, "over_time": times}


def dataset_figures(card: Mapping[str, Any], item: np.ndarray, timestamp: np.ndarray) -> dict[str, Captioned]:
    """Draw how often each rating was given, the long tail, and ratings over time.

    card       `histogram`, `scale` and `mean_rating` of data/dataset.json
    item       int [n]: the movie of each rating
    timestamp  int64 [n]: its Unix seconds, 0 where the source has none
    """
    _, bars = rating_rows(**card["histogram"])
    often, _, fraction = max(bars, key=lambda row: row[1])
    heads = [f"the most rated {part:.0%} have {head_fraction(item, part):.0%}" for part in HEADS]
    _, periods = time_rows(timestamp)
    busiest = "The source has no timestamps."
    if periods:
        start, most, unit = max(periods, key=lambda row: row[1])
        busiest = f"Ratings per {unit}. The busiest {unit} starts on {start} and has {most:,} ratings."
    shares = ", ".join(f"{value:g} {part:.0%}" for value, _, part in bars[:NAMED])
    shares += f" and {len(bars) - NAMED} more" * (len(bars) > NAMED)
    if card.get("feedback") == "implicit":
        ratings = Captioned(
            count_histogram(**card["histogram"]),
            "How large the counts are; a bar reaches to twice the number that it begins with. "
            f"{fraction:.0%} are from {often:g} to below {2 * often:g}. "
            f"The mean is {card['mean_rating']:,.2f}, the largest {card['scale']['high']:,g}.",
            f"Histogram of counts, from: {shares}",
        )
    else:
        unit = scale_unit(card["scale"]["low"], card["scale"]["high"])
        ratings = Captioned(
            rating_histogram(**card["histogram"], unit=unit),
            f"How often each rating was given: {often:g} most often, with {fraction:.0%} of all ratings. "
            f"The mean is {card['mean_rating']:.2f}.",
            f"Histogram of ratings: {shares}",
        )
    return {
        "ratings": ratings,
        "long_tail": Captioned(
            long_tail(item),
            f"Ratings of each movie, both axes logarithmic. Of all ratings {' and '.join(heads)}.",
            "Line of the ratings of each movie, the most rated movie first",
        ),
        "over_time": Captioned(ratings_over_time(timestamp), busiest, "Area of the ratings over time"),
    }


def rating_rows(rating: Sequence[float], count: Sequence[int]) -> Table:
    """Return how often each `rating`, ascending, was given: `count` times."""
    total = max(sum(count), 1)
    fractions = [round(int(n) / total, 6) for n in count]
    return ("rating", "ratings", "share"), list(
        zip(map(float, rating), map(int, count), fractions, strict=True)
    )


@house_style
def rating_histogram(rating: Sequence[float], count: Sequence[int], unit: str = "") -> Figure:
    """Draw a bar for each `rating`, `count` high, with its fraction of all ratings on top."""
    _, rows = rating_rows(rating, count)
    figure = canvas(2.7)
    axes = figure.add_subplot()
    steps = np.diff(rating)
    width, places = min(steps, default=1.0), [row[0] for row in rows]
    if len(rows) <= NAMED and max(steps, default=1.0) > 4 * width:  # bars would be too thin to see
        width, places = 1.0, list(map(float, range(len(rows))))
    bars = axes.bar(places, [row[1] for row in rows], width=0.8 * width, color=BLUE)
    if len(rows) <= NAMED:
        axes.set_xticks(places, [thousands(row[0]) for row in rows])
        axes.bar_label(bars, [f"{row[2]:.0%}" for row in rows], padding=2, color=INK)
    axes.yaxis.set_major_formatter(thousands)
    axes.grid(axis="y")
    name_axes(axes, f"Rating{unit}", "Ratings")
    return figure


@house_style
def count_histogram(rating: Sequence[float], count: Sequence[int]) -> Figure:
    """Draw a bar for each power of 2 in `rating`: `count` rows are from there to below twice that."""
    from matplotlib.ticker import LogLocator

    figure = canvas(2.7)
    axes = figure.add_subplot()
    axes.set_xscale("log", base=2)
    axes.bar(rating, count, width=0.9 * np.asarray(rating), align="edge", color=BLUE)
    axes.xaxis.set_major_locator(LogLocator(2, numticks=6))
    axes.xaxis.set_major_formatter(thousands)
    axes.yaxis.set_major_formatter(thousands)
    axes.grid(axis="y")
    name_axes(axes, "Count", "Positives")
    return figure


def _descending(item: np.ndarray) -> np.ndarray:
    """Return int64 [n_items]: ratings of each movie, the most rated first."""
    return np.sort(counts(item))[::-1]


def tail_rows(item: np.ndarray, limit: int = 400) -> Table:
    """Return the ratings of the movies at up to `limit` ranks, evenly spaced by logarithm.

    item int [n]: the movie of each rating. `share` is the fraction of all ratings up to that rank.
    """
    counts = _descending(item)
    fractions = counts.cumsum() / max(len(item), 1)
    ranks = np.unique(np.geomspace(1, max(len(counts), 1), limit).round().astype(int))[: len(counts)]
    rows = [(int(rank), int(counts[rank - 1]), round(float(fractions[rank - 1]), 6)) for rank in ranks]
    return ("rank", "ratings", "share"), rows


def head_fraction(item: np.ndarray, part: float) -> float:
    """Return the fraction of ratings on the most rated `part` (0..1) of the movies, one movie at least."""
    counts = _descending(item)
    return float(counts[: max(round(part * len(counts)), 1)].sum() / max(len(item), 1))


@house_style
def long_tail(item: np.ndarray) -> Figure:
    """Draw the ratings of each movie by rank, both logarithmic, with the fraction in the head of the tail.

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
        words = f" top {part:.0%}: {head_fraction(item, part):.0%} of ratings "
        side = "right" if rank**2 > rows[-1][0] else "left"  # the side with room on a logarithmic axis
        axes.text(rank, place, words, transform=axes.get_xaxis_transform(), ha=side)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(thousands)
        axis.set_minor_formatter("")
    name_axes(axes, "Movies by rank, the most rated first", "Ratings of the movie")
    return figure


def time_rows(timestamp: np.ndarray) -> Table:
    """Return the ratings per day, week (from Monday), month or year, whichever suits the span.

    timestamp int64 [n], Unix seconds, UTC. 0 means none and is not counted. A row starts with the first day
    of its period; periods without ratings have rows, too. Raises MarqueeError for times outside 1900 to 2300.
    """
    header = ("start", "ratings", "unit")
    known = timestamp != 0
    if not known.any():
        return header, []
    low, high = (
        int(end(timestamp, where=known, initial=other) // DAY)
        for end, other in ((np.min, np.iinfo(np.int64).max), (np.max, np.iinfo(np.int64).min))
    )
    first, last = (1970 + int(day // 365.2425) for day in (low, high))
    if first < 1900 or last > 2300:
        raise MarqueeError(f"timestamps run from the year {first} to {last}: give Unix seconds, UTC")
    per_day = np.zeros(high - low + 1, np.int64)
    for rows in row_blocks(len(timestamp), BLOCK):
        days = timestamp[slice(*rows)][known[slice(*rows)]] // DAY - low
        per_day += np.bincount(days, minlength=len(per_day))
    dates = (low + np.arange(len(per_day))).astype("datetime64[D]")
    unit = next(name for name, (longest, *_) in UNITS.items() if len(per_day) <= longest)
    starts = dates.astype(f"datetime64[{UNITS[unit][2]}]")
    if unit == "week":
        starts -= (dates.astype(int) + 3) % 7  # day 0 was a Thursday
    periods, index = np.unique(starts.astype("datetime64[D]"), return_inverse=True)
    sums = np.bincount(index, weights=per_day)
    return header, [(str(start), int(n), unit) for start, n in zip(periods, sums, strict=True)]


@house_style
def ratings_over_time(timestamp: np.ndarray) -> Figure:
    """Draw the ratings per day, week, month or year; write `no timestamps` where the source has none."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.ticker import MaxNLocator

    _, rows = time_rows(timestamp)
    figure = canvas(2.7)
    axes = figure.add_subplot()
    name_axes(axes, "Time of rating (UTC)", f"Ratings per {rows[0][2] if rows else 'month'}")
    if not rows:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no timestamps", transform=axes.transAxes, ha="center", color=QUIET)
        return figure
    starts = np.array([row[0] for row in rows], "datetime64[D]")
    _, step, unit = UNITS[rows[-1][2]]
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
