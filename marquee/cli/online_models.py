"""Models that go on learning between two fits, from the files of a project."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from functools import partial
from pathlib import Path

import numpy as np

from marquee.cli import project
from marquee.data.ratings import Catalogue, Ratings, count_weights
from marquee.io import as_array, read_arrays, read_parquet, sha256
from marquee.movielens.schema import COUNTS
from marquee.recommenders.base import Recommender
from marquee.serving.online import Checkpoint, OnlineModel, Positives, load_updates
from marquee.training.loop import unpack


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--model-dir",
        metavar="DIR",
        type=Path,
        help="the folder of an updated model, as `marquee update` writes it",
    )


def updated_model(name: str, folder: Path) -> OnlineModel:
    """Return the model `name` with what it has learned since its fit, stored in `folder`."""
    return load_updates(folder, fitted_model(name))


def default_folder(name: str) -> Path:
    """Return where an updated model goes: beside the fitted one, which DVC watches and nothing may change.

    The name of a model has no dot, so no block of params.yaml can claim the folder.
    """
    return Path(f"models/{name}.updated")


def fitted_model(name: str) -> OnlineModel:
    """Return the model of the stage `train@<name>`, ready to learn on.

    Raises MarqueeError, as `project.model` does, where it is not there or of other data.
    """
    movies, users = (read_parquet(Path(f"data/{one}.parquet")) for one in ("movies", "users"))
    model = project.model(name, len(movies))
    path = Path(f"data/{model.fitted['train_data']}/train.parquet")
    fit = {"weights": sha256(Path("models") / name / "weights.safetensors"), "train": sha256(path)}
    model.fitted = {**model.fitted, "fit": fit}
    return OnlineModel(
        model,
        Ratings.read(path),
        Catalogue.from_genres(len(users), movies["genres"]),
        users["user_id"].to_pylist(),
        movies["movie_id"].to_pylist(),
        positives() if model.task == "ranking" else None,
        checkpoint(name, model),
        model.fitted["seed"],
    )


def require_memory(name: str) -> None:
    """Raise MarqueeError if an update of `name`, which takes the memory of a fit, would not fit."""
    project.require_memory(project.params(), [name], f"an update of {name} ")


def positives() -> Positives:
    """Return what the ranking task learns from; counts weigh as in its split."""
    known, threshold = project.scale()
    if known != COUNTS:
        return Positives(threshold)
    counts = as_array(read_parquet(Path("data/ratings.parquet"), ["rating"])["rating"])
    usual = float(np.median(counts[counts >= threshold]))
    return Positives(threshold, partial(count_weights, usual=usual))


def checkpoint(name: str, model: Recommender) -> Checkpoint | None:
    """Return what the fit kept beside the model; None where it kept nothing, or that of another fit."""
    path = Path(f"models/{name}.checkpoint.safetensors")
    if not path.is_file():
        return None
    arrays, note = read_arrays(path)
    own, best = model.state()[0], unpack(arrays, "best")
    if "encoder" in own:  # of autorec, whose arrays are not those of its network
        own = {"encoder.weight": own["encoder"][:-1]}
    same = any(np.array_equal(own[name], best[name]) for name in own.keys() & best.keys())
    return (arrays, json.loads(note)["metadata"]) if same else None
