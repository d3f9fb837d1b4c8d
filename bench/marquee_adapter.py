"""Fit one of Marquee's algorithms as a peer's script does: ALGORITHM FOLDER key=value ...

An epoch is the time between two reports of a fit. Besides the kernel it holds the loss of the learning curve
and the copies for early stopping. The first epoch also holds the preparation, and compilation where the
kernel is new. There is no validation. It prints one JSON line, and writes the model's state only if the
setting `out` names a folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.peers.protocol import Laps, arguments, report
from bench.sizes import ratings, shape
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.io import read_arrays, write_arrays
from marquee.recommenders.base import Recommender, TrainingData
from marquee.rng import KeyedRandom, named_rng

SAMPLED = ("mf_bce",)  # algorithms with stored negatives: 4 for each positive, sampled again each epoch
ASIDE = ("parts", "seed", "threads", "out")  # settings that are no options of an algorithm


class Recorder:
    """A `Progress` that is a clock and keeps no checkpoint."""

    def __init__(self) -> None:
        self.laps = Laps()

    def restore(self) -> None:
        return None

    def save(self, arrays: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        pass

    def report(self, epoch: int, epochs: int, values: Mapping[str, float]) -> None:
        self.laps()


def main() -> None:
    algorithm, folder, o = arguments(__doc__)
    module = import_module(f"marquee.recommenders.{algorithm}")
    train, catalogue = ratings(folder, o["parts"].split(",")), Catalogue.of(*shape(folder))
    units = len(train)
    if algorithm in SAMPLED:
        options = NegativeOptions()
        train = add_negatives(train, catalogue.n_items, options, KeyedRandom(o["seed"], "negatives"))
        units *= 1 + options.per_positive
    settings = {key: value for key, value in o.items() if key not in ASIDE}
    model = module.Model(module.Options(**settings))
    recorder = Recorder()
    model.fit(TrainingData(train, Ratings.empty(), catalogue), named_rng(o["seed"], algorithm), recorder)
    report(recorder.laps.seconds, units)
    if "out" in o:
        arrays, metadata = model.state()
        about = {"algorithm": algorithm, "settings": settings, "metadata": metadata, "folder": str(folder)}
        write_arrays(Path(o["out"]) / "model.safetensors", arrays, json.dumps(about))


def load(folder: Path) -> Recommender:
    """Load the model whose state is in `folder`."""
    arrays, text = read_arrays(folder / "model.safetensors")
    about = json.loads(text)
    module = import_module(f"marquee.recommenders.{about['algorithm']}")
    options = module.Options(**about["settings"])
    model: Recommender = module.Model.from_state(options, arrays, about["metadata"])
    model.n_users, model.n_items = shape(Path(about["folder"]))
    return model


if __name__ == "__main__":
    main()
