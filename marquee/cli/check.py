"""`marquee check`: does every block of params.yaml hold what its stage accepts?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from marquee import config
from marquee.cli import project
from marquee.data.sampling import CandidateOptions, NegativeOptions
from marquee.data.splits import SplitOptions
from marquee.leaderboard.table import CompareOptions
from marquee.movielens.parsers import IngestOptions
from marquee.movielens.releases import release
from marquee.recommenders import create
from marquee.simulator.options import SimulatorOptions

BLOCKS = {
    "simulator": SimulatorOptions,
    "ingest": IngestOptions,
    "tasks.rating": SplitOptions,
    "tasks.ranking": SplitOptions,
    "negatives": NegativeOptions,
    "candidates": CandidateOptions,
    "evaluate": config.Evaluation,
    "compare": CompareOptions,
    "report": config.Report,
}


def configure(parser: ArgumentParser) -> None:
    pass


def run(args: Namespace) -> None:
    settings = project.settings()
    config.seed(settings)
    release(config.block(settings, "dataset", config.Dataset).name)
    for name, options in BLOCKS.items():
        config.block(settings, name, options)
    for name in settings["models"]:
        entry = config.model(settings, name)
        create(entry.algorithm, entry.task, entry.options, f"models.{name}")
    print(f"params.yaml: no fault found, {len(settings['models'])} models")
