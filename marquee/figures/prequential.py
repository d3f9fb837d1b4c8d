"""Draw metrics over time of the ways in which a model learns on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.figures.style import BLUE, INK, ORANGE, QUIET, canvas, house_style, name_axes
from marquee.leaderboard.metrics import metric_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORDS = {"never": "never", "fold_in": "fold in users", "update": "update", "refit": "fit again"}
# A color and a marker each, for readers who cannot tell colors apart
COLORS = {"never": QUIET, "fold_in": "#cc79a7", "update": BLUE, "refit": ORANGE}
MARKERS = {"never": "s", "fold_in": "^", "update": "o", "refit": "D"}
WIDE = 7.2  # inches: the figure stands alone in a page


@house_style
def prequential_curves(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Figure:
    """Draw a panel for each model and metric: values by batch, with the interval of each as a line.

    rows  of `marquee.prequential.curve`
    """
    panels = [
        (model, metric)
        for model in dict.fromkeys(row["model"] for row in rows)
        for metric in metrics
        if any(row["model"] == model and metric in row for row in rows)
    ]
    figure = canvas(2.5 * len(panels), width=WIDE)
    all_axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axes, (model, metric) in zip(all_axes, panels, strict=True):
        own = [row for row in rows if row["model"] == model and metric in row]
        policies = list(dict.fromkeys(row["policy"] for row in own))
        for place, policy in enumerate(policies):
            line = [row for row in own if row["policy"] == policy]
            batch = np.array([row["batch"] for row in line], float) + 1
            value, low, high = (
                np.array([row[f"{metric}{end}"] for row in line]) for end in ("", "_low", "_high")
            )
            beside = batch + 0.12 * (place - (len(policies) - 1) / 2)  # intervals do not hide each other
            color = COLORS[policy]
            axes.vlines(beside, low, high, color=color, linewidth=0.8, alpha=0.55)
            axes.plot(
                beside, value, color=color, marker=MARKERS[policy], ms=3.5, linewidth=1.1, label=WORDS[policy]
            )
        axes.grid(axis="y")
        shown = np.unique(np.linspace(0, len(line) - 1, min(len(line), 5)).round().astype(int))
        axes.set_xticks(
            [line[at]["batch"] + 1 for at in shown],
            [datetime.fromtimestamp(line[at]["until"], UTC).strftime("%d %b %Y") for at in shown],
        )
        name_axes(axes, "", f"{metric_title(metric)} of {model}, by batch (its last rating)")
    handles, words = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside upper center", ncols=len(words), frameon=False, labelcolor=INK)
    return figure
