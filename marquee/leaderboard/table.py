"""Compare models: one row for each metric of each model, with its interval and its test against the best."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marquee.config import CompareOptions
from marquee.errors import MarqueeError
from marquee.evaluation.metrics import Columns
from marquee.evaluation.test_set import ModelResult
from marquee.io import read_text, reading
from marquee.leaderboard.coverage import ResampledCoverage
from marquee.leaderboard.significance import Ratio, bootstrap, holm, interval, p_value

Row = dict[str, Any]

HEADER = (
    "task",
    "model",
    "metric",
    "value",
    "low",
    "high",
    "best",
    "difference",
    "difference_low",
    "difference_high",
    "p_holm",
)
GROUP_HEADER = ("group", "level", "users", *HEADER)  # of the rows of groups of users
ORACLE = "oracle"  # the model that knows the ground truth: a bound, not a competitor
HIGHER = ("hit", "precision", "recall", "capped_recall", "ndcg", "map", "mrr")
LOWER = ("rmse", "mae", "mse")
DECIMALS = 6  # one user of a million; smaller differences are rounding errors
COLUMNS = {  # of the printed table, the primary metric first
    "ranking": ("ndcg@{k}", "hit@{k}", "recall@{k}", "sampled_hit@{k}", "sampled_ndcg@{k}", "coverage@{k}"),
    "rating": ("rmse", "mse", "mae", "ndcg@{k}", "hit@{k}"),
}


def compare(evaluated: Sequence[ModelResult], options: CompareOptions, rng: np.random.Generator) -> list[Row]:
    """Return a row for each task, metric and model with the keys of `HEADER`; None where one does not apply.

    A metric with per-user values has an interval, and so has coverage where there are lists. Where a metric
    of users has a `direction`, one model is the best, by value and then by name. Every other model is tested
    against it on the same users: `difference` is the model's value minus the best's, and `p_holm` is adjusted
    for the models of that task and metric, but not for choosing the best on the same users. The oracle is
    neither the best nor tested.

    Neither the order of `evaluated` nor another model changes a model's interval. Raises MarqueeError for
    models of one task with different users, a `k` that no model was evaluated at, and too few resamples.
    """
    rows: list[Row] = []
    for task, own_rng in zip(COLUMNS, rng.spawn(len(COLUMNS)), strict=True):
        board = [one for one in evaluated if one.task == task]
        board.sort(key=lambda one: (one.model == ORACLE, one.model))
        if board:
            _check(board, options)
            ratios = {(one.model, name): ratio for one in board for name, ratio in ratios_of(one).items()}
            rows += board_rows(board, ratios, options, own_rng)
    return rows


def direction(metric: str) -> int:
    """Return 1 if more is better, -1 if less is, 0 for a metric that only describes."""
    name = metric.removeprefix("sampled_").removeprefix("midrank_").partition("@")[0]
    return (name in HIGHER) - (name in LOWER)


def primary_metrics(options: CompareOptions) -> dict[str, str]:
    """Return task -> the metric that its models are ordered by."""
    return {task: names[0].format(k=options.k) for task, names in COLUMNS.items()}


def summary(rows: Iterable[Row], options: CompareOptions) -> dict[str, dict[str, dict[str, Any]]]:
    """Return model -> metric -> {"value": float, "interval": [low, high] if there is one}.

    Metrics of a list are those at `options.k`, to keep a difference of two summaries short. The oracle has
    an entry for each task, `oracle_ranking` and `oracle_rating`.
    """
    models: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row["metric"].partition("@")[2] not in ("", str(options.k)):
            continue
        name = f"{ORACLE}_{row['task']}" if row["model"] == ORACLE else row["model"]
        bounds = {} if row["low"] is None else {"interval": [row["low"], row["high"]]}
        models.setdefault(name, {})[row["metric"]] = {"value": row["value"], **bounds}
    return models


def from_csv(lines: Iterable[str], header: Sequence[str] = HEADER) -> list[Row]:
    """Return the rows from the lines of the file that they were written to under `header`."""
    kinds = dict.fromkeys(header, float) | {"task": str, "model": str, "metric": str, "best": int}
    kinds |= {"group": str, "level": str, "users": int}
    reader = csv.DictReader(lines, strict=True)
    if tuple(reader.fieldnames or ()) != tuple(header):
        raise ValueError(f"it lacks the columns {','.join(header)}")
    return [
        {name: kinds[name](text) if text != "" else None for name, text in record.items()}
        for record in reader
    ]


def read(path: Path, header: Sequence[str] = HEADER) -> list[Row]:
    """Return the rows of the file. Raises MarqueeError for a damaged one."""
    text = read_text(path)
    with reading(path):
        rows = from_csv(text.splitlines(), header)
        if not rows or not text.endswith("\n"):
            raise ValueError("it ends too early")
        for row in rows:
            numbers = [value for value in row.values() if isinstance(value, float)]
            if row["value"] is None or row["best"] is None or not all(map(math.isfinite, numbers)):
                raise ValueError(f"the row of {row['model']} and {row['metric']} lacks a number")
    return rows


def _check(board: Sequence[ModelResult], options: CompareOptions) -> None:
    first, *others = board
    for other in others:
        a, b = first.per_user["user"], other.per_user["user"]
        if not np.array_equal(a, b):
            raise MarqueeError(
                f"{first.model} and {other.model} were evaluated on different users of the {first.task} task "
                f"({len(a)} and {len(b)} of them): evaluate both again on the same split"
            )
    ks = {int(metric.partition("@")[2]) for one in board for metric in one.metrics if "@" in metric}
    if ks and options.k not in ks:
        known = ", ".join(map(str, sorted(ks)))
        raise MarqueeError(
            f"compare.k is {options.k}, but the lists were evaluated at {known}: "
            "choose one of these or add it to evaluate.ks"
        )
    rivals = sum(one.model != ORACLE for one in board) - 1
    enough = options.enough_samples(rivals + 1)  # else Holm's smallest possible p is no longer small
    if options.bootstrap_samples < enough:
        raise MarqueeError(
            f"{options.bootstrap_samples} resamples are too few to compare {rivals + 1} models at a "
            f"confidence of {options.confidence:g}: take at least {enough}"
        )


def board_rows(
    board: Sequence[ModelResult],
    ratios: Mapping[tuple[str, str], Ratio],
    options: CompareOptions,
    rng: np.random.Generator,
) -> list[Row]:
    """Return the rows of one task; `ratios` are those of (model, metric) that have users' values."""
    covered = ResampledCoverage(board)
    figures = bootstrap([*ratios.values()], options.bootstrap_samples, rng, covered.add)  # (1 + B, ratios)
    resampled: dict[str, Columns] = {}
    for (model, metric), column in zip(ratios, figures.T, strict=True):
        resampled.setdefault(metric, {})[model] = column
    metrics = sorted({metric for one in board for metric in one.metrics}, key=_by_length)
    rows: list[Row] = []
    for metric in metrics:
        rows += _rows(board, metric, resampled.get(metric, {}), options.confidence)
    of = {(row["model"], row["metric"]): row for row in rows}
    for model, metric, low, high in covered.intervals(options.bootstrap_samples, options.confidence):
        of[model, metric] |= {"low": _rounded(low), "high": _rounded(high)}
    return rows


