"""`python -m marquee.cli.check`: is every block of params.yaml one that its stage will accept?"""

from __future__ import annotations

from typing import Any

from marquee import config
from marquee.data.sampling import CandidateOptions, NegativeOptions
from marquee.data.splits import SplitOptions
from marquee.leaderboard.table import CompareOptions
from marquee.movielens.parsers import IngestOptions
from marquee.movielens.releases import release
from marquee.recommenders import create
from marquee.simulator.options import SimulatorOptions
from stages._runner import run


def main(settings: dict[str, Any]) -> None:
    config.seed(settings)
    release(config.block(settings, "dataset", config.Dataset).name)
    config.block(settings, "simulator", SimulatorOptions)
    config.block(settings, "ingest", IngestOptions)
    for task in config.TASKS:
        config.block(settings, f"tasks.{task}", SplitOptions)
    config.block(settings, "negatives", NegativeOptions)
    config.block(settings, "candidates", CandidateOptions)
    config.block(settings, "evaluate", config.Evaluation)
    config.block(settings, "compare", CompareOptions)
    config.block(settings, "report", config.Report)
    for name in settings["models"]:
        entry = config.model(settings, name)
        create(entry.algorithm, entry.task, entry.options, f"models.{name}")


if __name__ == "__main__":
    run(main)
