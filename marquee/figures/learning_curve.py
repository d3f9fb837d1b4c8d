"""Draw training loss and validation metric by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from marquee.figures.style import BLUE, INK, ORANGE, RUST, canvas, house_style, name_axes
from marquee.leaderboard.metrics import VALIDATED, metric_title
from marquee.leaderboard.table import direction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = Sequence[Mapping[str, float]]  # for each epoch: `epoch`, and `loss`, `train`, `validation` if known


def best_epoch(curve: Curve, task: str) -> Mapping[str, float]:
    """Return the row of the best checkpoint: the first with the best validation, else the last."""
    if "validation" not in curve[-1]:
        return curve[-1]
    choose = max if direction(VALIDATED[task]) > 0 else min
    return choose(curve, key=lambda row: row["validation"])


@house_style
def learning_curve(curve: Curve, task: str, unit: str = "") -> Figure:
    """Draw the training loss above, and `metric` on validation and, where known, training ratings below.

    RMSE has a second axis for MSE. A vertical line through both marks the best checkpoint.
    """
    lines = {
        name: (words, color)
        for name, words, color in (("train", "training", ORANGE), ("validation", "validation", BLUE))
        if name in curve[-1]
    }
    figure = canvas(3.6 if lines else 2.2)
    panels = figure.subplots(1 + bool(lines), 1, sharex=True, squeeze=False)[:, 0]
    best = best_epoch(curve, task)
    _line(panels[0], curve, "loss", INK)
    name_axes(panels[0], "" if lines else "Epoch", "Training loss")
    lowest = min(lines, key=lambda name: curve[-1][name], default="")
    for name, (words, color) in lines.items():
        _line(panels[1], curve, name, color)
        panels[1].plot(best["epoch"], best[name], "o", color=color, ms=5.5)
        end, side = (curve[-1]["epoch"], curve[-1][name]), "top" if name == lowest else "bottom"
        panels[1].annotate(
            words, end, (6, 0), textcoords="offset points", color=RUST if color == ORANGE else color, va=side
        )
    for axes in panels:
        axes.axvline(best["epoch"], color=INK, linestyle=(0, (1, 2)), linewidth=0.8, zorder=0)
    if lines:
        name_axes(
            panels[1], f"Epoch (best checkpoint: {best['epoch']:g})", f"{metric_title(VALIDATED[task])}{unit}"
        )
        if task == "rating":
            _add_squares(panels[1])
    return figure


def _line(axes: Axes, curve: Curve, name: str, color: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot([row["epoch"] for row in curve], [row[name] for row in curve], color=color)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.grid(axis="y")


def _add_squares(axes: Axes) -> None:
    """Add an axis to the right, beyond the words, that reads the same curves as MSE."""
    from matplotlib.ticker import MaxNLocator

    low, high = np.square(axes.get_ylim())
    squared = axes.secondary_yaxis(1.19, functions=(np.square, lambda mse: np.sqrt(np.abs(mse))))
    ticks = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
    squared.set_yticks([tick for tick in ticks if low <= tick <= high])
    squared.set_ylabel(metric_title("mse"), rotation=0, ha="left", va="bottom")
    squared.yaxis.set_label_coords(1.19, 1.02, transform=axes.transAxes)


def describe_curve(curve: Curve, task: str) -> str:
    metric = VALIDATED[task]
    best, last = best_epoch(curve, task), curve[-1]
    if "validation" not in best:
        return f"{len(curve)} epochs. The last one is kept: there are no validation ratings."
    words = f"{len(curve)} epochs. The best checkpoint is that of epoch {best['epoch']:g}, with validation "
    words += f"{metric_title(metric)} {best['validation']:.4f}"
    if task == "rating":
        words += f" (MSE {best['validation'] ** 2:.4f})"
    if "train" not in best:
        return f"{words}."
    words += f" and {best['train']:.4f} on training ratings"
    if last["epoch"] > best["epoch"]:
        words += f". In the last epoch they are {last['validation']:.4f} and {last['train']:.4f}"
    return f"{words}."
