"""Draw where a model's predicted ratings err, in four panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.style import (
    BLUE,
    INK,
    ORANGE,
    QUIET,
    WHITE,
    canvas,
    house_style,
    name_axes,
    scale_unit,
    signed,
    thousands,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Sequence[Sequence[float]]


@house_style
def errors(found: Mapping[str, Any]) -> Figure:
    """Draw the histogram of errors, the calibration, and RMSE by training ratings of user and movie.

    found: of `marquee.evaluation.residuals.tables`. Vertical lines are 95 % intervals over users; the panel
    may cut that of movies without training ratings. Dashed below: the RMSE of all test ratings.
    """
    figure = canvas(5.6, width=7.2)
    (histogram, calibrated), (users, movies) = figure.subplots(2, 2)
    unit = scale_unit(*found["scale"])
    _histogram(histogram, found["histogram"], found["mean_error"], unit)
    _calibrated(calibrated, found["calibration"], unit)
    movies.sharey(users)
    for axes, of in ((users, "user"), (movies, "movie")):
        _by_known(axes, found[f"by_{of}"], found["rmse"], of, unit)
    rows = [*found["by_user"], *found["by_movie"]]
    ends = [row[3] for row in rows] + [bound for row in rows if row[1] for bound in row[4:6]]
    room = 0.06 * (max(ends) - min(ends) or 1)
    users.set_ylim(min(ends) - room, max(ends) + room)
    return figure


def _histogram(axes: Axes, bins: Mapping[str, Sequence[float]], mean: float, unit: str) -> None:
    edges = np.array(bins["edges"])
    axes.bar(edges[:-1], bins["counts"], np.diff(edges), align="edge", color=BLUE, ec=WHITE, linewidth=0.4)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axvline(mean, color=ORANGE, linestyle=(0, (4, 2)), linewidth=1.4)
    words = f"mean {signed(mean, 3)}"
    axes.text(0.98, 0.97, words, color=ORANGE, transform=axes.transAxes, ha="right", va="top", fontsize=8)
    axes.yaxis.set_major_formatter(thousands)
    axes.grid(axis="y")
    name_axes(axes, f"Predicted − true rating{unit}", "Test ratings")


def _calibrated(axes: Axes, rows: Rows, unit: str) -> None:
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
    name_axes(axes, f"Predicted rating{unit}, a dot for each tenth", f"Mean true rating{unit}")


def _by_known(axes: Axes, rows: Rows, overall: float, of: str, unit: str) -> None:
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
    name_axes(axes, f"Training ratings of the {of}; n test ratings", f"RMSE{unit}")


def _short(count: float) -> str:
    """Format `950`, `2.3k`, `150k`."""
    return f"{count:.0f}" if count < 1000 else f"{count / 1000:.{count < 9950:d}f}k"
