"""Put two runs side by side: each model's value in both, tested where the users' values are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from marquee.config import CompareOptions
from marquee.evaluation.test_set import ModelResult
from marquee.leaderboard.metrics import Row, ranked
from marquee.leaderboard.significance import bootstrap, holm, interval, least_p, p_value
from marquee.leaderboard.table import ORACLE, direction, ratios_of
from marquee.rng import named_rng

Summary = Mapping[str, Mapping[str, Mapping[str, Any]]]  # metrics/summary.json
Results = Callable[[str], tuple[ModelResult | None, ModelResult | None]]  # of a model: here, there


def against(
    rows: Sequence[Row],
    headline: Mapping[str, str],
    there: Summary,
    results: Results,
    options: CompareOptions,
    seed: int,
) -> list[dict[str, Any]]:
    """Return a row for each task and model of either run, as `marquee.report.content.Against` has them.

    rows      of this run's leaderboard
    headline  task -> the metric that is compared
    there     metrics/summary.json of the other run
    results   the evaluations of a model on one test set; None: not known
    """
    found = []
    for task, metric in headline.items():
        known = {row["model"]: row["value"] for row in ranked(rows, task, metric) if row["model"] != ORACLE}
        others = {
            name: entry[metric]["value"]
            for name, entry in there.items()
            if _is_of(name, entry, task, metric, rows)
        }
        columns = {}
        for model in sorted(known.keys() & others.keys()):
            one, other = results(model)
            if (difference := _resampled(one, other, metric, options, seed)) is not None:
                columns[model] = difference
        found += _rows(task, metric, known, others, columns, options)
    return found


def _is_of(name: str, entry: Mapping[str, Any], task: str, metric: str, rows: Sequence[Row]) -> bool:
    """Say whether a model of the other run is of this task: as here, or by whether it has an RMSE."""
    own = {row["task"] for row in rows if row["model"] == name}
    guess = "rating" if "rmse" in entry else "ranking"
    return (
        metric in entry and not name.startswith(f"{ORACLE}_") and task == (next(iter(own)) if own else guess)
    )


def _resampled(
    one: ModelResult | None,
    other: ModelResult | None,
    metric: str,
    options: CompareOptions,
    seed: int,
) -> np.ndarray | None:
    """Return the paired difference [1 + B] of `bootstrap`; None where the two do not have the same users."""
    if one is None or other is None:
        return None
    if not np.array_equal(one.per_user["user"], other.per_user["user"]):
        return None
    pair = [ratios_of(result).get(metric) for result in (one, other)]
    if pair[0] is None or pair[1] is None:
        return None
    here, there = bootstrap([pair[0], pair[1]], options.bootstrap_samples, named_rng(seed, "against")).T
    return here - there


def _rows(
    task: str,
    metric: str,
    known: Mapping[str, float],
    others: Mapping[str, float],
    columns: Mapping[str, np.ndarray],
    options: CompareOptions,
) -> list[dict[str, Any]]:
    sign = direction(metric)
    adjusted = dict(zip(columns, holm([p_value(column) for column in columns.values()]), strict=True))
    floor = least_p(len(columns), options.bootstrap_samples)
    found = []
    models = sorted({*known, *others}, key=lambda name: (-sign * known.get(name, -sign * np.inf), name))
    for model in models:
        here, there = known.get(model), others.get(model)
        row = {"task": task, "model": model, "metric": metric, "here": here, "there": there, "least_p": floor}
        row["difference"] = None if here is None or there is None else here - there
        bounds = interval(columns[model], options.confidence) if model in columns else (None, None)
        row["difference_low"], row["difference_high"] = bounds
        row["p_holm"] = float(adjusted[model]) if model in columns else None
        found.append(row)
    return found
