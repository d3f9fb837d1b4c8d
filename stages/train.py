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
from marquee.training.checkpoint import continue_kept, keep
from marquee.training.progress import FitProgress
from stages._inputs import catalogue, ratings
from stages._runner import phase, run


def main(params: config.Params, name: str) -> None:
    entry, seed = params.model(name), params.seed
    model = create(entry.algorithm, entry.task, entry.options, f"models.{name}")
    inputs = [Path(f"data/{entry.train_data}/train.parquet"), Path(f"data/{entry.task}/val.parquet")]
    settings = {**asdict(entry), "options": asdict(model.options), "seed": seed}
    checkpoint, fit = _checkpoint(name, settings, inputs)
    kept = Path(f"models/{name}.checkpoint.safetensors")
    if last := continue_kept(kept, checkpoint, fit, settings["options"], entry.task == "ranking"):
        print(f"{name}: goes on after epoch {last} of {kept}")
    progress = FitProgress(name, checkpoint)
    known, _ = catalogue()
    train, validation = (ratings(path, known) for path in inputs)
    data = TrainingData(train, validation, known)
    with phase("fitting", name):
        model.fit(data, named_rng(seed, f"train@{name}"), progress)
        if not progress.rows:  # a closed form: its curve is one point, if there is validation to show
            progress.report(1, 1, {"validation": model.validate(data)} if len(data.validation) else {})
    with atomic_folder(Path("models") / name) as folder:
        store(model, folder, {"data": identity_of(), "train_data": entry.train_data, "seed": seed})
    write_csv(Path(f"plots/train/{name}.csv"), *progress.table())
    keep(checkpoint, kept, fit)
    progress.close()


def _checkpoint(name: str, settings: dict[str, Any], inputs: list[Path]) -> tuple[Path, str]:
    """Return a file named after all that the fit depends on, and a hash of that without epochs and patience.

    DVC does not know the file, so it outlives a crash.
    """
    sources = digest([*inputs, *sorted(Path("marquee").rglob("*.py"))])
    options = {key: value for key, value in settings["options"].items() if key not in ("epochs", "patience")}
    whole, endless = digest([], [sources, settings]), digest([], [sources, {**settings, "options": options}])
    return Path(".checkpoints") / f"{name}-{whole[:16]}.safetensors", endless


if __name__ == "__main__":
    run(main)
