"""DVC experiments as tables: a row for each setting, with mean and standard deviation over its repeats.

`read` takes what `dvc exp show --json` prints, `sweep_tables` makes the rows, `text` prints them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marquee.errors import MarqueeError, did_you_mean
from marquee.leaderboard.table import direction

if TYPE_CHECKING:
    import pandas as pd

REPEATS = ("seed", "fold")  # keys that repeat an experiment, unless others are given
VALIDATION = "validation"  # the metric that stopped the training, at its best epoch
PARAMS, SUMMARY = "params.yaml", "metrics/summary.json"


@dataclass(frozen=True)
class Experiments:
    """Experiments that succeeded.

    params  a row for each, a column for each dotted key of params.yaml; None where it has none
    values  columns experiment (a row label of `params`), model, task, metric, value
    """

    params: pd.DataFrame
    values: pd.DataFrame


@dataclass(frozen=True)
class SweepTable:
    """One task's settings, values of the keys `grid`, each repeated over the keys `over`.

    rows  setting (its number), model, those of `grid`, metric, mean, std (with n - 1), n, best, and a column
          for each of `repeats`. By metric, the best row first; `best` is 1 for the best of those with most n
    """

    grid: list[str]
    over: list[str]
    metrics: list[str]
    repeats: list[str]
    rows: pd.DataFrame


def experiments(params: Mapping[str, Mapping[str, Any]], values: pd.DataFrame) -> Experiments:
    """Make `Experiments` of name -> dotted key -> value."""
    import pandas as pd

    frame = pd.DataFrame.from_dict(params, orient="index", dtype=object)  # an int stays one beside a gap
    frame = frame.where(frame.notna(), None).map(
        lambda value: tuple(value) if isinstance(value, list) else value
    )
    return Experiments(frame, values)


def read(
    shown: Iterable[Mapping[str, Any]], curve: Callable[[str, str], str]
) -> tuple[Experiments, dict[str, list[str]]]:
    """Return the experiments that succeeded, in DVC's order, and the names of the others by their state.

    `curve(revision, model)` is the CSV of that model's learning curve, empty if there is none. DVC shows the
    metrics of the commit for an experiment that failed or has not run, so those are not read.
    """
    import pandas as pd

    params, values, others = {}, [], defaultdict(list)
    for one in (one for commit in shown for one in commit["experiments"] or []):
        state, last = (one["executor"] or {}).get("state", "success"), one["revs"][0]
        name = one["name"] or last["rev"][:7]
        if state != "success" or last["error"] or not last["data"]:
            others["failed" if state == "success" else state].append(name)
            continue
        params[name] = pd.json_normalize(last["data"]["params"][PARAMS]["data"]).to_dict("records")[0]
        for model, metrics in last["data"]["metrics"].get(SUMMARY, {}).get("data", {}).items():
            if task := params[name].get(f"models.{model}.task"):
                found = _best_epoch(curve(last["rev"], model), task)
                found |= {metric: one["value"] for metric, one in metrics.items()}
                values += [(name, model, task, *item) for item in found.items()]
    columns = ["experiment", "model", "task", "metric", "value"]
    return experiments(params, pd.DataFrame(values, columns=columns)), dict(others)


def sweep_tables(
    found: Experiments,
    primary: Mapping[str, str],
    models: Sequence[str] = (),
    metrics: Sequence[str] = (),
    over: Sequence[str] = (),
) -> dict[str, SweepTable]:
    """Return task -> table of the experiments that differ in what concerns `models`.

    Without `models`: those with a block that varies, or else those whose metrics vary. Without `metrics`: the
    `primary` one of the task, after `validation` where settings of a model vary, since the test set must not
    choose them. Without `over`: the seed and the fold. Raises MarqueeError for an unknown model, metric or
    key, and where nothing varies.
    """
    tasks = dict(zip(found.values["model"], found.values["task"], strict=True))
    _require(models, tasks, "model {!r} is in no experiment")
    models = list(models) or _changing(found, tasks)
    varying = _varying(found.params, models)
    if not varying:
        raise MarqueeError(
            f"nothing that concerns {', '.join(models or sorted(tasks))} varies among the "
            f"{len(found.params)} finished experiments: queue some with "
            "`dvc exp run --queue -S key=value,value`"
        )
    _require(over, varying, "{} does not vary among the experiments")
    over = list(over) or [key for key in varying if key.rpartition(".")[2] in REPEATS]
    chosen = found.values[found.values["model"].isin(models)]
    _require(metrics, set(chosen["metric"]), "no experiment has the metric {!r}")
    tables = {}
    for task, values in chosen.groupby("task"):
        grid = [key for key in _varying(found.params, set(values["model"])) if key not in over]
        tuned = any(key.startswith("models.") for key in grid)
        wanted = list(metrics) or [VALIDATION] * tuned + [primary[task]]
        wanted = [metric for metric in wanted if metric in set(values["metric"])]
        if wanted:
            tables[str(task)] = _table(found.params, values, wanted, grid, over)
    return tables


def text(table: SweepTable, task: str, show_repeats: bool = False) -> str:
    """Return the table for a terminal; with `show_repeats` also the single values of the first metric."""
    from tabulate import tabulate

    by_metric = {metric: rows.set_index("setting") for metric, rows in table.rows.groupby("metric")}
    first = by_metric[table.metrics[0]]
    several = first["model"].nunique() > 1
    short = [key.rpartition(".")[2] for key in table.grid]
    columns = [("", first["best"].map({1: "*", 0: ""}))]
    columns += [("model", first["model"])] if several else []
    columns += [
        (one if short.count(one) == 1 else key, first[key])
        for one, key in zip(short, table.grid, strict=True)
    ]
    columns += [
        (repeat, first[repeat].map(_number)) for repeat in table.repeats if show_repeats and table.over
    ]
    for metric in table.metrics:
        rows = by_metric[metric].reindex(first.index)
        columns += [(metric, rows["mean"].map(_number))]
        columns += [("std", rows["std"].map(_number))] if table.over else []
    columns += [("n", first["n"])] if table.over else []
    align = ["left" if head in ("", "model") else "right" for head, _ in columns]
    lines = zip(*([head, *cells] for head, cells in columns), strict=True)
    heading = task.capitalize() if several else first["model"].iloc[0]
    heading += f", best {table.metrics[0]} first" if first["best"].any() else ""
    heading += f"; mean over {' and '.join(table.over)} {', '.join(table.repeats)}" if table.over else ""
    printed = tabulate(lines, tablefmt="plain", colalign=align, disable_numparse=True, missingval="-")
    return f"{heading}\n\n{printed}"


def notes(tables: Mapping[str, SweepTable], others: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what a reader must know beside the tables: what is left out, and what cannot be compared."""
    lines = [f"left out: {len(names)} {state} ({', '.join(names)})" for state, names in others.items()]
    if "failed" in others:
        lines.append(f"why one failed: dvc queue logs {others['failed'][0]}")
    if any(table.rows["n"].nunique() > 1 for table in tables.values()):
        lines.append(
            "n differs: means over different repeats do not compare, the best is among those with most"
        )
    return lines


