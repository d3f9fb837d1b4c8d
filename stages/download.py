"""Stage `download`: one release, verified, or one simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee.foundation import params
from marquee.foundation.artifacts import atomic_folder
from marquee.foundation.randomness import generator
from marquee.movielens.download import obtain
from marquee.movielens.releases import SIMULATED, release
from marquee.movielens.simulator import World, simulate
from stages import run


def main(settings: dict[str, Any]) -> None:
    dataset = params.block(settings, "dataset", params.Dataset)
    world = params.block(settings, "simulate", World)
    seed = params.seed(settings)
    wanted = release(dataset.name)
    with atomic_folder(Path("data/raw")) as folder:
        if wanted.name == SIMULATED:
            simulate(world, folder, generator(seed, "simulate"))
        else:
            obtain(wanted, dataset.source, folder, scratch=Path(".checkpoints/download"))


if __name__ == "__main__":
    run(main)
