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
from marquee.leaderboard import table, text
from marquee.leaderboard.provenance import outdated
from marquee.resources.plan import last_runs
from marquee.terminal import aligned, say
from marquee.tuning import records

FOLDER = Path("data/leaderboard")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--show",
        choices=("accuracy", "beyond", "groups"),
        default="accuracy",
        help="accuracy (default); popularity, calibration, coverage, time and memory; or groups of users",
    )
    parser.add_argument("--json", action="store_true", help="print every metric as JSON instead of a table")


def run(args: Namespace) -> None:
    params = project.params()
    printed = {"accuracy": text.text, "beyond": text.beyond_text, "groups": text.groups_text}
    grouped = args.show == "groups"
    header = table.GROUP_HEADER if grouped else table.HEADER
    rows = table.read(FOLDER / ("groups.csv" if grouped else "table.csv"), header)
    about = read_sealed(FOLDER / "about.json")
    if args.show == "beyond":
        rows += _fit_rows(rows, params)
    if args.json:
        project.print_json(rows)
    else:
        print(f"{label(about['data'])}, {commit_of(about)}\n")
        print(printed[args.show](rows, params.compare))
        if tuned := tuning(params):
            print(f"{tuned}\n")
        print(f"report: {Path('plots/report.html').resolve()}")
    models = {name: Path("models") / name for name in params.models}
    if line := outdated(about, identity_of() if MOVIES.is_file() else None, models):
        say(f"out of date: {line}")


def _fit_rows(rows: list[table.Row], params: Params) -> list[table.Row]:
    """Return rows of what the last fit of each model took on this machine, by the log."""
    last = last_runs(project.log(), params.dataset.name)
    found: list[table.Row] = []
    for task, model in dict.fromkeys((row["task"], row["model"]) for row in rows):
        run = last.get(f"train@{model}", {})
        values = (run.get("fit_seconds"), run.get("peak_mib"))
        found += [
            {"task": task, "model": model, "metric": cost, "value": value}
            for cost, value in zip(text.COSTS, values, strict=True)
            if value is not None
        ]
    return found


def tuning(params: Params) -> str:
    """Say how the options that each model was fitted with were tuned; empty where none were compared."""
    fitted = {}
    for name, entry in params.models.items():
        if (path := Path("models") / name / "model.json").is_file():
            stored = read_sealed(path)
            fitted[name] = replace(entry, **{key: stored[key] for key in ("task", "algorithm", "options")})
    found = records.rows(fitted, params.tasks, records.read(params.dataset.name))
    if not found:
        return ""
    printed = aligned([records.COLUMNS, *map(records.cells, found)], "llrrl")
    return f"Searched on validation data by `marquee tune`; no other model was\n\n{printed}"


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
