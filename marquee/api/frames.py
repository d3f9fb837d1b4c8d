"""Ratings and movies from pandas DataFrames, checked and brought into the schema."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.errors import MarqueeError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Columns = Mapping[str, str | None]  # our name -> the frame's; "auto": by ALIASES; None: not there
ALIASES = {
    "user": ("user", "userid", "uid"),
    "movie": ("movie", "movieid", "item", "itemid", "iid"),
    "rating": ("rating", "stars"),
    "timestamp": ("timestamp", "time", "date", "datetime"),
    "title": ("title",),
    "genres": ("genres", "genre"),
}


def find_columns(present: Sequence[Any], asked: Columns, what: str) -> dict[str, Any]:
    """Return the frame's column for each of our names that it has.

    Raises MarqueeError for a named column that is missing, for a missing user or movie column, and for a
    missing rating column where another column could be it.
    """
    found: dict[str, Any] = {}
    for ours, theirs in asked.items():
        fits = [
            name for name in present if name == theirs or (theirs == "auto" and _bare(name) in ALIASES[ours])
        ]
        if len(fits) > 1:
            raise MarqueeError(f"{what}: {_listed(fits)} may all be the {ours}: name one with {ours}=")
        if fits:
            found[ours] = fits[0]
        elif theirs not in ("auto", None):
            raise MarqueeError(f"{what}: {ours}={theirs!r} is not a column of {_listed(present)}")
    for ours in ("user", "movie"):
        if ours in asked and ours not in found:
            raise MarqueeError(f"{what}: no column of {_listed(present)} is the {ours}: name it with {ours}=")
    others = [name for name in present if name not in found.values() and _bare(name) not in ALIASES["title"]]
    if asked.get("rating") == "auto" and "rating" not in found and others:
        raise MarqueeError(
            f"{what}: no column of {_listed(present)} is the rating: name it with rating=, or pass "
            "rating=None where every row is a positive"
        )
    return found


def rating_rows(frame: pd.DataFrame, columns: Mapping[str, Any], implicit: bool = False) -> pa.Table:
    """Return user, movie, rating and timestamp; where there is no column, ratings are 1 and times 0.

    Raises MarqueeError, with the first such row, for a cell without a value or of another kind, and for an
    `implicit` count that is not above 0.
    """
    import pyarrow as pa

    if not len(frame):
        raise MarqueeError("the ratings have no rows: load at least one rating")
    n = len(frame)
    rating, timestamp = np.ones(n, np.float32), np.zeros(n, np.int64)
    if "rating" in columns:
        rating = _numbers(frame[columns["rating"]], "rating").astype(np.float32)
        _require((rating > 0) | (not implicit), frame[columns["rating"]], "rating", "counts nothing")
    if "timestamp" in columns:
        timestamp = _seconds(frame[columns["timestamp"]])
    ids = {name: pa.chunked_array([_ids(frame[columns[name]], name)]) for name in ("user", "movie")}
    return pa.table({**ids, "rating": rating, "timestamp": timestamp})


def movie_rows(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pa.Table:
    """Return movie, and title and genres where there are columns of them. `Drama|War` is two genres."""
    import pyarrow as pa

    from marquee.movielens.genres import split_genres

    table = {"movie": _ids(frame[columns["movie"]], "movie")}
    for name in ("title", "genres"):
        if name in columns:
            column = frame[columns[name]].astype(object)
            cells = column.where(column.notna(), None).to_list()
            nested = name == "genres" and any(isinstance(cell, list | tuple | np.ndarray) for cell in cells)
            kind, convert = (pa.list_(pa.string()), list) if nested else (pa.string(), str)
            table[name] = pa.array([cell if cell is None else convert(cell) for cell in cells], kind)
    return split_genres(pa.table(table))


def same_ids(rows: pa.Table, movies: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return both tables with movie ids of one type: text where either has text."""
    import pyarrow as pa

    if rows["movie"].type != movies["movie"].type:
        rows, movies = (
            t.set_column(t.column_names.index("movie"), "movie", t["movie"].cast(pa.string()))
            for t in (rows, movies)
        )
    return rows, movies


def _ids(column: pd.Series, name: str) -> pa.Array:
    """Return whole numbers as int64, all else as text without blanks around it."""
    import pyarrow as pa

    from marquee.movielens.ids import settle

    _require(~column.isna().to_numpy(), column, name, "has no value")
    if column.dtype.kind in "iu":
        return pa.array(column.to_numpy().astype(np.int64))
    if column.dtype.kind == "f":
        values = column.to_numpy(np.float64)
        _require((values % 1 == 0) & (np.abs(values) < 2**53), column, name, "is no whole number or text")
        return pa.array(values.astype(np.int64))
    texts = [str(value) for value in column]
    _require(np.array([text.strip() != "" and "\0" not in text for text in texts]), column, name, "is empty")
    settled = settle(pa.chunked_array([pa.array(texts, pa.string())]))
    assert settled is not None  # no text is empty
    return settled.combine_chunks()


def _numbers(column: pd.Series, name: str) -> np.ndarray:
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    _require(np.isfinite(values), column, name, "is no finite number")
    return values


def _seconds(column: pd.Series) -> np.ndarray:
    """Return Unix seconds, int64, from numbers of seconds or from dates; without a zone they are UTC."""
    import pandas as pd

    if column.dtype.kind != "M" and pd.to_numeric(column, errors="coerce").notna().all():
        return _numbers(column, "timestamp").astype(np.int64)
    moments = pd.to_datetime(column, utc=True, errors="coerce")
    _require(~moments.isna().to_numpy(), column, "timestamp", "is no date")
    return moments.dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64)


def _require(fine: np.ndarray, column: pd.Series, name: str, fault: str) -> None:
    if fine.all():
        return
    first = int(np.argmin(fine))
    value, index = (
        v.item() if isinstance(v, np.generic) else v for v in (column.iloc[first], column.index[first])
    )
    raise MarqueeError(
        f"{(~fine).sum():,} of {len(fine):,} rows: the {name} in column {column.name!r} {fault} (first: "
        f"{value!r} at index {index!r}): correct or drop these rows"
    )


def _bare(name: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(map(repr, names))
