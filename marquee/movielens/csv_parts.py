"""Read a table with named columns from one CSV file, or from a folder of parts, each a task of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from marquee.engine import map_blocks
from marquee.errors import MarqueeError
from marquee.movielens.column_types import NAME_IN_PART, ColumnType
from marquee.movielens.csv_header import read_header
from marquee.movielens.csv_reader import BadRows, Faults, read_rows
from marquee.movielens.ids import IDS, of_one_type, settle, with_narrow_ids
from marquee.movielens.schema import Scale
from marquee.movielens.text_rows import readable

Part = tuple[pa.Table | None, Faults, int]  # the rows, the bad ones, and how many rows were read of both


class _Noted(BadRows):
    """Keep what is bad in one part; whether that is too much is a question of all parts."""

    def __init__(self) -> None:
        super().__init__(0)
        self.faults: Faults = {}
        self.total: int | None = None

    def drop(self, faults: Faults, total: int) -> None:
        self.faults, self.total = faults, total


def read_csv(
    path: Path, wanted: Mapping[str, str], bad: BadRows, scale: Scale | None, ids: ColumnType | None
) -> pa.Table:
    """Return the columns `wanted` (ours -> the file's) of one file; `ids`: as in `read_columns`."""
    table = _read(path, wanted, bad, scale, ids)
    if table is None or not table.num_rows:
        raise MarqueeError(f"{path} has no rows: get a complete copy")
    return table


def read_csv_parts(path: Path, wanted: Mapping[str, str], bad: BadRows, scale: Scale | None) -> pa.Table:
    """Return what `read_csv` would of one file with the rows of all files in a folder, in order of name."""
    with readable(path):
        files = [file for file in sorted(path.rglob("*.csv")) if file.name[0] not in "._"]
    if not files:
        raise MarqueeError(f"{path} is a folder without CSV files: get a complete copy")
    with readable(path):
        largest = max(file.stat().st_size for file in files)  # as text about what it is as columns
    shared = {"wanted": wanted, "scale": scale}
    parts: list[Part] = map_blocks(_read_part, [(file,) for file in files], shared, result_bytes=largest)
    faults: dict[str, tuple[int, str]] = {}
    for _, found, _ in parts:
        for fault, (n, first) in found.items():
            count, before = faults.get(fault, (0, first))
            faults[fault] = (count + n, before)
    bad.drop(faults, sum(total for _, _, total in parts))
    tables = [table for table, _, _ in parts if table is not None and table.num_rows]
    if not tables:
        raise MarqueeError(f"{path} has no rows: get a complete copy")
    columns = {}
    for name in wanted:
        same = of_one_type(*(table[name] for table in tables))
        column = pa.chunked_array([chunk for one in same for chunk in one.chunks], same[0].type)
        if name in IDS and pa.types.is_string(column.type):
            column = settle(column)
        columns[name] = column
    return pa.table(columns)


def _read_part(path: Path, wanted: Mapping[str, str], scale: Scale | None) -> Part:
    bad = _Noted()
    table = _read(path, wanted, bad, scale, NAME_IN_PART)
    if table is None:
        return None, bad.faults, bad.total or 0
    return with_narrow_ids(table), bad.faults, table.num_rows if bad.total is None else bad.total


def _read(
    path: Path, wanted: Mapping[str, str], bad: BadRows, scale: Scale | None, ids: ColumnType | None
) -> pa.Table | None:
    """Return the columns of a file, times as Unix seconds; None where it is empty."""
    with readable(path):
        header = read_header(path, set(wanted.values()).__contains__)
    if header is None:
        return None
    table = read_rows(header.spec(wanted, ids), bad, scale)
    if "timestamp" in table.column_names:
        times = table["timestamp"]
        times = pc.floor(times) if pa.types.is_floating(times.type) else times
        table = table.set_column(table.column_names.index("timestamp"), "timestamp", times.cast(pa.int64()))
    return table
