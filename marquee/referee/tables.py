"""Read the tables of other libraries: pairs of a user and an item, with a rank, a score or a rating."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marquee.errors import MarqueeError

if TYPE_CHECKING:
    import pyarrow as pa

Table = dict[str, "pa.ChunkedArray"]

NAMES = {  # ours -> how libraries call it, in lower case and without `_` and `:token`
    "user": ("user", "userid", "uid"),
    "item": ("item", "itemid", "iid", "movie", "movieid"),
    "rank": ("rank",),
    "score": ("score", "prediction", "predicted", "est"),
    "rating": ("rating", "label", "rui"),
}
SEPARATORS = ",\t;|"


def read(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Return the columns of a CSV or Parquet file under our names.

    Ids stay whole numbers where all of them are written as such (`7`, not `007`), and are text otherwise;
    all other columns are float64. Raises MarqueeError for a file that is missing, unreadable or empty, a
    column that is missing or stands there twice, and a cell that is empty or no number, with its row.
    """
    wanted = {name for ours in (*required, *optional) for name in NAMES[ours]}
    table = _read_parquet(path, wanted) if path.suffix == ".parquet" else _read_csv(path)
    found: Table = {}
    for ours in (*required, *optional):
        theirs = [name for name in table if _bare(name) in NAMES[ours]]
        if len(theirs) > 1:
            raise MarqueeError(f"{path}: {' and '.join(theirs)} may both be the {ours}: leave one of them")
        if theirs:
            found[ours] = _checked(table[theirs[0]], ours, path)
        elif ours in required:
            raise MarqueeError(
                f"{path} has no {ours} among {', '.join(table)}: name a column {NAMES[ours][0]}"
            )
    if not len(next(iter(found.values()))):
        raise MarqueeError(f"{path} has no rows: nothing can be judged")
    return found


def as_text(table: Table) -> Table:
    """Return the table with both ids as text."""
    import pyarrow as pa

    return table | {name: table[name].cast(pa.string()) for name in ("user", "item")}


def same_ids(*tables: Table) -> Sequence[Table]:
    """Return the tables with ids of one type: as text if those of any table are text."""
    import pyarrow as pa

    kinds = {table[name].type for table in tables for name in ("user", "item")}
    return tables if kinds == {pa.int64()} else [as_text(table) for table in tables]


def _read_csv(path: Path) -> Mapping[str, pa.ChunkedArray]:
    import pyarrow as pa
    from pyarrow import csv

    try:
        with path.open(encoding="utf-8-sig") as file:
            head = file.readline().rstrip("\r\n")
        separator = max(SEPARATORS, key=head.count)
        names = [name.strip().strip('"') for name in head.split(separator)]
        if len(set(names)) < len(names):
            raise MarqueeError(f"{path} line 1 names a column twice: {head}")
        text = {name: pa.string() for name in names}
        return dict(
            zip(
                names,
                csv.read_csv(
                    path,
                    csv.ReadOptions(column_names=names, skip_rows=1),
                    csv.ParseOptions(delimiter=separator),
                    csv.ConvertOptions(column_types=text),
                ).columns,
                strict=True,
            )
        )
    except UnicodeDecodeError:
        raise MarqueeError(f"{path} is not UTF-8: save it as CSV in UTF-8") from None
    except OSError as error:
        raise MarqueeError(
            f"{path} cannot be read ({error.strerror or error}): name a CSV or Parquet file"
        ) from None
    except pa.ArrowInvalid as error:
        raise MarqueeError(
            f"{path} is no table ({str(error).splitlines()[0]}): write it as CSV again"
        ) from None


def _read_parquet(path: Path, wanted: Set[str]) -> Mapping[str, pa.ChunkedArray]:
    """Return the columns that may be `wanted`; all of them where none is, for the message."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names if path.is_file() else []
        table = pq.read_table(path, columns=[name for name in names if _bare(name) in wanted] or None)
    except (OSError, pa.ArrowInvalid) as error:
        raise MarqueeError(
            f"{path} is no Parquet file ({str(error).splitlines()[0]}): write it again"
        ) from None
    return dict(zip(table.column_names, table.columns, strict=True))


def _bare(name: str) -> str:
    """Return `userid` for `user_id:token`."""
    return re.sub(r"[^a-z]", "", name.partition(":")[0].lower())


def _checked(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    return _ids(column, name, path) if name in ("user", "item") else _numbers(column, name, path)


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

    try:
        numbers = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        fault = str(error).splitlines()[0]
        raise MarqueeError(f"{path}: the {name} is no number ({fault}): write numbers") from None
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
