"""Draw the comparison of models: leaderboards, and which part of the catalogue is recommended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from marquee.evaluation.long_tail import TENTHS
from marquee.figures.captioned import Captioned
from marquee.figures.labels import label_points
from marquee.figures.style import (
    BLUE,
    INK,
    LETTERS,
    ORANGE,
    QUIET,
    WHITE,
    canvas,
    house_style,
    name_axes,
    settle,
)
from marquee.leaderboard.metrics import Row, metric_title, ranked
from marquee.leaderboard.table import ORACLE, direction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HOLLOW = "Filled: the best model and those not significantly different from it. Hollow: significantly worse."


def leaderboard_figures(
    rows: Sequence[Row],
    headline: Mapping[str, str],
    confidence: float,
    k: int,
    tails: Mapping[str, Mapping[str, Sequence[float]]],
) -> dict[str, Captioned]:
    """Draw for each task a leaderboard and `<task>_popularity` and, where there are `tails`, `long_tail`.

    rows        of `marquee.leaderboard.table.compare`
    headline    task -> the metric that orders its models
    k           list length whose coverage, accuracy and popularity are shown
    tails       model -> its `marquee.evaluation.long_tail.long_tail`, in the order to draw
    """
    found = {}
    for task, metric in headline.items():
        board, name = ranked(rows, task, metric), metric_title(metric)
        oracle = any(row["model"] == ORACLE for row in board)
        caption = f"{name} of the {task} models with {confidence:.0%} intervals. {HOLLOW}" + oracle * (
            " Dashed: the oracle, a model that knows the ground truth of the simulation."
        )
        alt = f"{name}: " + ", ".join(f"{row['model']} {row['value']:.4f}" for row in board)
        found[task] = Captioned(leaderboard(rows, task, metric, confidence), caption, alt)
        if points := _points(rows, task, k):
            caption = (
                f"Accuracy of the {task} models' lists against the popularity of what they recommend, with "
                f"{confidence:.0%} intervals. A random list is at 0.5, the most rated movie at 1."
            )
            alt = ", ".join(f"{model} {x['value']:.2f} {y['value']:.4f}" for model, (x, y) in points.items())
            found[f"{task}_popularity"] = Captioned(accuracy_by_popularity(points, k), caption, alt)
    if tails:
        coverage = {row["model"]: row["value"] for row in rows if row["metric"] == f"coverage@{k}"}
        fractions = {model: tail["recommended"] for model, tail in tails.items()}
        training = next(iter(tails.values()))["training"]
        figure, alt = recommended_tail(fractions, training, coverage), "Table of percentages by popularity"
        found["long_tail"] = Captioned(figure, describe_tail(fractions, training), alt)
    return found


def describe_tail(fractions: Mapping[str, Sequence[float]], training: Sequence[float]) -> str:
    first = {model: values[0] for model, values in fractions.items()}
    most, least = max(first, key=first.__getitem__), min(first, key=first.__getitem__)
    return (
        f"Which movies are recommended. The most rated tenth of the catalogue has {training[0]:.0%} of the "
        f"training ratings. It has {first[most]:.0%} of the recommendations of {most} and {first[least]:.0%} "
        f"of those of {least}. Coverage is the fraction of the catalogue that any user is recommended."
    )


@house_style
def leaderboard(rows: Sequence[Row], task: str, metric: str, confidence: float = 0.95) -> Figure:
    """Draw value and interval of `metric` for each model of `task`, the best on top.

    rows are those of `marquee.leaderboard.table.compare`. Hollow dots are significantly worse than the best
    at that `confidence`; the oracle is a dashed line.
    """
    from matplotlib.ticker import MaxNLocator

    found = ranked(rows, task, metric)
    models = [row for row in found if row["model"] != ORACLE]
    figure = canvas(0.75 + 0.27 * max(len(models), 1), [row["model"] for row in models])
    axes = figure.add_subplot()
    if not models:
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"no {task} models", transform=axes.transAxes, ha="center", color=QUIET)
        return figure
    for place, row in enumerate(models):
        level = row["best"] or (row["p_holm"] is not None and row["p_holm"] >= 1 - confidence)
        color, face = (BLUE, BLUE) if level else (QUIET, WHITE)
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=color, linewidth=1.4)
        axes.plot(row["value"], place, "o", ms=6.5, mfc=face, mec=color, mew=1.4)
        words = f"{row['value']:.4f}{' best' if row['best'] else ' ≈ best' if level else ''}"
        weight = "bold" if row["best"] else "normal"
        axes.text(1.03, place, words, transform=axes.get_yaxis_transform(), va="center", fontweight=weight)
    for row in found:
        if row["model"] == ORACLE:
            axes.axvline(row["value"], color=ORANGE, linestyle=(0, (4, 2)), linewidth=1.4)
            above = axes.get_xaxis_transform()
            words = f"oracle {row['value']:.4f}"
            axes.text(row["value"], 1.01, words, transform=above, ha="center", va="bottom")
    axes.set_yticks(range(len(models)), [row["model"] for row in models], color=INK)
    axes.set_ylim(max(len(models), 1) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.margins(x=0.08)
    better = "lower" if direction(metric) < 0 else "higher"
    axes.set_xlabel(f"{metric_title(metric)}, {task} test set ({better} is better)")
    return figure


def _points(rows: Sequence[Row], task: str, k: int) -> dict[str, tuple[Row, Row]]:
    """Return model -> its rows of popularity and NDCG at k; the best first, the oracle last."""
    popularity = {row["model"]: row for row in ranked(rows, task, f"popularity_percentile@{k}")}
    board = ranked(rows, task, f"ndcg@{k}")
    board.sort(key=lambda row: row["model"] == ORACLE)
    return {row["model"]: (popularity[row["model"]], row) for row in board if row["model"] in popularity}


@house_style
def accuracy_by_popularity(points: Mapping[str, tuple[Row, Row]], k: int) -> Figure:
    """Draw NDCG@k against the popularity of what is recommended: model -> the rows of popularity and NDCG."""
    figure = canvas(3 + 0.12 * len(points))
    axes = figure.add_subplot()
    for model, pair in points.items():
        color = ORANGE if model == ORACLE else BLUE
        x, y = (row["value"] for row in pair)
        ends = [(row["low"], row["high"]) for row in pair if row["low"] is not None]
        if len(ends) == 2:
            axes.plot(ends[0], [y, y], color=color, linewidth=1, alpha=0.5)
            axes.plot([x, x], ends[1], color=color, linewidth=1, alpha=0.5)
        axes.plot(x, y, "o", ms=5, color=color)
    axes.grid()
    axes.margins(0.15)
    name_axes(axes, "Popularity percentile of what is recommended", metric_title(f"ndcg@{k}"))
    settle(figure)
    xy = np.array([[row["value"] for row in pair] for pair in points.values()])
    label_points(axes, xy, list(enumerate(points)), len(points), LETTERS)
    return figure


@house_style
def recommended_tail(
    fractions: Mapping[str, Sequence[float]], ratings: Sequence[float], coverage: Mapping[str, float]
) -> Figure:
    """Draw which tenths of the catalogue each model recommends, below those of the training ratings.

    fractions  model -> `tail_fractions` of its lists, in the order to draw
    ratings    `tail_fractions` of the training ratings
    coverage   model -> fraction of the catalogue in any user's list; a model may be absent
    """
    lines = {"training ratings": ratings, **fractions}
    figure = canvas(1.0 + 0.24 * len(lines), lines)
    axes = figure.add_subplot(xlim=(0.4, TENTHS + 2.6), ylim=(len(lines) - 0.1, -0.6))
    places = [0.0, *np.arange(1.4, len(lines))]  # a gap below the training ratings
    for y, (name, values) in zip(places, lines.items(), strict=True):
        for tenth, fraction in enumerate(values, start=1):
            depth = 0.5 * fraction**0.5  # of the color: the root keeps small fractions visible
            axes.bar(tenth, 0.92, 0.92, y - 0.46, color=BLUE, alpha=depth, linewidth=0)
            axes.text(tenth, y, _percent(fraction), ha="center", va="center_baseline")
        if name in coverage:
            words = f"{_percent(coverage[name])}%"
            axes.text(TENTHS + 1.7, y, words, ha="center", va="center_baseline")
    axes.set_yticks(places, list(lines), color=INK)
    axes.set_xticks([*range(1, TENTHS + 1), TENTHS + 1.7], [*map(str, range(1, TENTHS + 1)), "coverage"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    name_axes(axes, "Tenth of the catalogue, the most rated first", "% of recommendations")
    return figure


def _percent(fraction: float) -> str:
    """Format `12`, `<1` for a little, `0` for nothing at all."""
    return "<1" if 0 < fraction < 0.005 else f"{100 * fraction:.0f}"
