"""Where a model's predicted ratings err, in four panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marquee.evaluation.residuals import Residuals, Rows
from marquee.figures.style import BLUE, INK, ORANGE, QUIET, WHITE, canvas, house_style, name_axes, thousands

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BIN = 0.25  # stars


@house_style
def errors(found: Residuals) -> Figure:
    """How errors spread, whether a prediction means what it says, and RMSE by what was known.

    Upright lines are 95 % intervals over users, that of movies without training ratings cut where it leaves
    the panel; the dashed line below is the RMSE of all test ratings.
    """
    figure = canvas(5.6, width=7.2)
    (spread, calibrated), (people, movies) = figure.subplots(2, 2)
    _spread(spread, found.error)
    _calibrated(calibrated, found.calibration)
    movies.sharey(people)
    rmse = float(np.sqrt(np.square(found.error, dtype=np.float64).mean()))
    _by_known(people, found.by_user, rmse, "Training ratings of the person")
    _by_known(movies, found.by_movie, rmse, "Training ratings of the movie")
    rows = [*found.by_user, *found.by_movie]
    ends = [row[3] for row in rows] + [bound for row in rows if row[1] for bound in row[4:6]]
    room = 0.06 * (max(ends) - min(ends) or 1)
    people.set_ylim(min(ends) - room, max(ends) + room)
    return figure


def _spread(axes: Axes, error: np.ndarray) -> None:
    edge = BIN * (np.ceil(np.abs(error).max() / BIN) + 0.5)  # half bins set 0 in the middle of one
    axes.hist(error, list(np.arange(-edge, edge + BIN / 2, BIN)), color=BLUE, edgecolor=WHITE, linewidth=0.4)
    axes.axvline(0, color=INK, linewidth=0.8)
    mean = float(error.mean(dtype=np.float64))
    axes.axvline(mean, color=ORANGE, linestyle=(0, (4, 2)), linewidth=1.4)
    words = f"mean {mean:+.3f}".replace("-", "−")
    axes.text(0.98, 0.97, words, color=ORANGE, transform=axes.transAxes, ha="right", va="top", fontsize=8)
    axes.yaxis.set_major_formatter(thousands)
    axes.grid(axis="y")
    name_axes(axes, "Predicted − true rating (stars)", "Test ratings")


def _calibrated(axes: Axes, rows: Rows) -> None:
    predicted, rating, low, high, _ = np.array(rows).T
    axes.errorbar(
        predicted, rating, [rating - low, high - rating], fmt="o", ms=3.5, color=BLUE, elinewidth=1.2
    )
    ends = [min(predicted.min(), low.min()), max(predicted.max(), high.max())]
    axes.plot(ends, ends, color=QUIET, linestyle=(0, (4, 2)), linewidth=1, zorder=0)
    axes.annotate(
        "as predicted", (ends[1], ends[1]), (-8, -2), textcoords="offset points", ha="right", fontsize=8
    )
    axes.grid()
    name_axes(axes, "Predicted rating (stars), a dot for each tenth", "Mean true rating (stars)")


def _by_known(axes: Axes, rows: Rows, overall: float, label: str) -> None:
    places = np.arange(len(rows))
    for place, (_, _, known, rmse, low, high, _) in zip(places, rows, strict=True):
        axes.plot([place, place], [low, high], color=BLUE, linewidth=1.2)
        axes.plot(place, rmse, "o", ms=5.5, mec=BLUE, mfc=BLUE if known else WHITE)
    axes.axhline(overall, color=QUIET, linestyle=(0, (4, 2)), linewidth=1, zorder=0)
    names = [f"{_short(first)}–{_short(last)}" if first < last else _short(first) for first, last, *_ in rows]
    names = [f"{name}\nn {_short(row[-1])}" for name, row in zip(names, rows, strict=True)]
    axes.set_xticks(places, names, fontsize=6.5)
    axes.set_xlim(-0.5, len(rows) - 0.5)
    axes.grid(axis="y")
    name_axes(axes, f"{label}; n test ratings", "RMSE (stars)")


def _short(count: float) -> str:
    """`950`, `2.3k`, `150k`."""
    return f"{count:.0f}" if count < 1000 else f"{count / 1000:.{count < 9950:d}f}k"
