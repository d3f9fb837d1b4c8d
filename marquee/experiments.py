"""DVC experiments as tables: a row for each setting, with mean and standard deviation over its repeats.

`read` takes what `dvc exp show --json` prints, `sweep_tables` makes the rows, `compare_to_commit` tests them
against the commit's, `text` prints them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.errors import MarqueeError, did_you_mean
from marquee.leaderboard.significance import bootstrap, interval
from marquee.leaderboard.table import direction, ratios_of
from marquee.rng import named_rng
from marquee.terminal import aligned

if TYPE_CHECKING:
    import pandas as pd

    from marquee.config import CompareOptions
    from marquee.evaluation.test_set import ModelResult

REPEATS = ("seed", "fold")  # keys that repeat an experiment, unless others are given
VALIDATION = "validation"  # the metric that stopped the training, at its best epoch
DIFFERENCE = ("difference", "difference_low", "difference_high")  # columns, once a table is compared
PARAMS, SUMMARY = "params.yaml", "metrics/summary.json"


@dataclass(frozen=True)
class Experiments:
    """The commit and its experiments that succeeded.

    params   a row for each, a column for each dotted key of params.yaml; None where it has none
    values   columns experiment (a row label of `params`), model, task, metric, value
    commit   the row label of the commit itself; None: it is not among them
    stale    row labels whose metrics are those of an earlier state: they were not evaluated
    """

    params: pd.DataFrame
    values: pd.DataFrame
    commit: str | None = None
    stale: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SweepTable:
    """One task's settings, values of the keys `grid`, each repeated over the keys `over`.

    rows    setting (its number), experiment (names, with blanks between), model, those of `grid`, metric,
            mean, std (with n - 1), n, best, stale, and a column for each of `repeats`. By metric, best row
            first; `best` is 1 for the best of those with most n that are not stale
    commit  the setting's name that is the commit's; None: it has no row
    tested  the metric of the columns difference, difference_low and difference_high: the row minus the commit
    """

    grid: list[str]
    over: list[str]
    metrics: list[str]
    repeats: list[str]
    rows: pd.DataFrame
    commit: str | None = None
    tested: str | None = None


def experiments(
    params: Mapping[str, Mapping[str, Any]],
    values: pd.DataFrame,
    commit: str | None = None,
    stale: Iterable[str] = (),
) -> Experiments:
    """Make `Experiments` of name -> dotted key -> value."""
    import pandas as pd

    frame = pd.DataFrame.from_dict(params, orient="index", dtype=object)  # an int stays one beside a gap
    frame = frame.where(frame.notna(), None).map(
        lambda value: tuple(value) if isinstance(value, list) else value
    )
    return Experiments(frame, values, commit, frozenset(stale))


def read(
    shown: Iterable[Mapping[str, Any]],
    curve: Callable[[str, str], str],
    is_stale: Callable[[str, str], bool],
) -> tuple[Experiments, dict[str, str], dict[str, list[str]]]:
    """Return the commit and the experiments that succeeded, in DVC's order.

    curve     the CSV of a model's learning curve, of a revision and a model; empty if there is none
    is_stale  of a revision and its commit: whether the revision was not evaluated. DVC then shows the
              metrics of the commit, as it does for an experiment that failed or has not run

    Also returns the revision of each name, and the names of the other experiments by their state.
    """
    import pandas as pd

    params, values, others = {}, [], defaultdict(list)
    commits = [one for one in shown if one["rev"] != "workspace"]
    at_commit = [{"name": None, "executor": None, "revs": [one]} for one in commits[:1]]
    first, revisions, stale = None, {}, []
    for one in [*at_commit, *(one for commit in commits for one in commit["experiments"] or [])]:
        state, last = (one["executor"] or {}).get("state", "success"), one["revs"][0]
        name = one["name"] or last["name"] or last["rev"][:7]
        if one in at_commit and (last["error"] or SUMMARY not in (last["data"] or {}).get("metrics", {})):
            continue  # it has no results yet
        if state != "success" or last["error"] or not last["data"]:
            others["failed" if state == "success" else state].append(name)
            continue
        tree = last["data"]["params"].get(PARAMS, {}).get("data")
        if not isinstance(tree, Mapping):
            others["without a params.yaml that reads"].append(name)
            continue
        first = name if one in at_commit else first
        revisions[name] = last["rev"]
        if is_stale(last["rev"], commits[0]["rev"]):
            stale.append(name)
        params[name] = pd.json_normalize(dict(tree)).to_dict("records")[0]
        for model, metrics in last["data"]["metrics"].get(SUMMARY, {}).get("data", {}).items():
            if task := params[name].get(f"models.{model}.task"):
                found = _best_epoch(curve(last["rev"], model), task)
                found |= {metric: one["value"] for metric, one in metrics.items()}
                values += [(name, model, task, *item) for item in found.items()]
    columns = ["experiment", "model", "task", "metric", "value"]
    ended = experiments(params, pd.DataFrame(values, columns=columns), first, stale)
    return ended, revisions, dict(others)


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
            f"{len(found.params) - (found.commit is not None)} finished experiments: queue some with "
            "`dvc exp run --queue -S key=value,value`"
        )
    _require(over, varying, "{} does not vary among the experiments")
    among = _varying(found.params.drop(index=found.commit or [], errors="ignore"), models)
    over = list(over) or [key for key in among if key.rpartition(".")[2] in REPEATS]
    chosen = found.values[found.values["model"].isin(models)]
    _require(metrics, set(chosen["metric"]), "no experiment has the metric {!r}")
    tables = {}
    for task, values in chosen.groupby("task"):
        grid = [key for key in _varying(found.params, set(values["model"])) if key not in over]
        tuned = any(key.startswith("models.") for key in grid)
        wanted = list(metrics) or [VALIDATION] * tuned + [primary[task]]
        wanted = [metric for metric in wanted if metric in set(values["metric"])]
        if wanted:
            tables[str(task)] = _table(found, values, wanted, grid, over)
    return tables


def text(table: SweepTable, task: str, show_repeats: bool = False) -> str:
    """Return the table for a terminal; with `show_repeats` also the single values of the first metric."""
    by_metric = {metric: rows.set_index("setting") for metric, rows in table.rows.groupby("metric")}
    first = by_metric[table.metrics[0]]
    several = first["model"].nunique() > 1
    short = [key.rpartition(".")[2] for key in table.grid]
    marks = first["best"].map({1: "*", 0: ""}).where(first["stale"] == 0, "!")
    columns = [("", marks), ("experiment", first["experiment"].map(_short))]
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
        if metric == table.tested:
            half = (rows["difference_high"] - rows["difference_low"]) / 2
            columns += [(f"vs {table.commit}", rows["difference"].map(lambda value: _number(value, "+")))]
            columns += [("±", half.map(_number))]
    columns += [("n", first["n"])] if table.over else []
    left = "".join("l" if head in ("", "experiment", "model") else "r" for head, _ in columns)
    lines = zip(*([head, *cells] for head, cells in columns), strict=True)
    heading = task.capitalize() if several else first["model"].iloc[0]
    heading += f", best {table.metrics[0]} first" if first["best"].any() else ""
    heading += f"; mean over {' and '.join(table.over)} {', '.join(table.repeats)}" if table.over else ""
    return f"{heading}\n\n{aligned(lines, left)}"


def compare_to_commit(
    table: SweepTable,
    metric: str,
    result: Callable[[str, str], ModelResult | None],
    options: CompareOptions,
    seed: int,
) -> SweepTable:
    """Add each row's difference to the commit in `metric`, with the interval of the paired bootstrap.

    result  of an experiment's name and a model: its evaluation, None where it is not on the commit's test set

    A row of several runs has the mean of their differences. Without a commit, or an interval, no column is
    added. Both rows must be of one model.
    """
    at_commit = table.rows[table.rows["experiment"] == table.commit]
    if at_commit.empty or at_commit["stale"].any() or metric not in table.metrics:
        return table
    found = {}
    for index, row in table.rows[table.rows["metric"] == metric].iterrows():
        names = row["experiment"].split()
        if row["experiment"] != table.commit and not row["stale"]:
            runs = [result(name, row["model"]) for name in (*names, str(table.commit))]
            if difference := _difference(runs, metric, options, named_rng(seed, "experiments")):
                found[index] = difference
    if not found:
        return table
    rows = table.rows.copy()
    for place, name in enumerate(DIFFERENCE):
        rows[name] = [found[index][place] if index in found else np.nan for index in rows.index]
    return replace(table, rows=rows, tested=metric)


def _difference(
    runs: Sequence[ModelResult | None], metric: str, options: CompareOptions, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    """Return the mean of all runs but the last, minus the last, and the bounds of its interval."""
    known = [one for one in runs if one is not None]
    ratios = [ratios_of(one).get(metric) for one in known]
    users = [one.per_user["user"] for one in known]
    present = [ratio for ratio in ratios if ratio is not None]
    if len(present) < len(runs) or not all(np.array_equal(users[-1], one) for one in users):
        return None
    columns = bootstrap(present, options.bootstrap_samples, rng).T  # (runs, 1 + B)
    difference = columns[:-1].mean(0) - columns[-1]
    return float(difference[0]), *interval(difference, options.confidence)


def notes(tables: Mapping[str, SweepTable], others: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what a reader must know beside the tables: what is left out, and what cannot be compared."""
    lines = [f"left out: {len(names)} {state} ({', '.join(names)})" for state, names in others.items()]
    if "failed" in others:
        lines.append(f"why one failed: dvc queue logs {others['failed'][0]}")
    stale = {name for table in tables.values() for name in table.rows["experiment"][table.rows["stale"] == 1]}
    if stale:
        lines.append(f"! not evaluated, the metrics are of an earlier state: {', '.join(sorted(stale))}")
    if any(table.tested for table in tables.values()):
        lines.append("±: half of the interval of the difference, on the same users (paired bootstrap)")
    if any(_repeats(table).nunique() > 1 for table in tables.values()):
        lines.append(
            "n differs: means over different repeats do not compare, the best is among those with most"
        )
    return lines


