"""The algorithms, one module each, and the storage of a trained model in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from marquee.config import ModelEntry, parse
from marquee.errors import MarqueeError, did_you_mean
from marquee.io import damaged, read_sealed, read_sealed_arrays, reading, write_arrays, write_sealed
from marquee.training.sampled_pairs import count_negatives

if TYPE_CHECKING:
    from marquee.recommenders.base import Recommender


def algorithms() -> list[str]:
    """Return the names that may stand behind `algorithm:` in params.yaml."""
    return sorted(module.name for module in iter_modules(__path__) if module.name != "base")


def create(algorithm: str, task: str, options: Any, where: str) -> Recommender:
    """Return an untrained model. `where` is the block's dotted key, for messages.

    Raises MarqueeError for an unknown algorithm, a task it cannot do, or an option that does not fit.
    """
    if algorithm not in algorithms():
        raise MarqueeError(f"{where}.algorithm is {algorithm!r}{did_you_mean(algorithm, algorithms())}")
    module = import_module(f"{__name__}.{algorithm}")
    if task not in module.Model.tasks:
        able = " or ".join(sorted(module.Model.tasks))
        raise MarqueeError(f"{where}.task is {task!r}, but {algorithm} is made for {able}")
    model = module.Model(parse(module.Options, options, where))
    model.task = task
    return model


def check(entry: ModelEntry, where: str, stored_negatives: int) -> None:
    """Raise MarqueeError where the block `where` is none that its algorithm accepts.

    A model learns from its own task's ratings or, where its algorithm takes samples, from these with sampled
    negatives. Anything else holds rows of its test set, or lacks what the algorithm needs.
    """
    model = create(entry.algorithm, entry.task, entry.options, where)
    sampled = entry.task == "ranking" and model.uses_negatives
    if entry.train_data != (wanted := "negatives" if sampled else entry.task):
        what = "sampled negatives" if sampled else "positives alone" if entry.task == "ranking" else "ratings"
        raise MarqueeError(
            f"{where}.train_data is {entry.train_data!r}, but {entry.algorithm} learns from {what} for "
            f"{entry.task}: set it to {wanted}"
        )
    if sampled:
        own = model.options
        resample = own.resample_negatives or getattr(own, "expected_negatives", False)
        count_negatives(stored_negatives, entry.algorithm, own.negatives_per_positive, resample)


def store(model: Recommender, folder: Path, fitted: Mapping[str, Any]) -> None:
    """Write `weights.safetensors` and `model.json`: algorithm, task, all options and what `state` adds.

    fitted  the identity of its data under `data`, and parameters that are no options of the algorithm
    """
    arrays, metadata = model.state()
    description = {
        "weights": write_arrays(folder / "weights.safetensors", arrays),
        "algorithm": model.algorithm,
        "task": model.task,
        "options": asdict(model.options),
        "fitted": fitted,
        "n_users": model.n_users,
        "n_items": model.n_items,
        "state": metadata,
    }
    write_sealed(folder / "model.json", description)


def load(folder: Path, mapped: bool = False) -> Recommender:
    """Return the model that `store` wrote. Raises MarqueeError if there is none, or a changed one.

    mapped  leave its weights in their file, as `read_sealed_arrays` does
    """
    path = folder / "model.json"
    if not path.is_file():
        raise MarqueeError(f"{folder} holds no trained model: run `dvc repro train@{folder.name}`")
    stored = read_sealed(path)
    arrays, _, weights = read_sealed_arrays(folder / "weights.safetensors", mapped)
    if stored.get("weights") != weights:
        raise damaged(path, "it belongs to other weights than those beside it")
    with reading(path):
        module = import_module(f"{__name__}.{stored['algorithm']}")
        options = parse(module.Options, stored["options"], str(path))
        model = module.Model.from_state(options, arrays, stored["state"])
        model.task, model.n_users, model.n_items = (stored[name] for name in ("task", "n_users", "n_items"))
        model.fitted = stored["fitted"]
    return model


def fitted_otherwise(model: Recommender, entry: ModelEntry, seed: int) -> str | None:
    """Return what a stored model was fitted with and its block no longer has; None where nothing differs."""
    had = {"algorithm": model.algorithm, "task": model.task, **model.fitted}
    has = {"algorithm": entry.algorithm, "task": entry.task, "train_data": entry.train_data, "seed": seed}
    if model.algorithm == entry.algorithm:
        had |= asdict(model.options)
        has |= asdict(create(entry.algorithm, entry.task, entry.options, "models").options)
    other = [
        f"{key} {had.get(key)} instead of {value}" for key, value in has.items() if had.get(key) != value
    ]
    return ", ".join(other) or None
