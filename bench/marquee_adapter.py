"""Our side of a contest, in the words of a peer: `python -m bench.marquee_adapter ALGORITHM FOLDER key=value ...`.

Time between two reports of a fit is a pass: besides the kernel it holds the loss that the curve shows and the
copies that early stopping keeps. The first pass holds what stands before it too, and compiling where the
kernel is new. There is no validation; `out` gets the model's state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.peers.protocol import Laps, arguments, tell
from bench.sizes import ratings, shape
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.io import read_arrays, write_arrays
from marquee.recommenders.base import Recommender, TrainingData
from marquee.rng import named_rng

SAMPLES = ("mf_bce",)  # who needs stored negatives; 4 for each positive, drawn anew each pass
ASIDE = ("parts", "seed", "threads", "out")  # words that are no options of an algorithm


class Recorder:
    """The `Progress` of a contest: a clock, and no checkpoint."""

    def __init__(self) -> None:
        self.laps = Laps()

    def restore(self) -> None:
        return None

    def save(self, arrays: Mapping[str, Any], note: Mapping[str, Any]) -> None:
        pass

    def report(self, epoch: int, epochs: int, values: Mapping[str, float]) -> None:
        self.laps()


def main() -> None:
    algorithm, folder, o = arguments()
    module = import_module(f"marquee.recommenders.{algorithm}")
    train, catalogue = ratings(folder, o["parts"].split(",")), Catalogue.of(*shape(folder))
    units = len(train)
    if algorithm in SAMPLES:
        options = NegativeOptions()
        train = add_negatives(train, catalogue.n_items, options, named_rng(o["seed"], "negatives"))
        units *= 1 + options.per_positive
    settings = {key: value for key, value in o.items() if key not in ASIDE}
    model = module.Model(module.Options(**settings))
    recorder = Recorder()
    model.fit(TrainingData(train, Ratings.empty(), catalogue), named_rng(o["seed"], algorithm), recorder)
    tell(recorder.laps.seconds, units)
    if "out" in o:
        arrays, note = model.state()
        kept = {"algorithm": algorithm, "settings": settings, "note": note, "folder": str(folder)}
        write_arrays(Path(o["out"]) / "model.safetensors", arrays, json.dumps(kept))


def load(folder: Path) -> Recommender:
    """The model whose state lies in `folder`."""
    arrays, text = read_arrays(folder / "model.safetensors")
    kept = json.loads(text)
    module = import_module(f"marquee.recommenders.{kept['algorithm']}")
    model: Recommender = module.Model.from_state(module.Options(**kept["settings"]), arrays, kept["note"])
    model.n_users, model.n_items = shape(Path(kept["folder"]))
    return model


if __name__ == "__main__":
    main()
