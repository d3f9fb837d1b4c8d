"""Draw a search for options: the best so far, what matters, and the value by each option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.config.search import Choice, Range, Space
from marquee.figures.style import BLUE, INK, ORANGE, QUIET, canvas, house_style, name_axes, thousands
from marquee.leaderboard.metrics import metric_title
from marquee.leaderboard.table import direction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 1.9  # inches


@house_style
def tuning(trials: Mapping[str, Sequence[Any]], found: Mapping[str, Any], space: Space) -> Figure:
    """Draw `trials`, columns of the table of trials, and `found`, the summary of the search.

    Gray are values where most trials were stopped, blue those of whole fits; the winner is orange.
    """
    options = found["searched"]
    figure = canvas(PANEL * (2 + len(options)))
    axes = figure.subplots(2 + len(options), 1)
    first = next(name for name in ("rung_1", "whole") if name in trials)
    early, whole = (np.array(trials[name], float) for name in (first, "whole"))
    _best_so_far(axes[0], early, whole, found)
    importance = [found["importance"].get(name, 0.0) for name in options]
    axes[1].barh(range(len(options)), importance, color=BLUE, height=0.6)
    axes[1].set_yticks(range(len(options)), options)
    axes[1].invert_yaxis()
    name_axes(axes[1], "Fraction of the variance of the gray values", "Importance")
    for panel, name in zip(axes[2:], options, strict=True):
        _slice(panel, name, trials[name], early, found, space[name])
    return figure


def _best_so_far(axes: Axes, early: np.ndarray, whole: np.ndarray, found: Mapping[str, Any]) -> None:
    number, best = np.arange(len(whole)), np.fmax if direction(found["metric"]) > 0 else np.fmin
    axes.plot(number, early, "o", color=QUIET, ms=3)
    axes.plot(number, whole, "o", color=BLUE, ms=4)
    axes.step(number, best.accumulate(whole), where="post", color=BLUE)
    axes.plot(found["winner"]["trial"], found["winner"]["value"], "o", color=ORANGE, ms=6)
    _focus(axes, np.concatenate([early, whole]), found["metric"])
    name_axes(axes, "Trial", f"{metric_title(found['metric'])} on validation")


def _slice(
    axes: Axes,
    name: str,
    values: Sequence[Any],
    early: np.ndarray,
    found: Mapping[str, Any],
    within: Range | Choice,
) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    place = [within.values.index(value) for value in values] if isinstance(within, Choice) else values
    winner = found["winner"]["trial"]
    axes.plot(place, early, "o", color=QUIET, ms=4)
    axes.plot(place[winner], early[winner], "o", color=ORANGE, ms=6)
    if isinstance(within, Choice):
        axes.set_xticks(range(len(within.values)), [str(value) for value in within.values])
    elif within.log:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(thousands)
        axes.xaxis.set_minor_formatter(NullFormatter())
    _focus(axes, early, found["metric"])
    axes.grid(axis="y")
    name_axes(axes, name, f"{metric_title(found['metric'])}, stopped early")


def _focus(axes: Axes, values: np.ndarray, metric: str) -> None:
    """Cut off the worst quarter: a diverged trial would press all others into a line."""
    known = values[np.isfinite(values)]
    if len(known) < 4:
        return
    low, high = known.min(), known.max()
    if direction(metric) > 0:
        low = min(np.quantile(known, 0.25), np.median(known) - (high - np.median(known)))
    else:
        high = max(np.quantile(known, 0.75), np.median(known) + (np.median(known) - low))
    margin = 0.08 * (high - low) or 0.01
    axes.set_ylim(low - margin, high + margin)
    axes.axhline(known.max() if direction(metric) > 0 else known.min(), color=INK, lw=0.5, ls=(0, (1, 2)))
