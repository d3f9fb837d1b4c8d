"""`marquee experiments`: this commit and its experiments as one table for each task."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from marquee import experiments
from marquee.cli import project, revisions
from marquee.errors import MarqueeError
from marquee.evaluation.test_set import ModelResult
from marquee.io import atomic_file, harmless
from marquee.leaderboard.table import primary_metrics
from marquee.terminal import say


def configure(parser: ArgumentParser) -> None:
    several: dict[str, Any] = {"nargs": "+", "default": []}
    parser.add_argument("--model", **several, metavar="NAME", help="default: those that vary")
    parser.add_argument(
        "--metric", **several, metavar="NAME", help="the first orders the rows; `validation` is one"
    )
    parser.add_argument(
        "--average-over", **several, metavar="KEY", help="keys of params.yaml (default: seed, folds)"
    )
    parser.add_argument("--show-repeats", action="store_true", help="show the single values, too")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: Namespace) -> None:
    import pandas as pd

    params, shown = project.params(), json.loads(project.call("dvc", "exp", "show", "--json"))
    found, revision, others = experiments.read(shown, _curve, revisions.is_stale)
    if len(found.params) == (found.commit is not None):
        left = ", ".join(f"{len(names)} {state}" for state, names in others.items()) or "none at all"
        raise MarqueeError(
            f"no experiment of this commit has succeeded ({left}): queue some with "
            "`dvc exp run --queue -S key=value,value` and start them with `dvc exp run --run-all`"
        )
    primary = primary_metrics(params.compare)
    tables = experiments.sweep_tables(found, primary, args.model, args.metric, args.average_over)

    def result(name: str, model: str) -> ModelResult | None:
        return revisions.evaluation(revision[name], revision[str(found.commit)], model)

    for task, table in tables.items():
        tested = next((one for one in table.metrics if one != experiments.VALIDATION), "")
        tables[task] = experiments.compare_to_commit(table, tested, result, params.compare, params.seed)
    rows = pd.concat([table.rows.assign(task=task) for task, table in tables.items()])
    grid = dict.fromkeys(key for table in tables.values() for key in table.grid)
    columns = ["task", "experiment", "model", *grid, "metric", "mean", "std", "n", "best", "stale"]
    rows = rows[[*columns, *(name for name in experiments.DIFFERENCE if name in rows)]]
    if args.csv is not None:
        with atomic_file(args.csv) as partial:
            rows.map(harmless).to_csv(partial, index=False, lineterminator="\n")
    if args.json:
        project.print_json(rows.astype(object).where(rows.notna(), None).to_dict("records"))
    else:
        print("\n\n".join(experiments.text(table, task, args.show_repeats) for task, table in tables.items()))
    origin = [f"{found.commit} is commit {revision[found.commit][:7]}"] if found.commit else []
    for note in [*experiments.notes(tables, others), *origin]:
        say(note)


def _curve(revision: str, model: str) -> str:
    return revisions.file_at(revision, f"plots/train/{model}.csv").decode("utf-8", "replace")
