"""What more than one stage reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from marquee.foundation.artifacts import read_parquet
from marquee.foundation.interactions import Catalogue, Ratings, joined


def ratings(path: Path) -> Ratings:
    return Ratings.from_table(read_parquet(path))


def learned_from(task: str) -> Ratings:
    """What the models of a task know of people and movies: training, and whoever is folded in."""
    return joined(*(ratings(Path(f"data/{task}/{part}.parquet")) for part in ("train", "histories")))


def catalogue() -> Catalogue:
    users = read_parquet(Path("data/users.parquet"), ["user"])
    movies = read_parquet(Path("data/movies.parquet"), ["genres"])
    return Catalogue.from_genres(len(users), movies["genres"])


def original_ids() -> tuple[np.ndarray, np.ndarray]:
    """The release's own numbers: row u of the first is user u, row i of the second is item i."""
    users = read_parquet(Path("data/users.parquet"), ["user_id"])["user_id"]
    movies = read_parquet(Path("data/movies.parquet"), ["movie_id"])["movie_id"]
    return users.to_numpy(), movies.to_numpy()
