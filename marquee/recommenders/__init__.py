"""The algorithms, one module each, and the storage of a trained model in a folder."""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from marquee.config import parse
from marquee.errors import MarqueeError, did_you_mean
from marquee.io import damaged, read_sealed, read_sealed_arrays, reading, write_arrays, write_sealed

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


def store(model: Recommender, folder: Path) -> None:
    """Write `weights.safetensors` and `model.json`: algorithm, task, all options and what `state` adds."""
    arrays, metadata = model.state()
    description = {
        "weights": write_arrays(folder / "weights.safetensors", arrays),
        "algorithm": model.algorithm,
        "task": model.task,
        "options": asdict(model.options),
        "n_users": model.n_users,
        "n_items": model.n_items,
        "state": metadata,
    }
    write_sealed(folder / "model.json", description)


def load(folder: Path) -> Recommender:
    """Return the model that `store` wrote. Raises MarqueeError if there is none, or a changed one."""
    path = folder / "model.json"
    if not path.is_file():
        raise MarqueeError(f"{folder} holds no trained model: run `dvc repro train@{folder.name}`")
    stored = read_sealed(path)
    arrays, _, weights = read_sealed_arrays(folder / "weights.safetensors")
    if stored.get("weights") != weights:
        raise damaged(path, "it belongs to other weights than those beside it")
    with reading(path):
        module = import_module(f"{__name__}.{stored['algorithm']}")
        options = parse(module.Options, stored["options"], str(path))
        model = module.Model.from_state(options, arrays, stored["state"])
        model.task, model.n_users, model.n_items = (stored[name] for name in ("task", "n_users", "n_items"))
    return model
