"""Read the tables of other libraries: pairs of a user and an item, with a rank, a score or a rating."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marquee.errors import MarqueeError, reason
from marquee.io import parquet_files, reading
from marquee.movielens.csv_header import listed
from marquee.movielens.ids import of_one_type
from marquee.movielens.schema import encode_ids

if TYPE_CHECKING:
    import pyarrow as pa

Table = dict[str, "pa.ChunkedArray"]
Columns = Mapping[str, "pa.ChunkedArray | None"]

NAMES = {  # ours -> how libraries call it, in lower case and without `_` and `:token`
    "user": ("user", "userid", "uid"),
    "item": ("item", "itemid", "iid", "movie", "movieid"),
    "rank": ("rank",),
    "score": ("score", "prediction", "predicted", "est"),
    "rating": ("rating", "label", "rui"),
}
NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"


def read(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Return the columns of a CSV or Parquet file under our names.

    Ids stay whole numbers where all of them are written as such (`7`, not `007`), and are text otherwise;
    all other columns are float64. Raises MarqueeError for a file that is missing, unreadable or empty, a
    column that is missing or stands there twice, and a cell that is empty or no number, with its row.
    """
    wanted = {name for ours in (*required, *optional) for name in NAMES[ours]}
    read_columns = _read_parquet if path.suffix == ".parquet" else _read_csv
    table = read_columns(path, lambda name: _bare(name) in wanted)
    found: Table = {}
    for ours in (*required, *optional):
        theirs = [name for name in table if _bare(name) in NAMES[ours]]
        if len(theirs) > 1:
            raise MarqueeError(f"{path}: {' and '.join(theirs)} may both be the {ours}: leave one of them")
        if theirs:
            found[ours] = _checked(table[theirs[0]], ours, path)
        elif ours in required:
            raise MarqueeError(
                f"{path} has no {ours} among {listed(list(table))}: name a column {NAMES[ours][0]}"
            )
    if not len(next(iter(found.values()))):
        raise MarqueeError(f"{path} has no rows: nothing can be judged")
    return found


def encode(*tables: Table) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[pa.Array]]:
    """Return users and items of each table, as numbers from 0 in the order of the ids, and the ids of both.

    Ids are compared as text where those of any table are text.
    """
    import pyarrow as pa

    codes, ids = [], []
    for name in ("user", "item"):
        columns = of_one_type(*(table[name] for table in tables))
        numbers, own = encode_ids(pa.chunked_array([chunk for column in columns for chunk in column.chunks]))
        codes.append(np.split(numbers, np.cumsum([len(column) for column in columns])[:-1]))
        ids.append(own)
    return list(zip(*codes, strict=True)), ids


def _read_csv(path: Path, is_wanted: Callable[[str], bool]) -> Columns:
    """Return the wanted columns as text; None for the others, and for all where none is wanted."""
    from marquee.movielens import csv_reader
    from marquee.movielens.column_types import TEXT
    from marquee.movielens.csv_header import read_header
    from marquee.movielens.text_rows import CsvSpec, readable

    with readable(path):
        header = read_header(path, is_wanted)
    names = header.names if header else []
    if len(set(names)) < len(names):
        raise MarqueeError(f"{path} line 1 names a column twice: {listed(names)}")
    fields = {str(n): TEXT if is_wanted(name) else None for n, name in enumerate(names)}
    if header is None or not any(fields.values()):
        return dict.fromkeys(names)
    spec = CsvSpec(path, header.separator, fields, header=True, quoted=True, encoding=header.encoding)
    table = csv_reader.read(spec, csv_reader.BadRows(None))
    return {name: table[str(n)] if fields[str(n)] else None for n, name in enumerate(names)}


def _read_parquet(path: Path, is_wanted: Callable[[str], bool]) -> Columns:
    """Return the same of a Parquet file."""
    import pyarrow.parquet as pq

    with reading(path):
        found = pq.ParquetDataset(parquet_files(path))
        names = found.schema.names
        table = found.read(columns=list(filter(is_wanted, names)))
    return dict.fromkeys(names) | dict(zip(table.column_names, table.columns, strict=True))


def _bare(name: str) -> str:
    """Return `userid` for `user_id:token`."""
    return re.sub(r"[^a-z]", "", name.partition(":")[0].lower())


def _checked(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    import pyarrow as pa

    try:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return (_ids if name in ("user", "item") else _numbers)(column, name, path)
    except pa.ArrowException as error:
        raise MarqueeError(
            f"{path}: the {name} has type {column.type} and does not convert ({reason(error)}): write "
            "whole numbers or text as ids, and numbers otherwise"
        ) from None


def _ids(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(column.type):
        _require(pc.is_valid(column), column, name, path, "is empty")
        return column.cast(pa.int64())
    if pa.types.is_floating(column.type):  # as pandas writes a column with gaps
        whole = pc.fill_null(pc.equal(pc.floor(column), column), False)
        _require(whole, column, name, path, "is no whole number")
        return column.cast(pa.int64())
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    _require(pc.fill_null(pc.not_equal(text, ""), False), column, name, path, "is empty")
    try:
        numbers = text.cast(pa.int64())
    except pa.ArrowInvalid:
        return text
    same = pc.all(pc.equal(numbers.cast(pa.string()), text)).as_py()
    return numbers if same else text


def _numbers(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        fine = pc.fill_null(pc.match_substring_regex(column, NUMBER), False)
        _require(fine, column, name, path, "is no number")
        column = pc.utf8_trim_whitespace(column)
    numbers = column.cast(pa.float64())
    _require(pc.fill_null(pc.is_finite(numbers), False), column, name, path, "is no finite number")
    return numbers


def _require(fine: pa.ChunkedArray, column: pa.ChunkedArray, name: str, path: Path, fault: str) -> None:
    wrong = np.flatnonzero(~np.asarray(fine))
    if len(wrong):
        row, value = int(wrong[0]), column[int(wrong[0])].as_py()
        raise MarqueeError(
            f"{path}: the {name} of {len(wrong):,} rows {fault}, first {value!r} in row {row + 1}: "
            "correct these rows or leave them out"
        )