def _best_epoch(curve: str, task: str) -> dict[str, float]:
    try:
        rows = list(csv.DictReader(curve.splitlines()))
        values = [float(row[VALIDATION]) for row in rows if row.get(VALIDATION)]
    except (ValueError, csv.Error):  # a file that was cut off counts as none
        values = []
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
    found: Experiments, values: pd.DataFrame, metrics: list[str], grid: list[str], over: list[str]
) -> SweepTable:
    values = values[values["metric"].isin(metrics)].join(found.params[[*grid, *over]], on="experiment")
    values["swept"] = values["experiment"] != found.commit
    values["stale"] = values["experiment"].isin(found.stale).astype(int)
    for key in grid:  # what belongs to another model is no setting of this one
        values[key] = values[key].where([_concerns(key, [model]) for model in values["model"]], None)
    keys = ["model", *grid]
    values["setting"] = values.groupby([*keys, "swept"], dropna=False).ngroup()  # the commit has its own row
    fresh = values.groupby("setting")["stale"].transform("min") < values["stale"]
    values = values[~fresh]  # a stale run counts only where a setting has no other
    values["repeat"] = [" ".join(map(str, one)) for one in values[over].itertuples(index=False)]
    swept = values[values["swept"]] if values["swept"].any() else values
    repeats = list(dict.fromkeys(swept.sort_values(over)["repeat"])) if over else [""]
    names = values.groupby("setting")["experiment"].agg(lambda found: " ".join(dict.fromkeys(found)))
    values = values.drop_duplicates(["setting", "repeat", "metric"])  # the same run twice counts once
    wide = values.pivot(index=["setting", "metric"], columns="repeat", values="value")
    statistics = {"mean": wide.mean(axis=1), "std": wide.std(axis=1), "n": wide.count(axis=1), "best": 0}
    settings = (
        values.drop_duplicates("setting").set_index("setting")[[*keys, "stale"]].assign(experiment=names)
    )
    rows = wide.assign(**statistics).reset_index().join(settings, on="setting")
    signs = {metric: direction(metric) for metric in metrics}
    signs |= {VALIDATION: -1 if values["task"].iloc[0] == "rating" else 1}
    rows["order"] = rows["metric"].map(metrics.index)
    rows["loss"] = -rows["mean"] * rows["metric"].map(signs)
    best = rows[(rows["metric"].map(signs) != 0) & (rows["stale"] == 0)].sort_values(
        ["n", "loss"], ascending=[False, True]
    )
    rows.loc[best.drop_duplicates("metric").index, "best"] = 1
    rows = rows.sort_values(["order", "loss", "setting"]).drop(columns=["order", "loss"])
    return SweepTable(grid, over, metrics, repeats, rows, found.commit)


def _repeats(table: SweepTable) -> pd.Series:
    """The number of repeats of each row but the commit's, which has one."""
    return table.rows["n"][table.rows["experiment"] != table.commit]


def _short(names: str) -> str:
    """`lyric-sock +4` for five experiments."""
    first, *others = names.split()
    return f"{first} +{len(others)}" if others else first


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign}.4f}" if value == value else "-"  # NaN
