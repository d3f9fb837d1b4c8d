"""Read what more than one stage needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from marquee import config
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import Candidates
from marquee.evaluation.test_set import TestSet
from marquee.io import read_parquet


def ratings(path: Path) -> Ratings:
    return Ratings.from_table(read_parquet(path))


def catalogue() -> tuple[Catalogue, tuple[float, float]]:
    """The catalogue, and the lowest and the highest rating of the release's scale."""
    movies = read_parquet(Path("data/movies.parquet"), ["genres"])
    about = json.loads(movies.schema.metadata[b"catalogue"])
    return Catalogue.from_genres(about["n_users"], movies["genres"]), tuple(about["scale"])


def test_set(task: str, settings: Mapping[str, Any]) -> TestSet:
    train, validation, fold_in, test = (
        ratings(Path(f"data/{task}/{part}.parquet")) for part in ("train", "val", "fold_in", "test")
    )
    known, scale = catalogue()
    return TestSet(
        task,
        train,
        validation,
        fold_in,
        test,
        Candidates.from_table(read_parquet(Path(f"data/candidates/{task}.parquet"))),
        known,
        scale,
        settings["tasks"]["ranking"]["positive_threshold"],
        config.block(settings, "evaluate", config.Evaluation).ks,
    )


def original_ids() -> tuple[np.ndarray, np.ndarray]:
    """The release's own ids: row u of the first is user u, row i of the second is item i."""
    users = read_parquet(Path("data/users.parquet"), ["user_id"])["user_id"]
    movies = read_parquet(Path("data/movies.parquet"), ["movie_id"])["movie_id"]
    return users.to_numpy(), movies.to_numpy()
