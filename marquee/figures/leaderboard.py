"""What the models made of it: leaderboard, and where recommendations come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.style import BLUE, INK, ORANGE, QUIET, WHITE, canvas, house_style, name_axes
from marquee.leaderboard.table import ORACLE, direction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

TENTHS = 10
ACRONYMS = ("rmse", "mae", "mse", "ndcg", "map", "mrr")


def lower_is_better(metric: str) -> bool:
    return direction(metric) < 0


def ranked(rows: Sequence[Row], task: str, metric: str) -> list[Row]:
    """The rows of one task and metric, the best value first; equal values by name."""
    sign = 1 if lower_is_better(metric) else -1
    found = [row for row in rows if row["task"] == task and row["metric"] == metric]
    return sorted(found, key=lambda row: (sign * row["value"], row["model"]))


@house_style
def leaderboard(rows: Sequence[Row], task: str, metric: str, confidence: float = 0.95) -> Figure:
    """Value and interval of `metric` for each model of `task`, the best on top.

    rows are those of `marquee.leaderboard.table.compare`. Filled dots are level with the best, hollow ones
    significantly worse at that `confidence`; the oracle is a dashed line.
    """
    from matplotlib.ticker import MaxNLocator

    found = ranked(rows, task, metric)
    models = [row for row in found if row["model"] != ORACLE]
    figure = canvas(0.75 + 0.27 * max(len(models), 1), [row["model"] for row in models])
    axes = figure.add_subplot()
    for place, row in enumerate(models):
        level = row["best"] or (row["p_holm"] is not None and row["p_holm"] >= 1 - confidence)
        colour, face = (BLUE, BLUE) if level else (QUIET, WHITE)
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.4)
        axes.plot(row["value"], place, "o", ms=6.5, mfc=face, mec=colour, mew=1.4)
        words = f"{row['value']:.4f}{' best' if row['best'] else ' ≈ best' if level else ''}"
        weight = "bold" if row["best"] else "normal"
        beside = axes.get_yaxis_transform()
        axes.text(1.03, place, words, transform=beside, va="center", fontweight=weight)
    for row in found:
        if row["model"] == ORACLE:
            axes.axvline(row["value"], color=ORANGE, linestyle=(0, (4, 2)), linewidth=1.4)
            above = axes.get_xaxis_transform()
            words = f"oracle {row['value']:.4f}"
            axes.text(row["value"], 1.01, words, transform=above, ha="center", va="bottom", fontsize=8)
    axes.set_yticks(range(len(models)), [row["model"] for row in models], color=INK)
    axes.set_ylim(max(len(models), 1) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.margins(x=0.08)
    better = "lower" if lower_is_better(metric) else "higher"
    axes.set_xlabel(f"{metric_title(metric)}, {task} test set ({better} is better)")
    return figure


def metric_title(metric: str) -> str:
    """`NDCG@10` for `ndcg@10`, `Sampled NDCG@10` for `sampled_ndcg@10`, `Genre diversity@5`."""
    name, at, k = metric.partition("@")
    words = " ".join(word.upper() if word in ACRONYMS else word for word in name.split("_"))
    return words[:1].upper() + words[1:] + at + k


def tail_shares(item: np.ndarray, listed: np.ndarray, n_items: int) -> list[float]:
    """The share of what is `listed` that comes from each tenth of the catalogue, the most rated tenth first.

    item    int [n]: the movie of each training rating; equally rated movies are in their own order
    listed  int, any shape: recommended movies, -1 for none; `item` itself gives the ratings' own shares

    All are 0 when nothing is listed.
    """
    order = np.argsort(-np.bincount(item, minlength=n_items), kind="stable")  # (n_items,)
    counts = np.bincount(listed[listed >= 0], minlength=n_items)[order]
    return [float(part.sum() / max(counts.sum(), 1)) for part in np.array_split(counts, TENTHS)]


@house_style
def recommended_tail(
    shares: Mapping[str, Sequence[float]], ratings: Sequence[float], coverage: Mapping[str, float]
) -> Figure:
    """Which tenth of the catalogue each model recommends, below the ratings that it learned from.

    shares    model -> `tail_shares` of its lists, in the order to draw
    ratings   `tail_shares` of the training ratings themselves
    coverage  model -> share of the catalogue that is in anybody's list; a model may be absent
    """
    lines = {"training ratings": ratings, **shares}
    figure = canvas(1.0 + 0.24 * len(lines), lines)
    axes = figure.add_subplot(xlim=(0.4, TENTHS + 2.6), ylim=(len(lines) - 0.1, -0.6))
    places = [0.0, *np.arange(1.4, len(lines))]  # a gap sets the ratings apart
    for y, (name, values) in zip(places, lines.items(), strict=True):
        for tenth, share in enumerate(values, start=1):
            depth = 0.6 * share**0.5  # of the colour: the root keeps small shares visible
            axes.bar(tenth, 0.92, 0.92, y - 0.46, color=BLUE, alpha=depth, linewidth=0)
            axes.text(tenth, y, _percent(share), ha="center", va="center_baseline", fontsize=7)
        if name in coverage:
            axes.text(
                TENTHS + 1.7, y, f"{_percent(coverage[name])}%", ha="center", va="center_baseline", fontsize=8
            )
    axes.set_yticks(places, list(lines), color=INK)
    axes.set_xticks([*range(1, TENTHS + 1), TENTHS + 1.7], [*map(str, range(1, TENTHS + 1)), "coverage"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    name_axes(axes, "Tenth of the catalogue, the most rated first", "% of recommendations")
    return figure


def _percent(share: float) -> str:
    """`12`, `<1` for a little, `0` for nothing at all."""
    return "<1" if 0 < share < 0.005 else f"{100 * share:.0f}"
