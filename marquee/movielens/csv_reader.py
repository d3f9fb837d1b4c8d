"""Read text files of separated fields as Arrow columns, and name the line of a bad row.

`read` uses Arrow's threaded reader. Only where that finds a fault, or where it may have cut a quoted field at
the wrong place, does `read_slowly` read the file again, row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from marquee.errors import MarqueeError
from marquee.movielens.column_types import COMMA_NUMBER, LARGEST_RATING, NAME, NAME_IN_PART, NUMBER, times_fit
from marquee.movielens.ids import settle, settle_part
from marquee.movielens.schema import Scale
from marquee.movielens.text_rows import CsvSpec, count, decoded, not_utf8, readable, rows

BLOCK = 16 << 20  # bytes per block of a reading thread; 1 MiB, the default, halves the speed
BATCH = 1 << 20  # rows that the slow reader holds as Python objects


Faults = Mapping[str, tuple[int, str]]  # what is wrong -> how many rows are so, and where the first one is


class BadRows:
    """Count rows to drop, and refuse more than `allowed` in all files together; None: no key allows any."""

    def __init__(self, allowed: int | None) -> None:
        self.allowed = allowed
        self.dropped = {"malformed": 0, "off_scale": 0}

    def drop(self, faults: Faults, total: int) -> None:
        """Take fault -> number of rows of `total`, and where the first one is and what is wrong there."""
        for fault, (n, _) in faults.items():
            self.dropped[fault] += n
        needed = sum(self.dropped.values())
        if faults and needed > (self.allowed or 0):
            found = sum(n for n, _ in faults.values())
            more = f" (and {found - 1:,} more bad rows of {total:,})" if found > 1 else ""
            advice = f", or set ingest.max_bad_rows to {needed} or more to drop such rows"
            if self.allowed is None:
                advice = ""
            elif 2 * found > total > 1:
                advice = ", or check ingest.columns and ingest.scale, for most rows are so"
            raise MarqueeError(f"{next(iter(faults.values()))[1]}{more}: correct the file{advice}")


def read(spec: CsvSpec, bad: BadRows, scale: Scale | None = None) -> pa.Table:
    """Return the wanted columns in file order; values of a column `rating` must be on `scale`.

    Ids, columns of type NAME, are whole numbers or text by all of their values, see `ids.settle`.
    Raises MarqueeError with file and line for more bad rows than allowed, text that is not UTF-8 and a
    file without rows.
    """
    table = read_rows(spec, bad, scale)
    if not table.num_rows:
        raise MarqueeError(f"{spec.path} has no rows: get a complete copy")
    return table


def read_rows(spec: CsvSpec, bad: BadRows, scale: Scale | None = None) -> pa.Table:
    """Return what `read` returns, of a file without rows none."""
    with readable(spec.path), spec.path.open("rb"):
        tables = (_try_fast(one, scale) for one in _with_either_point(spec))
        table = next((table for table in tables if table is not None), None)
        if table is None:
            table = _settled(read_slowly(spec, bad, scale), spec)
    if table is None:
        raise MarqueeError(f"{spec.path} contains an id of blanks alone: correct the file")
    return table


def _with_either_point(spec: CsvSpec) -> list[CsvSpec]:
    """Return `spec`, and where fields are separated by semicolons the same with the other decimal point."""
    if spec.separator != ";":
        return [spec]
    other = {NUMBER: COMMA_NUMBER, COMMA_NUMBER: NUMBER}
    fields = {name: column and other.get(column, column) for name, column in spec.fields.items()}
    return [spec, replace(spec, fields=fields)]


def _try_fast(spec: CsvSpec, scale: Scale | None) -> pa.Table | None:
    """Return the table if Arrow's reader finds no fault."""
    try:
        table = _settled(_read_fast(spec), spec)
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    return table if table is not None and _is_good(table, scale) and _is_whole(table, spec) else None


def _read_fast(spec: CsvSpec) -> pa.Table:
    source: object = str(spec.path)
    if spec.separator != spec.delimiter or spec.encoding != "utf-8":
        content = spec.path.read_bytes()
        if spec.encoding != "utf-8":
            content = decoded(spec, content).encode()
        source = pa.BufferReader(content.replace(spec.separator.encode(), spec.delimiter.encode()))
    quoted = _may_be_quoted(spec)
    return pa.csv.read_csv(
        source,
        pa.csv.ReadOptions(column_names=list(spec.fields), skip_rows=int(spec.header), block_size=BLOCK),
        pa.csv.ParseOptions(
            delimiter=spec.delimiter,
            quote_char='"' if quoted else False,
            newlines_in_values=quoted and _has_text(spec),  # without it blocks may end inside a field
        ),
        pa.csv.ConvertOptions(
            column_types={name: column.type for name, column in spec.wanted.items()},
            include_columns=list(spec.wanted),
            null_values=[],  # an empty number is a fault, and a film may be called NA
            decimal_point="," if COMMA_NUMBER in spec.wanted.values() else ".",
        ),
    )


