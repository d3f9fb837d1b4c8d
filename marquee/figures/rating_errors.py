"""Draw where a model's predicted ratings err, in four figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.style import (
    BLUE,
    INK,
    ORANGE,
    QUIET,
    RUST,
    WHITE,
    canvas,
    house_style,
    name_axes,
    scale_unit,
    signed,
    thousands,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 2.7  # inches


def error_figures(found: Mapping[str, Any]) -> dict[str, Figure]:
    """Draw the histogram of errors, the calibration, and RMSE by training ratings of user and of movie.

    found: of `marquee.evaluation.residuals.tables`. Vertical lines are 95 % intervals over users; the panel
    may cut that of movies without training ratings. Dashed below: the RMSE of all test ratings.
    """
    rows = [*found["by_user"], *found["by_movie"]]
    ends = [row[3] for row in rows] + [bound for row in rows if row[1] for bound in row[4:6]]
    room = 0.06 * (max(ends) - min(ends) or 1)
    limits = min(ends) - room, max(ends) + room  # the same for users and movies
    return {
        "errors": _histogram(found),
        "calibration": _calibrated(found),
        "errors_by_user": _by_known(found, "user", limits),
        "errors_by_movie": _by_known(found, "movie", limits),
    }


@house_style
def _histogram(found: Mapping[str, Any]) -> Figure:
    figure = canvas(HEIGHT)
    axes, bins, mean = figure.add_subplot(), found["histogram"], found["mean_error"]
    edges = np.array(bins["edges"])
    axes.bar(edges[:-1], bins["counts"], np.diff(edges), align="edge", color=BLUE, ec=WHITE, linewidth=0.4)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axvline(mean, color=ORANGE, linestyle=(0, (4, 2)), linewidth=1.4)
    words = f"mean {signed(mean, 3)}"
    axes.text(0.98, 0.97, words, color=RUST, transform=axes.transAxes, ha="right", va="top")
    axes.yaxis.set_major_formatter(thousands)
    axes.grid(axis="y")
    name_axes(axes, f"Predicted − true rating{scale_unit(*found['scale'])}", "Test ratings")
    return figure


@house_style
def _calibrated(found: Mapping[str, Any]) -> Figure:
    figure = canvas(HEIGHT)
    axes, unit = figure.add_subplot(), scale_unit(*found["scale"])
    predicted, rating, low, high, _ = np.array(found["calibration"]).T
    axes.errorbar(
        predicted, rating, [rating - low, high - rating], fmt="o", ms=3.5, color=BLUE, elinewidth=1.2
    )
    ends = [min(predicted.min(), low.min()), max(predicted.max(), high.max())]
    axes.plot(ends, ends, color=QUIET, linestyle=(0, (4, 2)), linewidth=1, zorder=0)
    axes.annotate("as predicted", (ends[1], ends[1]), (-8, -2), textcoords="offset points", ha="right")
    axes.grid()
    name_axes(axes, f"Predicted rating{unit}, a dot for each tenth", f"Mean true rating{unit}")
    return figure


@house_style
def _by_known(found: Mapping[str, Any], of: str, limits: tuple[float, float]) -> Figure:
    figure, rows = canvas(HEIGHT), found[f"by_{of}"]
    axes = figure.add_subplot(ylim=limits, xlim=(-0.5, len(rows) - 0.5))
    places = np.arange(len(rows))
    for place, (_, _, known, rmse, low, high, _) in zip(places, rows, strict=True):
        axes.plot([place, place], [low, high], color=BLUE, linewidth=1.2)
        axes.plot(place, rmse, "o", ms=5.5, mec=BLUE, mfc=BLUE if known else WHITE)
    axes.axhline(found["rmse"], color=QUIET, linestyle=(0, (4, 2)), linewidth=1, zorder=0)
    names = [f"{_short(first)}–{_short(last)}" if first < last else _short(first) for first, last, *_ in rows]
    axes.set_xticks(places, [f"{name}\nn {_short(row[-1])}" for name, row in zip(names, rows, strict=True)])
    axes.grid(axis="y")
    unit = scale_unit(*found["scale"])
    name_axes(axes, f"Training ratings of the {of}; n test ratings", f"RMSE{unit}")
    return figure


def _short(count: float) -> str:
    """Format `950`, `2.3k`, `150k`."""
    return f"{count:.0f}" if count < 1000 else f"{count / 1000:.{count < 9950:d}f}k"
