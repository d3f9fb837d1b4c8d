"""Stage `train@<model>`: fit one block of `params.yaml: models`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from marquee import config
from marquee.data.identity import identity_of
from marquee.io import atomic_folder, digest, write_csv
from marquee.recommenders import create, store
from marquee.recommenders.base import TrainingData
from marquee.rng import named_rng
from marquee.training.progress import FitProgress
from stages._inputs import catalogue, ratings
from stages._runner import phase, run


def main(params: config.Params, name: str) -> None:
    entry, seed = params.model(name), params.seed
    model = create(entry.algorithm, entry.task, entry.options, f"models.{name}")
    inputs = [Path(f"data/{entry.train_data}/train.parquet"), Path(f"data/{entry.task}/val.parquet")]
    progress = FitProgress(name, _checkpoint(name, [asdict(entry), seed], inputs))
    train, validation = map(ratings, inputs)
    data = TrainingData(train, validation, catalogue()[0])
    with phase("fitting", name):
        model.fit(data, named_rng(seed, f"train@{name}"), progress)
        if len(data.validation) and not progress.rows:  # a closed form: its curve is one point
            progress.report(1, 1, {"validation": model.validate(data)})
    with atomic_folder(Path("models") / name) as folder:
        store(model, folder, {"data": identity_of(), "train_data": entry.train_data, "seed": seed})
    write_csv(Path(f"plots/train/{name}.csv"), *progress.table())
    progress.close()


def _checkpoint(name: str, settings: list[Any], inputs: list[Path]) -> Path:
    """Return a file named after all that the fit depends on; DVC does not know it, so it outlives a crash."""
    everything = digest([*inputs, *sorted(Path("marquee").rglob("*.py"))], settings)
    return Path(".checkpoints") / f"{name}-{everything[:16]}.safetensors"


if __name__ == "__main__":
    run(main)