def _has_text(spec: CsvSpec) -> bool:
    """Return whether a field may contain a line end: not where every column is a number."""
    return any(column is None or pa.types.is_string(column.type) for column in spec.fields.values())


def _may_be_quoted(spec: CsvSpec) -> bool:
    """Return whether to look for quotes. To search the file costs a tenth of what not to parse them saves."""
    return spec.quoted and (not _has_text(spec) or spec.encoding != "utf-8" or count(spec.path, b'"') > 0)


def _settled(table: pa.Table, spec: CsvSpec) -> pa.Table | None:
    """Return the table with its ids as numbers or text; None where an id is empty."""
    ways = {id(NAME): settle, id(NAME_IN_PART): settle_part}
    for name in [name for name, column in spec.wanted.items() if id(column) in ways]:
        ids = ways[id(spec.wanted[name])](table[name])
        if ids is None:
            return None
        table = table.set_column(table.column_names.index(name), name, ids)
    return table


def _is_good(table: pa.Table, scale: Scale | None) -> bool:
    """Check what Arrow could convert: every time in 1900 to 2299, every rating a number on the scale."""
    if "timestamp" in table.column_names and not times_fit(table["timestamp"]):
        return False
    if "rating" not in table.column_names:
        return True
    values = pc.unique(table["rating"]).to_numpy()
    return bool((abs(values) <= LARGEST_RATING).all() and (scale is None or scale.allows(values).all()))


def _is_whole(table: pa.Table, spec: CsvSpec) -> bool:
    """Check that quoted line ends hid no rows: as many rows as lines, or as the csv module counts."""
    if not (_has_text(spec) and _may_be_quoted(spec)):
        return True
    first, *second = (line for line, _ in islice(rows(spec), 2))
    if spec.header and second != [first + 1]:  # the header has a line end, which Arrow took for its last
        return False
    expected = len(table) + spec.header
    if spec.encoding == "utf-8" and expected == count(spec.path, b"\n") + (not _ends_a_line(spec)):
        return True
    return expected == sum(1 for _ in rows(spec))


def _ends_a_line(spec: CsvSpec) -> bool:
    with spec.path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"


class _Fault(ValueError):
    """`args` are the key in `BadRows.dropped` and what is wrong."""


def read_slowly(spec: CsvSpec, bad: BadRows, scale: Scale | None = None) -> pa.Table:
    """Return what `read` returns, by plain Python; rows that do not convert go to `bad`."""
    schema = pa.schema([(name, column.type) for name, column in spec.wanted.items()])
    batches: list[pa.RecordBatch] = []
    faults: dict[str, tuple[int, str]] = {}
    found, total = islice(rows(spec), int(spec.header), None), 0
    while batch := list(islice(found, BATCH)):
        good = []
        total += len(batch)
        for line, fields in batch:
            try:
                good.append(_convert(fields, spec, scale))
            except _Fault as fault:
                name, what = fault.args
                n, first = faults.get(name, (0, f"{spec.path} line {line}: {what}"))
                faults[name] = (n + 1, first)
            except UnicodeEncodeError:
                raise not_utf8(spec.path, line, "".join(fields)) from None
        batches.append(pa.RecordBatch.from_pylist(good, schema))
    bad.drop(faults, total)
    return pa.Table.from_batches(batches, schema)


def _convert(fields: list[str], spec: CsvSpec, scale: Scale | None) -> dict[str, Any]:
    """Return the wanted values of a row. Raises _Fault or UnicodeEncodeError where one does not convert."""
    if len(fields) != len(spec.fields):
        raise _Fault("malformed", f"{len(fields)} fields instead of {len(spec.fields)}")
    values = {}
    for text, (name, column) in zip(fields, spec.fields.items(), strict=True):
        if column is not None:
            try:
                values[name] = column.convert(text)
            except UnicodeEncodeError:
                raise
            except ValueError as error:
                raise _Fault("malformed", f"{name}: {error}") from None
    if scale and "rating" in values and not scale.allows(values["rating"]):
        raise _Fault("off_scale", f"rating {values['rating']:g} is not on the scale {scale}")
    return values
