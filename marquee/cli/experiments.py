"""`python -m marquee.cli.experiments`: the experiments of this commit as one table."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from marquee import config, experiments
from marquee.errors import MarqueeError
from marquee.io import write_csv
from marquee.leaderboard import table as leaderboard
from stages._runner import run


class Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise MarqueeError(f"{message}; see python -m marquee.cli.experiments --help")


def parser() -> Parser:
    p = Parser("python -m marquee.cli.experiments", description=__doc__)
    several: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "NAME"}
    p.add_argument("--model", **several, help="these (those that vary)")
    p.add_argument("--metric", **several, help="these, the first decides; `validation` is one (rmse or ndcg)")
    p.add_argument("--over", **several, help="keys of params.yaml to take the mean over (seed, folds)")
    p.add_argument("--each", action="store_true", help="show the single values too")
    p.add_argument("--csv", type=Path, metavar="FILE", help="write the rows there as well")
    return p


def main(params: config.Params, *words: str) -> None:
    asked = parser().parse_args(words)
    found, others = experiments.read(_shown(), _curve)
    if not found:
        left = "".join(f" ({len(names)} {state})" for state, names in others.items())
        raise MarqueeError(
            f"no experiment of this commit has ended well{left}; queue some with "
            "`dvc exp run --queue -S key=value,value` and start them with `dvc exp run --run-all`"
        )
    deciding = leaderboard.primary_metrics(params.compare)
    tables = experiments.gather(found, deciding, asked.model, asked.metric, asked.over)
    print("\n\n".join(experiments.text(table, task, asked.each) for task, table in tables.items()))
    for note in experiments.notes(tables, others):
        print(note, file=sys.stderr)
    if asked.csv is not None:
        grid = dict.fromkeys(key for table in tables.values() for key in table.grid)
        header = ["task", "model", *grid, "metric", "mean", "std", "n", "best"]
        rows = [{"task": task, **row} for task, table in tables.items() for row in table.rows]
        write_csv(asked.csv, header, [[row.get(name) for name in header] for row in rows])


def _shown() -> list[dict[str, Any]]:
    """What DVC knows of the experiments since the last commit."""
    command = [sys.executable, "-m", "dvc", "exp", "show", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise MarqueeError(f"`dvc exp show` failed: {lines[0].removeprefix('ERROR: ')}")
    return json.loads(done.stdout)


def _curve(revision: str, model: str) -> str:
    command = ["git", "show", f"{revision}:./plots/train/{model}.csv"]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False).stdout


if __name__ == "__main__":
    run(main)