def ratios_of(one: ModelResult) -> dict[str, Ratio]:
    """Return the metrics that are made of a value for each user."""
    columns = one.per_user
    ratios = {metric: Ratio(values) for metric, values in columns.items() if metric in one.metrics}
    if "n" in columns:
        n, squared, absolute = columns["n"], columns["squared_error"], columns["absolute_error"]
        ratios |= {"rmse": Ratio(squared, n, root=True), "mse": Ratio(squared, n), "mae": Ratio(absolute, n)}
    return ratios


def of_users(one: ModelResult, members: np.ndarray, metrics: Iterable[str]) -> ModelResult:
    """Return those of `metrics` that are made of users' values, of the users of a mask [m] alone."""
    per_user = {name: values[members] for name, values in one.per_user.items()}
    ratios = ratios_of(ModelResult(one.model, one.task, dict.fromkeys(metrics, 0.0), per_user))
    values = {name: ratio.value for name, ratio in ratios.items() if name in metrics}
    values = {name: value for name, value in values.items() if not np.isnan(value)}  # of no user
    return ModelResult(one.model, one.task, values, per_user)


def _by_length(metric: str) -> tuple[str, int]:
    """Order `ndcg@5` before `ndcg@10`."""
    name, _, k = metric.partition("@")
    return name, int(k or 0)


def _rows(board: Sequence[ModelResult], metric: str, resampled: Columns, confidence: float) -> list[Row]:
    """Return the rows of one metric; `resampled` is model -> its column [1 + B] of the bootstrap."""
    values = {one.model: _rounded(one.metrics[metric]) for one in board if metric in one.metrics}
    sign = direction(metric)
    rivals = [model for model in resampled if sign and model != ORACLE]
    rivals.sort(key=lambda model: (-sign * values[model], model))
    differences = {model: resampled[model] - resampled[rivals[0]] for model in rivals[1:]}
    adjusted = dict(zip(differences, holm([p_value(x) for x in differences.values()]), strict=True))
    rows = []
    for model, value in values.items():
        row = dict.fromkeys(HEADER) | {"task": board[0].task, "model": model, "metric": metric}
        row |= {"value": value, "best": int(model in rivals[:1])}
        if model in resampled:
            row["low"], row["high"] = map(_rounded, interval(resampled[model], confidence))
        if model in differences:
            bounds = interval(differences[model], confidence)
            row["difference_low"], row["difference_high"] = map(_rounded, bounds)
            row["difference"] = _rounded(differences[model][0])
            row["p_holm"] = _rounded(adjusted[model])
        rows.append(row)
    return rows


def _rounded(value: float) -> float:
    return round(float(value), DECIMALS)
