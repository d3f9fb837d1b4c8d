"""What a model learned, as far as it is drawn: embeddings of movies and users, biases, genres.

`evaluate` writes it, so that `plot` needs neither the model nor the ratings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.data.ratings import Catalogue, Ratings
from marquee.io import as_array, as_column, read_parquet, read_sealed, reading, write_parquet, write_sealed
from marquee.parallel import counts, single_threaded_blas

if TYPE_CHECKING:
    import pyarrow as pa

    from marquee.recommenders.base import Recommender

SHOWN = 400  # movies and users on a map, those with the most training ratings
EXTREMES = 12  # movies with the largest biases, and with the smallest
GENRES = 30  # of the most movies
TOLD = ("user_id", "gender", "age", "occupation")  # columns of data/users.parquet

Rows = Mapping[str, Sequence[Any]]  # a table by columns


@dataclass(frozen=True)
class Learned:
    """Hold what the figures of a model show.

    movies             `movie_id`, `title`, `year`, `genres` and `ratings` (in train) of the most rated ones
    movie_embeddings   float32 [n, d], of length 1: the model's, of `movies`
    users              those of TOLD that there are, `genres` (see `favorite_genres`) and `ratings` of the
                       most active ones
    user_embeddings    float32 [m, d], of length 1: the model's, of `users`
    biases             `movie_id`, `title`, `year`, `ratings` and `bias` of the movies at both ends, or None
    genre_counts       genre -> movies of the catalogue that have it
    genre_embeddings   genre -> embedding, of the most frequent ones; empty without
    """

    movies: Rows
    movie_embeddings: np.ndarray
    users: Rows
    user_embeddings: np.ndarray
    biases: Rows | None
    genre_counts: Mapping[str, int]
    genre_embeddings: Mapping[str, Sequence[float]]


def learned(model: Recommender, train: Ratings, catalogue: Catalogue, movies: Rows, users: Rows) -> Learned:
    """Ask `model` for what is drawn of it.

    movies  `movie_id`, `title`, `year` and `genres` of each item
    users   columns of data/users.parquet
    """
    rated, active = counts(train.item, model.n_items), counts(train.user, model.n_users)
    shown, whom = _largest(rated, SHOWN), _largest(active, SHOWN)
    told = {name: users[name] for name in TOLD if name in users}
    own = _rows(told, whom) | {
        "genres": favorite_genres(train, catalogue, whom),
        "ratings": active[whom].tolist(),
    }
    of_genre = catalogue.genres.sum(0)
    genres = model.genre_embeddings()
    common = np.sort(_largest(of_genre, GENRES))
    return Learned(
        _rows(movies, shown) | {"ratings": rated[shown].tolist()},
        _shortest(model.unit_embeddings(shown)),
        own,
        _shortest(model.unit_user_embeddings(whom)),
        _extremes(model.item_biases(), rated, movies),
        dict(zip(catalogue.genre_names, of_genre.tolist(), strict=True)),
        {} if genres is None else {catalogue.genre_names[row]: genres[row].tolist() for row in common},
    )


def favorite_genres(train: Ratings, catalogue: Catalogue, shown: np.ndarray) -> list[list[str]]:
    """Return for each user of `shown` the genre that is furthest above its fraction of all ratings.

    An empty list: no movie of the user's has a genre.
    """
    place = np.full(catalogue.n_users, -1)
    place[shown] = np.arange(len(shown))
    own_ratings = train.of_users(shown)
    rows, item = place[own_ratings.user], own_ratings.item
    n, names = len(shown), catalogue.genre_names
    own = np.array([np.bincount(rows[has], minlength=n) for has in catalogue.genres[item].T]).reshape(-1, n)
    usual = (counts(train.item, catalogue.n_items) @ catalogue.genres).astype(float)
    more = own.T / np.maximum(own.sum(0), 1)[:, None] - usual / max(usual.sum(), 1)  # (n, n_genres)
    return [[names[best.argmax()]] if some else [] for best, some in zip(more, own.sum(0), strict=True)]


def _largest(values: np.ndarray, n: int) -> np.ndarray:
    return np.argsort(-values, kind="stable")[:n]


def _rows(table: Rows, rows: np.ndarray) -> dict[str, list[Any]]:
    return {name: [column[row] for row in rows.tolist()] for name, column in table.items()}


def _extremes(biases: np.ndarray | None, counts: np.ndarray, movies: Rows) -> Rows | None:
    if biases is None:
        return None
    order = np.argsort(-biases, kind="stable")
    ends = np.unique(np.concatenate([order[:EXTREMES], order[-EXTREMES:]]))
    found = _rows(movies, ends) | {"ratings": counts[ends].tolist(), "bias": biases[ends].tolist()}
    del found["genres"]
    return found


def _shortest(vectors: np.ndarray) -> np.ndarray:
    """Return vectors [n, d] in at most n coordinates, float32; all lengths and angles stay."""
    if vectors.shape[1] > len(vectors):
        with single_threaded_blas():
            vectors = np.transpose(np.linalg.qr(vectors.T.astype(np.float64), mode="r"))
    return vectors.astype(np.float32)


def write_learned(folder: Path, found: Learned) -> None:
    """Write `movies.parquet` and `users.parquet`, with their vectors, and `learned.json` into `folder`."""
    for name, rows, vectors in (
        ("movies", found.movies, found.movie_embeddings),
        ("users", found.users, found.user_embeddings),
    ):
        write_parquet(folder / f"{name}.parquet", _table(rows, vectors))
    genres = {"counts": found.genre_counts, "vectors": found.genre_embeddings}
    write_sealed(folder / "learned.json", {"biases": found.biases, "genres": genres})


def read_learned(folder: Path) -> Learned:
    """Read what `write_learned` wrote. Raises MarqueeError for a damaged file."""
    movies, movie_embeddings = _columns(folder / "movies.parquet")
    users, user_embeddings = _columns(folder / "users.parquet")
    rest = read_sealed(folder / "learned.json")
    genres = rest["genres"]
    return Learned(
        movies, movie_embeddings, users, user_embeddings, rest["biases"], genres["counts"], genres["vectors"]
    )


def _table(rows: Rows, vectors: np.ndarray) -> pa.Table:
    import pyarrow as pa

    lists = {"genres": pa.list_(pa.string())}  # of which there may be none, and so no type to infer
    columns = {name: pa.array(values, lists.get(name)) for name, values in rows.items()}
    columns["vector"] = pa.FixedSizeListArray.from_arrays(as_column(vectors.reshape(-1)), vectors.shape[1])
    return pa.table(columns)


def _columns(path: Path) -> tuple[Rows, np.ndarray]:
    found = read_parquet(path)
    with reading(path):
        vectors = found["vector"].combine_chunks()
        flat = as_array(vectors.flatten()).reshape(len(vectors), vectors.type.list_size)
        return found.drop_columns("vector").to_pydict(), flat
