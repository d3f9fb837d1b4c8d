"""Stage `download`: one release, verified, or one simulated."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.io import atomic_folder
from marquee.movielens.download import fetch_release
from marquee.movielens.releases import SIMULATED, release
from marquee.rng import named_rng
from marquee.simulator.simulate import simulate
from stages._runner import PARAMS, run


def main(params: config.Params) -> None:
    name, source = params.dataset.name, params.dataset.source
    wanted = release(name)
    if keys := config.not_followed(config.load(PARAMS)):
        command = f"marquee use {name}" + f' --source "{source}"' * (source != "official")
        print(f"params.yaml has {len(keys)} values other than chosen for {name}: `{command}` sets them")
    with atomic_folder(Path("data/raw")) as folder:
        if name == SIMULATED:
            simulate(params.simulator, folder, named_rng(params.seed, "simulate"))
        else:
            fetch_release(wanted, source, folder, scratch=Path(".checkpoints/download"))


if __name__ == "__main__":
    run(main)
