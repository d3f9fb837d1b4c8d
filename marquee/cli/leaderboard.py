"""`python -m marquee.cli.leaderboard`: the leaderboard of the last run, and where its report lies."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.leaderboard import table as leaderboard
from stages._runner import run


def main(params: config.Params) -> None:
    lines = Path("plots/leaderboard/table.csv").read_text("utf-8").splitlines()
    print(leaderboard.text(leaderboard.from_csv(lines), params.compare))
    print(f"report: {Path('plots/report.html').resolve()}")


if __name__ == "__main__":
    run(main)
