"""`marquee leaderboard`: the leaderboard of the last run, and where its report is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from marquee.cli import project
from marquee.leaderboard import table
from marquee.leaderboard.text import text


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print every metric as JSON instead of a table")


def run(args: Namespace) -> None:
    rows = table.read(Path("data/leaderboard/table.csv"))
    if args.json:
        project.print_json(rows)
    else:
        print(text(rows, project.params().compare))
        print(f"report: {Path('plots/report.html').resolve()}")
