"""Stage `download`: one release, verified, or one simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee import config
from marquee.io import atomic_folder
from marquee.movielens.download import fetch_release
from marquee.movielens.releases import SIMULATED, release
from marquee.rng import named_rng
from marquee.simulator.options import SimulatorOptions
from marquee.simulator.simulate import simulate
from stages._runner import run


def main(settings: dict[str, Any]) -> None:
    dataset = config.block(settings, "dataset", config.Dataset)
    world = config.block(settings, "simulator", SimulatorOptions)
    seed = config.seed(settings)
    wanted = release(dataset.name)
    with atomic_folder(Path("data/raw")) as folder:
        if wanted.name == SIMULATED:
            simulate(world, folder, named_rng(seed, "simulate"))
        else:
            fetch_release(wanted, dataset.source, folder, scratch=Path(".checkpoints/download"))


if __name__ == "__main__":
    run(main)
