"""Read tables with named columns: GroupLens' later releases, and a user's own ratings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from marquee.config import CustomColumns
from marquee.movielens.column_types import ColumnType
from marquee.movielens.csv_parts import read_csv, read_csv_parts
from marquee.movielens.csv_reader import BadRows
from marquee.movielens.genres import split_genres
from marquee.movielens.ids import of_one_type
from marquee.movielens.parquet_reader import read_parquet
from marquee.movielens.schema import Scale
from marquee.movielens.text_rows import readable


def read_named(
    folder: Path, columns: CustomColumns, bad: BadRows, scale: Scale | None, ids: ColumnType | None = None
) -> tuple[pa.Table, pa.Table | None]:
    """Return (rows, movies) for `build_dataset`. With `ids`, ids have that type and movies are required."""
    names = {name: getattr(columns, name) for name in ("user", "movie", "rating", "timestamp")}
    rows = read_columns(_find(folder, "ratings"), names, bad, scale, ids)
    if "timestamp" not in rows.column_names:
        rows = rows.append_column("timestamp", pa.repeat(pa.scalar(0, pa.int64()), len(rows)))
    if "rating" not in rows.column_names:
        rows = rows.append_column("rating", pa.repeat(pa.scalar(1, pa.float32()), len(rows)))
    path = _find(folder, "movies")
    if ids is None and not path.exists():
        return rows, None
    names = {name: getattr(columns, name) for name in ("movie", "title", "genres")}
    movies = split_genres(read_columns(path, names, bad, None, ids), path)
    if pa.types.is_integer(rows["movie"].type) and pa.types.is_integer(movies["movie"].type):
        return rows, movies
    of_rows, of_movies = of_one_type(rows["movie"], movies["movie"])
    return _with(rows, "movie", of_rows), _with(movies, "movie", of_movies)


def _with(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def _find(folder: Path, stem: str) -> Path:
    """Return the path of the CSV, or of the Parquet file where only that exists."""
    with readable(folder):
        text, parquet = folder / f"{stem}.csv", folder / f"{stem}.parquet"
        return parquet if parquet.exists() and not text.exists() else text


def read_columns(
    path: Path, names: Mapping[str, str | None], bad: BadRows, scale: Scale | None, ids: ColumnType | None
) -> pa.Table:
    """Read the columns of `names` (ours -> the file's; None: absent) from CSV or Parquet."""
    wanted = {ours: theirs for ours, theirs in names.items() if theirs is not None}
    if path.suffix == ".parquet":
        return read_parquet(path, wanted, bad, scale, ids)
    if path.is_dir() and ids is None:
        return read_csv_parts(path, wanted, bad, scale)
    return read_csv(path, wanted, bad, scale, ids)
