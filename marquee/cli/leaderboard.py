"""`marquee leaderboard`: the leaderboard of the last run, what it was made from, and where its report is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marquee.cli import project
from marquee.data.identity import MOVIES, identity_of, label
from marquee.errors import MarqueeError
from marquee.io import read_sealed
from marquee.leaderboard import table
from marquee.leaderboard.provenance import outdated
from marquee.leaderboard.text import text
from marquee.terminal import say

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
        print(f"report: {Path('plots/report.html').resolve()}")
    models = {name: Path("models") / name for name in params.models}
    if line := outdated(about, identity_of() if MOVIES.is_file() else None, models):
        say(f"out of date: {line}")


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
