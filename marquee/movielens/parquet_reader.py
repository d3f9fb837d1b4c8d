"""Read a table from Parquet: a file, or a folder of parts as Spark writes it."""

from __future__ import annotations

from collections.abc import Mapping
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
from marquee.movielens.ids import IDS, of_one_type, settle, with_narrow_ids
from marquee.movielens.schema import Scale
from marquee.movielens.text_rows import readable
from marquee.terminal import excerpt

NEEDED = (*IDS, "rating", "timestamp")
FAULTS = ("malformed", "malformed", "off_scale")  # of rows: no value, a wrong time, a wrong rating
UNPACKED = 4  # bytes of columns for a byte of a file, at most as a rule
Part = tuple[pa.Table, dict[int, tuple[int, str]], int]  # good rows, bad ones by fault, how many both are


def read_parquet(
    path: Path, wanted: Mapping[str, str], bad: BadRows, scale: Scale | None, ids: ColumnType | None
) -> pa.Table:
    """Return the columns `wanted` (ours -> the file's); `ids`: the type of ids, None: by their values.

    Raises MarqueeError for what is no Parquet, a column that is missing or of another kind, more bad rows
    than allowed, and a table without rows.
    """
    files = _parts(path)
    blocks = [(file,) for file in files]
    shared = {"wanted": wanted, "scale": scale, "ids": ids}
    if ids is None:
        parts = map_blocks(_read_part, blocks, shared, result_bytes=UNPACKED * max(map(_size, files)))
    else:
        parts = [_read_part(file, wanted, scale, ids) for file in files]
    found: dict[int, tuple[int, str]] = {}  # by place in FAULTS
    for _, faults, _ in parts:
        for nth, (count, first) in faults.items():
            before, said = found.get(nth, (0, first))
            found[nth] = (before + count, said)
    merged: dict[str, tuple[int, str]] = {}
    for nth in sorted(found):
        before, said = merged.get(FAULTS[nth], (0, found[nth][1]))
        merged[FAULTS[nth]] = (before + found[nth][0], said)
    bad.drop(merged, sum(total for _, _, total in parts))
    tables = [table for table, _, _ in parts if len(table)]
    if not tables:
        raise MarqueeError(f"{path} has no rows: get a complete copy")
    columns = {}
    for name in wanted:
        same = of_one_type(*(table[name] for table in tables))
        column = pa.chunked_array([chunk for one in same for chunk in one.chunks], same[0].type)
        columns[name] = settle(column) if name in IDS and pa.types.is_string(column.type) else column
    return pa.table(columns)


def _size(file: Path) -> int:
    with readable(file):
        return file.stat().st_size


def _parts(path: Path) -> list[Path]:
    """Return the file, or the parts in a folder by name, without Spark's marks and checksums."""
    with readable(path):
        if not path.is_dir():
            return [path]
        found = [file for file in sorted(path.rglob("*.parquet")) if file.name[0] not in "._"]
    if not found:
        raise MarqueeError(f"{path} is a folder without Parquet files: get a complete copy")
    return found


def _read_part(path: Path, wanted: Mapping[str, str], scale: Scale | None, ids: ColumnType | None) -> Part:
    with readable(path), path.open("rb") as file:
        try:
            found = pq.ParquetFile(file)
            require(wanted, found.schema_arrow.names, str(path))
            raw = found.read(columns=list(wanted.values()))
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            reason = excerpt(error)
            raise MarqueeError(f"{path} is not a complete Parquet file ({reason}): write it again") from None
    table = pa.table({ours: _cast(ours, theirs, raw[theirs], path, ids) for ours, theirs in wanted.items()})
    kept, faults = _good_rows(table, path, scale)
    good = table if kept.all() else table.filter(pa.array(kept))
    return good if ids else with_narrow_ids(good), faults, len(table)


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
    table: pa.Table, path: Path, scale: Scale | None
) -> tuple[np.ndarray, dict[int, tuple[int, str]]]:
    """Return which rows stay, bool [n], and of each of FAULTS how many have it and where the first one is."""
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
    told = (
        (malformed, f"one of {', '.join(needed)} has no value that can be used"),
        (wrong_times, "the timestamp is not in the years 1900 to 2299"),
        (off_scale, f"the rating is not on the scale {scale}"),
    )
    faults = {
        nth: (int(rows.sum()), f"{path} row {int(rows.argmax()) + 1}: {what}")
        for nth, (rows, what) in enumerate(told)
        if rows.any()
    }
    return ~(malformed | off_scale | wrong_times), faults


def _no_value(column: pa.ChunkedArray) -> np.ndarray:
    """Return where a column has no value, or text that is no name: blank, or with a NUL."""
    empty = column.is_null()
    if pa.types.is_string(column.type):
        text = column.fill_null("")
        blank = pc.equal(pc.utf8_trim_whitespace(text), "")
        empty = pc.or_(blank, pc.match_substring(text, "\0"))
    return empty.to_numpy()