def _best_epoch(curve: str, task: str) -> dict[str, float]:
    values = [float(row[VALIDATION]) for row in csv.DictReader(curve.splitlines()) if row.get(VALIDATION)]
    return {VALIDATION: min(values) if task == "rating" else max(values)} if values else {}


def _require(names: Iterable[str], known: Iterable[str], fault: str) -> None:
    for name in names:
        if name not in known:
            raise MarqueeError(fault.format(name) + did_you_mean(name, known))


def _concerns(key: str, models: Iterable[str]) -> bool:
    """Tell whether a key is of one of `models`, or of no model."""
    return not key.startswith("models.") or key.split(".")[1] in models


def _varying(params: pd.DataFrame, models: Iterable[str]) -> list[str]:
    """Return the keys, in the order of params.yaml, that differ and concern `models`."""
    return [key for key in params if _concerns(key, models) and params[key].nunique(dropna=False) > 1]


def _changing(found: Experiments, models: Iterable[str]) -> list[str]:
    blocks = {key.split(".")[1] for key in _varying(found.params, models) if key.startswith("models.")}
    wide = found.values.pivot(index="experiment", columns=["model", "metric"], values="value")
    results = {model for (model, _), n in wide.nunique(dropna=False).items() if n > 1}
    return sorted(blocks) or sorted(results)


def _table(
    params: pd.DataFrame, values: pd.DataFrame, metrics: list[str], grid: list[str], over: list[str]
) -> SweepTable:
    values = values[values["metric"].isin(metrics)].join(params[[*grid, *over]], on="experiment")
    for key in grid:  # what belongs to another model is no setting of this one
        values[key] = values[key].where([_concerns(key, [model]) for model in values["model"]], None)
    keys = ["model", *grid]
    values["setting"] = values.groupby(keys, dropna=False).ngroup()
    values["repeat"] = [" ".join(map(str, one)) for one in values[over].itertuples(index=False)]
    repeats = list(dict.fromkeys(values.sort_values(over)["repeat"])) if over else [""]
    values = values.drop_duplicates(["setting", "repeat", "metric"])  # the same run twice counts once
    wide = values.pivot(index=["setting", "metric"], columns="repeat", values="value")
    statistics = {"mean": wide.mean(axis=1), "std": wide.std(axis=1), "n": wide.count(axis=1), "best": 0}
    settings = values.drop_duplicates("setting").set_index("setting")[keys]
    rows = wide.assign(**statistics).reset_index().join(settings, on="setting")
    signs = {metric: direction(metric) for metric in metrics}
    signs |= {VALIDATION: -1 if values["task"].iloc[0] == "rating" else 1}
    rows["order"] = rows["metric"].map(metrics.index)
    rows["loss"] = -rows["mean"] * rows["metric"].map(signs)
    best = rows[rows["metric"].map(signs) != 0].sort_values(["n", "loss"], ascending=[False, True])
    rows.loc[best.drop_duplicates("metric").index, "best"] = 1
    rows = rows.sort_values(["order", "loss", "setting"]).drop(columns=["order", "loss"])
    return SweepTable(grid, over, metrics, repeats, rows)


def _number(value: float) -> str | None:
    return f"{value:.4f}" if value == value else None  # NaN
