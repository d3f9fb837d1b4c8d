"""Stage `download`: one release, verified, or one simulated."""

from __future__ import annotations

import os
from pathlib import Path

from marquee import config
from marquee.config.presets import preset_not_followed
from marquee.io import atomic_folder
from marquee.movielens.download import fetch_release
from marquee.movielens.releases import SIMULATED, release
from marquee.movielens.sources import chosen_source
from marquee.rng import named_rng
from marquee.simulator.simulate import simulate
from stages._runner import PARAMS, run


def main(params: config.Params) -> None:
    wanted = release(params.dataset.name)
    if advice := preset_not_followed(PARAMS):
        print(advice)
    source = chosen_source(wanted, params.dataset, watched="DVC_STAGE" in os.environ)
    with atomic_folder(Path("data/raw")) as folder:
        if wanted.name == SIMULATED:
            simulate(params.simulator, folder, named_rng(params.seed, "simulate"))
        else:
            fetch_release(wanted, source, folder, scratch=Path(".checkpoints/download"))


if __name__ == "__main__":
    run(main)
