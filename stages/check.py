"""`python -m stages.check`: is every block of params.yaml one that its stage will accept?"""

from __future__ import annotations

from typing import Any

from marquee.foundation import params
from marquee.leaderboard import Comparison
from marquee.movielens.parsers import IngestOptions
from marquee.movielens.releases import release
from marquee.movielens.simulator import World
from marquee.negatives import CandidateOptions, NegativeOptions
from marquee.recommenders import create
from marquee.splits import SplitOptions
from stages import run


def main(settings: dict[str, Any]) -> None:
    params.seed(settings)
    release(params.block(settings, "dataset", params.Dataset).name)
    params.block(settings, "simulate", World)
    params.block(settings, "ingest", IngestOptions)
    for task in params.TASKS:
        params.block(settings, f"tasks.{task}", SplitOptions)
    params.block(settings, "negatives", NegativeOptions)
    params.block(settings, "candidates", CandidateOptions)
    params.block(settings, "evaluation", params.Evaluation)
    params.block(settings, "compare", Comparison)
    params.block(settings, "report", params.Report)
    for name in settings["models"]:
        entry = params.model(settings, name)
        create(entry.algorithm, entry.task, entry.options, f"models.{name}")


if __name__ == "__main__":
    run(main)
