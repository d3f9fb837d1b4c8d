"""Experiments gathered into one table: a row for each setting, with mean and spread over folds or seeds.

`read` takes what `dvc exp show --json` says, `gather` makes the rows, `text` prints them.
"""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marquee.errors import MarqueeError, did_you_mean
from marquee.leaderboard.table import direction

REPEATS = ("seed", "fold")  # what experiments are repeated over unless they are told otherwise
VALIDATION = "validation"  # the metric that stopped the training, at its best epoch
PARAMS, SUMMARY = "params.yaml", "metrics/summary.json"
Row = dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """One that ended well: `params` by dotted key, `values` by model and metric."""

    name: str
    params: Mapping[str, Any]
    values: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class SweepTable:
    """`rows` have the keys `model`, those of `grid`, `metric`, `mean`, `std`, `n`, `best` and `each`.

    `each` is setting of `over` -> value; `std` is with n - 1, None for n = 1. The best row of the first
    metric is at the top, and `best` is 1 where a row is the best of its metric among those of most repeats.
    """

    grid: tuple[str, ...]
    over: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: list[Row]


def read(
    shown: Iterable[Mapping[str, Any]], curve: Callable[[str, str], str]
) -> tuple[list[Experiment], dict[str, list[str]]]:
    """The experiments that ended well, in DVC's order, and the names of the others by their state.

    `curve(revision, model)` is the text of that model's learning curve, empty if there is none. DVC shows
    the metrics of the commit for an experiment that failed or has not run, so those are not looked at.
    """
    done, others = [], defaultdict(list)
    for one in (one for commit in shown for one in commit["experiments"] or []):
        state, last = (one["executor"] or {}).get("state", "success"), one["revs"][0]
        if state != "success" or last["error"] or not last["data"]:
            others["failed" if state == "success" else state].append(one["name"] or last["rev"][:7])
            continue
        params = dict(_leaves(last["data"]["params"][PARAMS]["data"]))
        found = last["data"]["metrics"].get(SUMMARY, {}).get("data", {})
        values = {}
        for model, metrics in found.items():
            if task := params.get(f"models.{model}.task"):
                best = _best_epoch(curve(last["rev"], model), task)
                values[model] = best | {name: metric["value"] for name, metric in metrics.items()}
        done.append(Experiment(one["name"] or last["rev"][:7], params, values))
    return done, dict(others)


def gather(
    experiments: Sequence[Experiment],
    deciding: Mapping[str, str],
    models: Sequence[str] = (),
    metrics: Sequence[str] = (),
    over: Sequence[str] = (),
) -> dict[str, SweepTable]:
    """task -> its table, of the experiments that differ in what concerns `models`.

    Without `models`: those with a block that varies, or else all whose metrics do. Without `metrics`: the
    one of the task in `deciding`, and `validation` before it where a model's own settings vary, since what
    is chosen by the test set is not measured by it. Without `over`: the seed and the folds.
    Raises MarqueeError for an unknown model, metric or key, and where nothing varies.
    """
    tasks = {model: str(one.params[f"models.{model}.task"]) for one in experiments for model in one.values}
    _require(models, tasks, "model {!r} is in no experiment")
    models = models or _moving(experiments, sorted(tasks))
    varying = _varying(experiments, models)
    if not varying:
        raise MarqueeError(
            f"nothing that concerns {', '.join(models or sorted(tasks))} varies among the {len(experiments)} "
            "finished experiments; queue some with `dvc exp run --queue -S key=value,value`"
        )
    _require(over, varying, "{} does not vary among the experiments")
    over = tuple(over) or tuple(key for key in varying if key.rpartition(".")[2] in REPEATS)
    boards: dict[str, list[str]] = defaultdict(list)
    for model in models:
        boards[tasks[model]].append(model)
    measured = {
        task: {name for one in experiments for model in board for name in one.values.get(model, {})}
        for task, board in boards.items()
    }
    _require(metrics, set().union(*measured.values()), "metric {!r} was not measured")
    tables = {}
    for task, board in boards.items():
        grid = tuple(key for key in _varying(experiments, board) if key not in over)
        chosen = any(key.startswith("models.") for key in grid)
        wanted = metrics or [VALIDATION] * chosen + [deciding[task]]
        wanted = [name for name in wanted if name in measured[task]]
        rows = [row for name in wanted for row in _rows(experiments, board, name, grid, over, task)]
        if rows:
            tables[task] = SweepTable(grid, over, tuple(wanted), rows)
    return tables


def text(gathered: SweepTable, task: str, each: bool = False) -> str:
    """What the terminal shows; with `each` also the single values of the first metric."""
    over, first, rows = gathered.over, gathered.metrics[0], gathered.rows
    several = len({row["model"] for row in rows}) > 1
    repeats = sorted({repeat for row in rows for repeat in row["each"]}, key=_sortable)
    lines = _cells(gathered, several, repeats if each and over else [])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
    heading = task.capitalize() if several else rows[0]["model"]
    heading += f", best {first} first" if any(row["best"] for row in rows) else ""
    heading += f"; mean over {' and '.join(over)} {', '.join(map(_words, repeats))}" if over else ""
    return "\n".join([heading, "", *map(str.rstrip, aligned)])


