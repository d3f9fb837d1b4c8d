"""Read a table from Parquet: a file, or a folder of parts as Spark writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marquee.engine import map_blocks
from marquee.errors import MarqueeError
from marquee.movielens.column_types import FIRST_TIME, LARGEST_RATING, LAST_TIME, ColumnType
from marquee.movielens.csv_header import require
from marquee.movielens.csv_reader import BadRows
from marquee.movielens.ids import of_one_type, settle
from marquee.movielens.schema import Scale
from marquee.movielens.text_rows import readable
from marquee.terminal import excerpt

IDS = ("user", "movie")
NEEDED = (*IDS, "rating", "timestamp")


def read_parquet(
    path: Path, wanted: Mapping[str, str], bad: BadRows, scale: Scale | None, ids: ColumnType | None
) -> pa.Table:
    """Return the columns `wanted` (ours -> the file's); `ids`: the type of ids, None: by their values.

    Raises MarqueeError for what is no Parquet, a column that is missing or of another kind, more bad rows
    than allowed, and a table without rows.
    """
    files = _parts(path)
    if ids is None:
        parts = map_blocks(_read_part, [(file,) for file in files], {"wanted": wanted})
    else:
        parts = [_read_part(file, wanted, ids) for file in files]
    columns = {}
    for name in wanted:
        same = of_one_type(*(part[name] for part in parts))
        columns[name] = pa.chunked_array([chunk for column in same for chunk in column.chunks], same[0].type)
    table = pa.table(columns)
    kept = _good_rows(table, files, [len(part) for part in parts], bad, scale)
    if not kept.any():
        raise MarqueeError(f"{path} has no rows: get a complete copy")
    table = table if kept.all() else table.filter(pa.array(kept))
    for place, name in enumerate(table.column_names):
        if name in IDS and pa.types.is_string(table[name].type):
            table = table.set_column(place, name, settle(table[name]))
    return table


def _parts(path: Path) -> list[Path]:
    """Return the file, or the parts in a folder by name, without Spark's marks and checksums."""
    with readable(path):
        if not path.is_dir():
            return [path]
        found = [file for file in sorted(path.rglob("*.parquet")) if file.name[0] not in "._"]
    if not found:
        raise MarqueeError(f"{path} is a folder without Parquet files: get a complete copy")
    return found


def _read_part(path: Path, wanted: Mapping[str, str], ids: ColumnType | None = None) -> pa.Table:
    with readable(path), path.open("rb") as file:
        try:
            found = pq.ParquetFile(file)
            require(wanted, found.schema_arrow.names, str(path))
            raw = found.read(columns=list(wanted.values()))
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            reason = excerpt(error)
            raise MarqueeError(f"{path} is not a complete Parquet file ({reason}): write it again") from None
    return pa.table({ours: _cast(ours, theirs, raw[theirs], path, ids) for ours, theirs in wanted.items()})


def _cast(
    name: str, theirs: str, column: pa.ChunkedArray, path: Path, ids: ColumnType | None
) -> pa.ChunkedArray:
    found = column.type
    try:
        if pa.types.is_dictionary(found):
            column = column.cast(found.value_type)
        if name in IDS:
            return _cast_ids(column, ids)
        if name == "rating":
            return column.cast(pa.float32())
        if name == "timestamp":
            return _cast_times(column)
        return column.cast(pa.list_(pa.string()) if pa.types.is_nested(found) else pa.string())
    except pa.ArrowException as error:
        reason = excerpt(error)
        raise MarqueeError(
            f"{path}: column {theirs!r} has type {found} and does not convert to a {name} ({reason}): "
            f"check ingest.columns.{name}"
        ) from None


def _cast_ids(column: pa.ChunkedArray, ids: ColumnType | None) -> pa.ChunkedArray:
    """Return whole numbers as int64, unless one is beyond it, and all else as text."""
    if ids:
        return column.cast(ids.type)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), None, column).cast(pa.int64())
    try:
        return column.cast(pa.int64() if pa.types.is_integer(column.type) else pa.string())
    except pa.ArrowInvalid:
        return column.cast(pa.string())


def _cast_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return Unix seconds from numbers, from times, and from ISO 8601 text."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            column = column.cast(pa.timestamp("s", "UTC" if _has_zone(column) else None))
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("s"), safe=False)
    if pa.types.is_floating(column.type):
        column = pc.floor(pc.if_else(pc.is_finite(column), column, None))
    return column.cast(pa.int64())


def _has_zone(column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, "(?:Z|[+-][0-9]{2}:?[0-9]{2})$")).as_py())


def _good_rows(
    table: pa.Table, files: Sequence[Path], lengths: Sequence[int], bad: BadRows, scale: Scale | None
) -> np.ndarray:
    """Return which rows stay, bool [n]; the others go to `bad`."""
    needed = [name for name in NEEDED if name in table.column_names]
    malformed = np.zeros(len(table), bool)
    for name in needed:
        malformed |= _no_value(table[name])
    off_scale, wrong_times = np.zeros(len(table), bool), np.zeros(len(table), bool)
    if "rating" in needed:
        rating = table["rating"].to_numpy()
        malformed |= ~(np.abs(rating) <= LARGEST_RATING)
        if scale is not None:
            off_scale = ~malformed & ~scale.allows(rating)
    if "timestamp" in needed:
        seconds = table["timestamp"].fill_null(0).to_numpy()
        wrong_times = ~malformed & ~off_scale & ((seconds < FIRST_TIME) | (seconds > LAST_TIME))
    faults: dict[str, tuple[int, str]] = {}
    for fault, rows, what in (
        ("malformed", malformed, f"one of {', '.join(needed)} has no value that can be used"),
        ("malformed", wrong_times, "the timestamp is not in the years 1900 to 2299"),
        ("off_scale", off_scale, f"the rating is not on the scale {scale}"),
    ):
        if rows.any():
            count, first = faults.get(fault, (0, f"{_place(int(rows.argmax()), files, lengths)}: {what}"))
            faults[fault] = (count + int(rows.sum()), first)
    bad.drop(faults, len(table))
    return ~(malformed | off_scale | wrong_times)


def _no_value(column: pa.ChunkedArray) -> np.ndarray:
    """Return where a column has no value, or text that is no name: blank, or with a NUL."""
    empty = column.is_null()
    if pa.types.is_string(column.type):
        text = column.fill_null("")
        blank = pc.equal(pc.utf8_trim_whitespace(text), "")
        empty = pc.or_(blank, pc.match_substring(text, "\0"))
    return empty.to_numpy()


def _place(row: int, files: Sequence[Path], lengths: Sequence[int]) -> str:
    part = 0
    while row >= lengths[part]:
        row -= lengths[part]
        part += 1
    return f"{files[part]} row {row + 1}"
