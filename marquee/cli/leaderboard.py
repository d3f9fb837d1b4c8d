"""`marquee leaderboard`: the leaderboard of the last run, what it was made from, and where its report is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from marquee.cli import project
from marquee.config import Params
from marquee.data.identity import MOVIES, identity_of, label
from marquee.errors import MarqueeError
from marquee.io import read_sealed
from marquee.leaderboard import table
from marquee.leaderboard.provenance import outdated
from marquee.leaderboard.text import text
from marquee.terminal import say
from marquee.tuning import records

FOLDER = Path("data/leaderboard")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print every metric as JSON instead of a table")


def run(args: Namespace) -> None:
    params = project.params()
    rows = table.read(FOLDER / "table.csv")
    about = read_sealed(FOLDER / "about.json")
    if args.json:
        project.print_json(rows)
    else:
        print(f"{label(about['data'])}, {commit_of(about)}\n")
        print(text(rows, params.compare))
        if tuned := tuning(params):
            print(f"{tuned}\n")
        print(f"report: {Path('plots/report.html').resolve()}")
    models = {name: Path("models") / name for name in params.models}
    if line := outdated(about, identity_of() if MOVIES.is_file() else None, models):
        say(f"out of date: {line}")


def tuning(params: Params) -> str:
    """Say how the options that each model was fitted with were tuned; empty where none were compared."""
    from tabulate import tabulate

    fitted = {}
    for name, entry in params.models.items():
        if (path := Path("models") / name / "model.json").is_file():
            stored = read_sealed(path)
            fitted[name] = replace(entry, **{key: stored[key] for key in ("task", "algorithm", "options")})
    found = records.rows(fitted, params.tasks, records.read(params.dataset.name))
    if not found:
        return ""
    lines = [records.COLUMNS, *map(records.cells, found)]
    align = ("left", "left", "right", "right", "left")
    table = tabulate(lines, tablefmt="plain", colalign=align, disable_numparse=True)
    return f"Searched on validation data by `marquee tune`; no other model was\n\n{table}"


def commit_of(about: Mapping[str, Any]) -> str:
    """Say which commit has these results: HEAD, an earlier one, or none."""
    results = about["results"]
    try:
        head = project.call("git", "rev-parse", "--short", "HEAD").strip()
        if project.call("git", "ls-tree", "HEAD", "metrics/summary.json").split()[2:3] == [results]:
            return f"commit {head}"
        found = project.call("git", "log", "--format=%h", f"--find-object={results}", "HEAD").split()
    except MarqueeError:
        return "outside of Git"
    return f"commit {found[-1]}, not the present {head}" if found else f"not committed, after {head}"
