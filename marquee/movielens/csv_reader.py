"""Read text files of separated fields as Arrow columns, and name the line of a bad row.

`read` uses Arrow's threaded reader. Only where that finds a fault does `read_slowly` read the file again, row
by row. It uses Python's csv module: pandas parses and drops bad rows, but does not say on which line a row
begins, and blank lines and quoted line ends shift it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from marquee.errors import MarqueeError
from marquee.movielens.column_types import NAME, ColumnType
from marquee.movielens.schema import Scale

BLOCK = 16 << 20  # bytes per block of a reading thread; 1 MiB, the default, halves the speed
BATCH = 1 << 20  # rows that the slow reader holds as Python objects
UNIT = "\x1f"  # one character in place of `::`, which neither reader knows


@dataclass(frozen=True)
class CsvSpec:
    """A file and its format. `fields` names every column from left to right; None: not wanted."""

    path: Path
    separator: str
    fields: Mapping[str, ColumnType | None]
    header: bool = False
    quoted: bool = False
    latin: bool = False  # latin-1, unless it is valid UTF-8, as re-encoded copies are

    @property
    def wanted(self) -> dict[str, ColumnType]:
        return {name: column for name, column in self.fields.items() if column is not None}

    @property
    def delimiter(self) -> str:
        return self.separator if len(self.separator) == 1 else UNIT


class BadRows:
    """Count rows to drop, and refuse more than `allowed` in all files together."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.dropped = {"malformed": 0, "off_scale": 0}

    def drop(self, faults: Mapping[str, tuple[int, str]]) -> None:
        """Take fault -> number of rows, and where the first one is and what is wrong there."""
        for fault, (count, _) in faults.items():
            self.dropped[fault] += count
        needed = sum(self.dropped.values())
        if faults and needed > self.allowed:
            found = sum(count for count, _ in faults.values())
            more = f" (and {found - 1} more bad rows)" if found > 1 else ""
            raise MarqueeError(
                f"{next(iter(faults.values()))[1]}{more}: correct the file, "
                f"or set ingest.max_bad_rows to {needed} or more to drop such rows"
            )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what the system says about `path` into a MarqueeError."""
    try:
        yield
    except FileNotFoundError:
        raise MarqueeError(
            f"{path} is missing: set dataset.path to a complete copy, or dataset.name to another release"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise MarqueeError(f"{path} cannot be read ({reason}): check its permissions and the disk") from None


def read(spec: CsvSpec, bad: BadRows, scale: Scale | None = None) -> pa.Table:
    """Return the wanted columns in file order; values of a column `rating` must be on `scale`.

    Raises MarqueeError with file and line for more bad rows than allowed, text that is not UTF-8 and a
    file without rows.
    """
    with readable(spec.path), spec.path.open("rb"):
        try:
            table = _read_fast(spec)
        except pa.ArrowInvalid:
            table = None
        if table is None or not _is_good(table, spec, scale):
            table = read_slowly(spec, bad, scale)
    if not table.num_rows:
        raise MarqueeError(f"{spec.path} has no rows: set dataset.path to a complete copy")
    return table


def _read_fast(spec: CsvSpec) -> pa.Table:
    source: object = str(spec.path)
    if spec.separator != spec.delimiter or spec.latin:
        content = spec.path.read_bytes()
        if spec.latin:
            content = _decode(content).encode()
        source = pa.BufferReader(content.replace(spec.separator.encode(), spec.delimiter.encode()))
    return pa.csv.read_csv(
        source,
        pa.csv.ReadOptions(column_names=list(spec.fields), skip_rows=int(spec.header), block_size=BLOCK),
        pa.csv.ParseOptions(delimiter=spec.delimiter, quote_char='"' if spec.quoted else False),
        pa.csv.ConvertOptions(
            column_types={name: column.type for name, column in spec.wanted.items()},
            include_columns=list(spec.wanted),
            null_values=[],  # an empty number is a fault, and a film may be called NA
        ),
    )


def _is_good(table: pa.Table, spec: CsvSpec, scale: Scale | None) -> bool:
    """Check what Arrow could convert: no empty text where text is needed, every rating on the scale."""
    needed = [name for name, column in spec.wanted.items() if column is NAME]
    if any(pc.index(table[name], pa.scalar("")).as_py() >= 0 for name in needed):
        return False
    if "rating" not in table.column_names:
        return True
    values = pc.unique(table["rating"]).to_numpy()
    return bool(np.isfinite(values).all() and (scale is None or scale.allows(values).all()))


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def rows(spec: CsvSpec) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each row that is not blank, header included.

    A byte that is not UTF-8 becomes a surrogate.
    """
    if spec.latin:
        file: io.TextIOBase = io.StringIO(_decode(spec.path.read_bytes()), newline="")
    else:
        file = spec.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    with file:
        lines = file if len(spec.separator) == 1 else (x.replace(spec.separator, UNIT) for x in file)
        reader = csv.reader(
            lines, delimiter=spec.delimiter, quoting=csv.QUOTE_MINIMAL if spec.quoted else csv.QUOTE_NONE
        )
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            raise MarqueeError(f"{spec.path} line {line}: {error}: correct that line") from None


class _Fault(ValueError):
    """`args` are the key in `BadRows.dropped` and what is wrong."""


def read_slowly(spec: CsvSpec, bad: BadRows, scale: Scale | None = None) -> pa.Table:
    """Return what `read` returns, by plain Python; rows that do not convert go to `bad`."""
    schema = pa.schema([(name, column.type) for name, column in spec.wanted.items()])
    batches: list[pa.RecordBatch] = []
    faults: dict[str, tuple[int, str]] = {}
    found = islice(rows(spec), int(spec.header), None)
    while batch := list(islice(found, BATCH)):
        good = []
        for line, fields in batch:
            try:
                good.append(_convert(fields, spec, scale))
            except _Fault as fault:
                name, what = fault.args
                count, first = faults.get(name, (0, f"{spec.path} line {line}: {what}"))
                faults[name] = (count + 1, first)
            except UnicodeEncodeError:
                raise not_utf8(spec.path, line) from None
        batches.append(pa.RecordBatch.from_pylist(good, schema))
    bad.drop(faults)
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


def not_utf8(path: Path, line: int) -> MarqueeError:
    return MarqueeError(f"{path} line {line}: not UTF-8 text: save the file as UTF-8")
