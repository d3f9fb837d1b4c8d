"""How a fit went: its loss, and the figure that decided when it stopped, by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from marquee.figures.style import BLUE, INK, ORANGE, canvas, house_style, name_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = Sequence[Mapping[str, float]]  # of each epoch: `epoch`, and `loss`, `train`, `validation` if known


def best_epoch(curve: Curve, lower_is_better: bool) -> Mapping[str, float]:
    """The row of the epoch whose weights were kept: the first with the best validation, else the last."""
    if "validation" not in curve[-1]:
        return curve[-1]
    choose = min if lower_is_better else max
    return choose(curve, key=lambda row: row["validation"])


@house_style
def learning_curve(curve: Curve, metric: str, lower_is_better: bool) -> Figure:
    """The training loss above, `metric` below on validation and, where it is known, training ratings.

    A line down through both stands at the epoch whose weights were kept.
    """
    lines = {
        name: (words, colour)
        for name, words, colour in (("train", "training", ORANGE), ("validation", "validation", BLUE))
        if name in curve[-1]
    }
    figure = canvas(3.6 if lines else 2.2)
    panels = figure.subplots(1 + bool(lines), 1, sharex=True, squeeze=False)[:, 0]
    kept = best_epoch(curve, lower_is_better)
    _line(panels[0], curve, "loss", INK)
    name_axes(panels[0], "" if lines else "Epoch", "Training loss")
    lowest = min(lines, key=lambda name: curve[-1][name], default="")
    for name, (words, colour) in lines.items():
        _line(panels[1], curve, name, colour)
        panels[1].plot(kept["epoch"], kept[name], "o", color=colour, ms=5.5)
        end, side = (curve[-1]["epoch"], curve[-1][name]), "top" if name == lowest else "bottom"
        panels[1].annotate(words, end, (6, 0), textcoords="offset points", color=colour, va=side, fontsize=8)
    for axes in panels:
        axes.axvline(kept["epoch"], color=INK, linestyle=(0, (1, 2)), linewidth=0.8, zorder=0)
    if lines:
        name_axes(panels[1], f"Epoch (kept: {kept['epoch']:g})", metric)
    return figure


def _line(axes: Axes, curve: Curve, name: str, colour: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot([row["epoch"] for row in curve], [row[name] for row in curve], color=colour)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.grid(axis="y")
