"""Read tables with named columns: GroupLens' later releases, and a user's own ratings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marquee.config import CustomColumns
from marquee.errors import MarqueeError
from marquee.movielens import csv_reader
from marquee.movielens.column_types import DATE_TIME, NAME, NUMBER, TEXT, WHOLE, ColumnType
from marquee.movielens.csv_reader import BadRows, CsvSpec
from marquee.movielens.schema import Scale


def read_named(
    folder: Path, columns: CustomColumns, bad: BadRows, scale: Scale | None, ids: ColumnType | None = None
) -> tuple[pa.Table, pa.Table | None]:
    """Return (rows, movies) for `build_dataset`. With `ids`, ids have that type and movies are required."""
    names = {name: getattr(columns, name) for name in ("user", "movie", "rating", "timestamp")}
    rows = _read(_find(folder, "ratings"), names, bad, scale, ids)
    if "timestamp" not in rows.column_names:
        rows = rows.append_column("timestamp", pa.repeat(pa.scalar(0, pa.int64()), len(rows)))
    path = _find(folder, "movies")
    if ids is None and not path.exists():
        return rows, None
    names = {name: getattr(columns, name) for name in ("movie", "title", "genres")}
    of_ratings = WHOLE if pa.types.is_integer(rows["movie"].type) else NAME
    return rows, split_genres(_read(path, names, bad, None, of_ratings))


def split_genres(movies: pa.Table) -> pa.Table:
    """Return the table with `Drama|War` as a list."""
    if "genres" not in movies.column_names or not pa.types.is_string(movies["genres"].type):
        return movies
    place = movies.column_names.index("genres")
    return movies.set_column(place, "genres", pc.split_pattern(movies["genres"], "|"))


def _find(folder: Path, stem: str) -> Path:
    """Return the path of the CSV, or of the Parquet file where only that exists."""
    with csv_reader.readable(folder):
        text, parquet = folder / f"{stem}.csv", folder / f"{stem}.parquet"
        return parquet if parquet.exists() and not text.exists() else text


def _read(
    path: Path, names: Mapping[str, str | None], bad: BadRows, scale: Scale | None, ids: ColumnType | None
) -> pa.Table:
    """Read the columns of `names` (ours -> the file's; None: absent) from CSV or Parquet."""
    wanted = {ours: theirs for ours, theirs in names.items() if theirs is not None}
    if path.suffix == ".parquet":
        return _read_parquet(path, wanted, bad, scale, ids)
    with csv_reader.readable(path):
        head = list(islice(csv_reader.rows(CsvSpec(path, ",", {}, quoted=True)), 2))
    header = head[0][1] if head else []
    for name in header:
        if any("\ud800" <= letter <= "\udfff" for letter in name):  # of a byte that is not UTF-8
            raise csv_reader.not_utf8(path, 1)
    if head:
        _require(wanted, header, f"{path} line 1")
    first = dict(zip(header, head[1][1], strict=False)) if len(head) > 1 else {}
    types = {theirs: (ours, _type(ours, first.get(theirs, "0"), ids)) for ours, theirs in wanted.items()}
    fields = dict(types.get(name, (f"{n} unwanted", None)) for n, name in enumerate(header))
    table = csv_reader.read(CsvSpec(path, ",", fields, header=True, quoted=True), bad, scale)
    if "timestamp" in table.column_names:
        place = table.column_names.index("timestamp")
        table = table.set_column(place, "timestamp", table["timestamp"].cast(pa.int64()))
    return table


def _require(wanted: Mapping[str, str], found: Iterable[str], where: str) -> None:
    """Raise MarqueeError unless each wanted column exists, and none is wanted twice."""
    for ours, theirs in wanted.items():
        if list(wanted.values()).count(theirs) > 1:
            raise MarqueeError(
                f"ingest.columns.{ours} is {theirs!r}, and so is another key: name each column once"
            )
        if theirs not in found:
            optional = " (null if there is none)" if ours in ("timestamp", "title", "genres") else ""
            raise MarqueeError(
                f"{where} has no column {theirs!r}, only {', '.join(found)}: "
                f"set ingest.columns.{ours} to the right one{optional}"
            )


def _type(name: str, first: str, ids: ColumnType | None) -> ColumnType:
    """Return the type of our column `name`, whose first value in the file is `first`."""
    if name in ("user", "movie"):
        return ids or (WHOLE if re.fullmatch(r"\s*-?[0-9]+\s*", first) else NAME)
    if name == "timestamp":
        return DATE_TIME if re.match(r"\s*[0-9]{4}-[0-9]", first) else WHOLE
    return NUMBER if name == "rating" else TEXT


def _read_parquet(
    path: Path, wanted: Mapping[str, str], bad: BadRows, scale: Scale | None, ids: ColumnType | None
) -> pa.Table:
    with csv_reader.readable(path):
        try:
            _require(wanted, pq.read_schema(path).names, str(path))
            raw = pq.read_table(path, columns=list(wanted.values()))
        except pa.ArrowInvalid as error:
            raise MarqueeError(f"{path} is not a complete Parquet file ({error}): write it again") from None
    table = pa.table({ours: _cast(ours, theirs, raw[theirs], path, ids) for ours, theirs in wanted.items()})
    needed = [name for name in ("user", "movie", "rating", "timestamp") if name in wanted]
    malformed = np.any([table[name].is_null().to_numpy() for name in needed], axis=0)
    off_scale = np.zeros(len(table), bool)
    if "rating" in wanted:
        rating = table["rating"].to_numpy()
        malformed |= ~np.isfinite(rating)
        if scale is not None:
            off_scale = ~scale.allows(np.where(malformed, scale.low, rating))
    faults = {}
    for fault, rows, what in (
        ("malformed", malformed, f"one of {', '.join(needed)} has no value"),
        ("off_scale", off_scale, f"the rating is not on the scale {scale}"),
    ):
        if rows.any():
            faults[fault] = (int(rows.sum()), f"{path} row {int(rows.argmax()) + 1}: {what}")
    bad.drop(faults)
    table = table.filter(pa.array(~(malformed | off_scale)))
    if not len(table):
        raise MarqueeError(f"{path} has no rows: set dataset.path to a complete copy")
    return table


def _cast(
    name: str, theirs: str, column: pa.ChunkedArray, path: Path, ids: ColumnType | None
) -> pa.ChunkedArray:
    found = column.type
    try:
        if name in ("user", "movie"):
            numeric = pa.types.is_integer(found) or pa.types.is_floating(found)
            return column.cast(ids.type if ids else pa.int64() if numeric else pa.string())
        if name == "rating":
            return column.cast(pa.float32())
        if name == "timestamp":
            if pa.types.is_temporal(found):
                column = column.cast(pa.timestamp("s"), safe=False)
            return column.cast(pa.int64())
        return column.cast(pa.list_(pa.string()) if pa.types.is_nested(found) else pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise MarqueeError(
            f"{path}: column {theirs!r} has type {found} and does not convert to a {name} ({error}): "
            f"check ingest.columns.{name}"
        ) from None
