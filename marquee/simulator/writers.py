"""Write a simulated release in the files of a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from marquee.io import atomic_file, write_text
from marquee.parallel import user_blocks
from marquee.simulator.names import OCCUPATIONS, Film, demographics
from marquee.simulator.options import GENRES

BLOCK = 1 << 20  # rows that are formatted together


@dataclass(frozen=True)
class Columns:
    """Hold ratings, user by user.

    user       int32 [n], from 0
    movie      int32 [n], from 0
    star       int8 [n]: which of `stars`
    timestamp  int64 [n]: Unix seconds
    stars      float32 [n_stars]
    """

    user: np.ndarray
    movie: np.ndarray
    star: np.ndarray
    timestamp: np.ndarray
    stars: np.ndarray

    def __len__(self) -> int:
        return len(self.user)


def write_ml_100k(folder: Path, columns: Columns, films: list[Film], rng: np.random.Generator) -> None:
    """Write u.data (rows in random order), u.item, u.user, u.genre, u.occupation and u.info."""
    order = rng.permutation(len(columns))
    blocks = (order[first : first + BLOCK] for first in range(0, len(order), BLOCK))
    labels = [f"{star:g}" for star in columns.stars]
    options = pacsv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    _write_ratings(folder / "u.data", columns, blocks, labels, options)
    users = demographics(int(columns.user.max()) + 1, rng)
    flags = ([int(genre in film.genres) for genre in GENRES] for film in films)
    items = ((film.title, film.released, "", "", *row) for film, row in zip(films, flags, strict=True))
    _write_lines(folder / "u.item", _numbered(items))
    _write_lines(folder / "u.user", _numbered(users))
    _write_lines(folder / "u.genre", (f"{genre}|{number}" for number, genre in enumerate(GENRES)))
    _write_lines(folder / "u.occupation", OCCUPATIONS)
    _write_lines(folder / "u.info", (f"{len(users)} users", f"{len(films)} items", f"{len(columns)} ratings"))


def write_ml_32m(folder: Path, columns: Columns, films: list[Film], rng: np.random.Generator) -> None:
    """Write ratings.csv (rows by user and movie) and movies.csv, with CRLF."""
    labels = [f"{star:.1f}" for star in columns.stars]
    options = pacsv.WriteOptions(quoting_style="none", quoting_header="none", eol="\r\n")
    _write_ratings(folder / "ratings.csv", columns, _by_movie(columns), labels, options)
    write_movies(folder / "movies.csv", films)


def write_movies(path: Path, films: list[Film]) -> None:
    """Write movieId, title and genres as ML-32M has them."""
    lines = ["movieId,title,genres\r\n"]
    for number, film in enumerate(films, 1):
        title = f'"{film.title}"' if "," in film.title else film.title
        genres = "|".join(genre.replace("Children's", "Children") for genre in film.genres)
        lines.append(f"{number},{title},{genres.replace('unknown', '(no genres listed)')}\r\n")
    write_text(path, "".join(lines))


LAYOUTS: dict[str, Callable[[Path, Columns, list[Film], np.random.Generator], None]] = {
    "ml-100k": write_ml_100k,
    "ml-32m": write_ml_32m,
}


def _by_movie(columns: Columns) -> Iterable[np.ndarray]:
    """Yield the rows by user and then by movie, in blocks of whole users."""
    for (rows,) in user_blocks(columns.user, rows=BLOCK):
        yield rows.start + np.lexsort((columns.movie[rows], columns.user[rows]))


def _write_ratings(
    path: Path,
    columns: Columns,
    blocks: Iterable[np.ndarray],
    labels: list[str],
    options: pacsv.WriteOptions,
) -> None:
    kinds = {"userId": pa.int32(), "movieId": pa.int32(), "rating": pa.string(), "timestamp": pa.int64()}
    with (
        atomic_file(path) as partial,
        pacsv.CSVWriter(partial, pa.schema(kinds), write_options=options) as file,
    ):
        for rows in blocks:
            given = pa.DictionaryArray.from_arrays(columns.star[rows], pa.array(labels)).cast(pa.string())
            values = [columns.user[rows] + 1, columns.movie[rows] + 1, given, columns.timestamp[rows]]
            file.write_batch(pa.record_batch(values, schema=pa.schema(kinds)))


def _numbered(rows: Iterable[tuple[object, ...]]) -> Iterable[str]:
    return ("|".join(map(str, (number, *row))) for number, row in enumerate(rows, 1))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with atomic_file(path) as partial:
        partial.write_bytes("".join(f"{line}\n" for line in lines).encode("latin-1"))
