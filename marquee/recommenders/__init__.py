"""The algorithms, one module each, and how a trained one is kept in a folder."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from marquee.config import parse
from marquee.errors import MarqueeError, did_you_mean
from marquee.io import read_arrays, read_json, write_arrays, write_json

if TYPE_CHECKING:
    from marquee.recommenders.base import Recommender


def algorithms() -> list[str]:
    """The names that may stand behind `algorithm:` in params.yaml."""
    return sorted(module.name for module in iter_modules(__path__) if module.name != "base")


def create(algorithm: str, task: str, options: Any, where: str) -> Recommender:
    """An untrained model. `where` is the block's dotted key, for messages.

    Raises MarqueeError for an unknown algorithm, one that cannot do the task, or an option that does not fit.
    """
    if algorithm not in algorithms():
        raise MarqueeError(f"{where}.algorithm is {algorithm!r}{did_you_mean(algorithm, algorithms())}")
    module = import_module(f"marquee.recommenders.{algorithm}")
    if task not in module.Model.tasks:
        able = " or ".join(sorted(module.Model.tasks))
        raise MarqueeError(f"{where}.task is {task!r}, but {algorithm} is made for {able}")
    model = module.Model(parse(module.Options, options, where))
    model.task = task
    return model


def store(model: Recommender, description: dict[str, Any], folder: Path) -> None:
    """`weights.safetensors` and `model.json`; `description` needs algorithm, task and options."""
    arrays, metadata = model.state()
    sizes = {"n_users": model.n_users, "n_items": model.n_items}
    write_arrays(folder / "weights.safetensors", arrays)
    write_json(folder / "model.json", {**description, **sizes, "state": metadata})


def load(folder: Path) -> Recommender:
    """The model that `store` kept. Raises MarqueeError where there is none."""
    try:
        described = read_json(folder / "model.json")
        arrays, _ = read_arrays(folder / "weights.safetensors")
    except (FileNotFoundError, json.JSONDecodeError):
        raise MarqueeError(f"{folder} holds no trained model; run `dvc repro train@{folder.name}`") from None
    module = import_module(f"marquee.recommenders.{described['algorithm']}")
    options = parse(module.Options, described["options"], str(folder / "model.json"))
    model = module.Model.from_state(options, arrays, described["state"])
    model.task = described["task"]
    model.n_users, model.n_items = described["n_users"], described["n_items"]
    return model
