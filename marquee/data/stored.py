"""What `ingest` stored of a data set beside its ratings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.data.identity import MOVIES
from marquee.data.ratings import Catalogue
from marquee.io import read_parquet, reading

if TYPE_CHECKING:
    import pyarrow as pa


def catalogue() -> tuple[Catalogue, tuple[float, float, float]]:
    """Return the catalogue, and the release's scale: lowest rating, highest, step (0 without one)."""
    with reading(MOVIES):
        movies, about = movies_table()
        return Catalogue.from_genres(about["n_users"], movies["genres"]), tuple(about["scale"])


def implicit() -> bool:
    """Return whether every row is a positive, and its rating a count."""
    return movies_table()[1].get("feedback") == "implicit"


def movies_table() -> tuple[pa.Table, dict[str, Any]]:
    """Return the genres of each movie, and sizes, scale and feedback of the data set."""
    with reading(MOVIES):
        movies = read_parquet(MOVIES, ["genres"])
        return movies, json.loads(movies.schema.metadata[b"catalogue"])


def original_ids() -> tuple[np.ndarray, np.ndarray]:
    """Return the release's own ids: row u of the first is user u, row i of the second is item i."""
    users = read_parquet(MOVIES.with_name("users.parquet"), ["user_id"])["user_id"]
    movies = read_parquet(MOVIES, ["movie_id"])["movie_id"]
    return users.to_numpy(), movies.to_numpy()