def notes(gathered: Mapping[str, SweepTable], others: Mapping[str, Sequence[str]]) -> list[str]:
    """What a reader must know beside the tables: what was left out, and what cannot be compared."""
    said = [f"left out: {len(names)} {state} ({', '.join(names)})" for state, names in others.items()]
    if "failed" in others:
        said.append(f"why one failed: dvc queue logs {others['failed'][0]}")
    if any(len({row["n"] for row in table.rows}) > 1 for table in gathered.values()):
        said.append("n differs: means over different repeats do not compare, the best is of those with most")
    return said


def _leaves(block: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in block.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", tuple(value) if isinstance(value, list) else value


def _best_epoch(curve: str, task: str) -> dict[str, float]:
    values = [float(row[VALIDATION]) for row in csv.DictReader(curve.splitlines()) if row.get(VALIDATION)]
    return {VALIDATION: min(values) if task == "rating" else max(values)} if values else {}


def _require(names: Iterable[str], known: Iterable[str], fault: str) -> None:
    for name in names:
        if name not in known:
            raise MarqueeError(fault.format(name) + did_you_mean(name, known))


def _concerns(key: str, models: Sequence[str]) -> bool:
    """Blocks of other models do not."""
    return not key.startswith("models.") or key.split(".")[1] in models


def _varying(experiments: Sequence[Experiment], models: Sequence[str]) -> list[str]:
    """The keys, in the order of params.yaml, that differ and concern `models`."""
    keys = dict.fromkeys(key for one in experiments for key in one.params)
    return [
        key
        for key in keys
        if _concerns(key, models) and len({one.params.get(key) for one in experiments}) > 1
    ]


def _moving(experiments: Sequence[Experiment], known: Sequence[str]) -> list[str]:
    blocks = {key.split(".")[1] for key in _varying(experiments, known) if key.startswith("models.")}
    results = {
        model: {tuple(sorted(one.values.get(model, {}).items())) for one in experiments} for model in known
    }
    return [model for model in known if model in blocks] or [m for m in known if len(results[m]) > 1]


def _rows(
    experiments: Sequence[Experiment],
    models: Sequence[str],
    metric: str,
    grid: tuple[str, ...],
    over: tuple[str, ...],
    task: str,
) -> list[Row]:
    """The rows of one metric, the best first. What was run twice is the same twice, and counts once."""
    groups: dict[tuple, dict[tuple, float]] = defaultdict(dict)
    for one in experiments:
        repeat = tuple(one.params.get(key) for key in over)
        for model in models:
            setting = (one.params.get(key) if _concerns(key, [model]) else None for key in grid)
            if metric in one.values.get(model, {}):
                groups[(model, *setting)].setdefault(repeat, one.values[model][metric])
    rows = [
        dict(zip(("model", *grid), group, strict=True))
        | {"metric": metric, "mean": statistics.fmean(each.values()), "n": len(each), "best": 0}
        | {"std": statistics.stdev(each.values()) if len(each) > 1 else None, "each": each}
        for group, each in groups.items()
    ]
    sign = (1 if task == "ranking" else -1) if metric == VALIDATION else direction(metric)
    rows.sort(key=lambda row: (-sign * row["mean"], _sortable([row["model"], *map(row.get, grid)])))
    if sign:
        most = max(row["n"] for row in rows)
        next(row for row in rows if row["n"] == most)["best"] = 1
    return rows


def _cells(gathered: SweepTable, several: bool, singles: Sequence[tuple]) -> list[list[str]]:
    """The printed table, names first; `singles` are the repeats whose values are shown."""
    grid, metrics, spread = gathered.grid, gathered.metrics, ["std"] if gathered.over else []
    head = ["  model" if several else "", *_short(grid), *map(_words, singles)]
    for metric in metrics:
        head += [metric, *spread]
    table = [head + ["n"] * len(spread)]
    found = {(row["model"], *map(row.get, grid), row["metric"]): row for row in gathered.rows}
    for (model, *setting, metric), row in found.items():
        if metric != metrics[0]:
            continue
        mark = "*" if row["best"] else " "
        line = [f"{mark} {model}" if several else mark, *map(_word, setting)]
        line += [_number(row["each"].get(repeat)) for repeat in singles]
        for one in (found.get((model, *setting, metric), {}) for metric in metrics):
            line += [_number(one.get(name)) for name in ("mean", *spread)]
        table.append(line + [str(row["n"])] * len(spread))
    return table


def _sortable(values: Iterable[Any]) -> list[tuple]:
    """Numbers by size, before words."""
    return [(0, v, "") if isinstance(v, int | float) else (1, 0, str(v)) for v in values]


def _short(keys: Sequence[str]) -> list[str]:
    """The last part of each key, where that tells it from the others."""
    last = [key.rpartition(".")[2] for key in keys]
    return [short if last.count(short) == 1 else key for short, key in zip(last, keys, strict=True)]


def _words(values: Iterable[Any]) -> str:
    return " ".join(map(_word, values))


def _word(value: Any) -> str:
    return "-" if value is None else str(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
