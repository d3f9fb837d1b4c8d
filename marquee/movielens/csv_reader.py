"""Text files of separated fields as Arrow columns: fast when every row is good, exact about one that is not.

`read` uses Arrow's threaded reader. Only when that finds fault does the slow twin read the file again,
row by row, to say which line it is or to leave the bad rows out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
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
from marquee.movielens.column_types import ColumnType
from marquee.movielens.schema import Scale

BLOCK = 16 << 20  # bytes that one reading thread takes at a time; 1 MiB, the default, halves the speed
BATCH = 1 << 20  # rows that the slow twin holds as Python objects
UNIT = "\x1f"  # the one-character stand-in for `::`, which neither reader knows


@dataclass(frozen=True)
class CsvSpec:
    """A file and how it is cut. `fields` names every column from left to right; None: not wanted."""

    path: Path
    separator: str
    fields: Mapping[str, ColumnType | None]
    header: bool = False
    quoted: bool = False
    latin: bool = False  # may be latin-1; read as UTF-8 where it is valid UTF-8, as re-encoded copies are

    @property
    def wanted(self) -> dict[str, ColumnType]:
        return {name: kind for name, kind in self.fields.items() if kind is not None}

    @property
    def delimiter(self) -> str:
        return self.separator if len(self.separator) == 1 else UNIT


class BadRows:
    """Counts rows to leave out, and refuses when there are more than `allowed` in all files together."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.dropped = {"malformed": 0, "off_scale": 0}

    def drop(self, faults: Mapping[str, tuple[int, str]]) -> None:
        """Of each kind of fault the number of rows, and where the first is and what is wrong there."""
        for kind, (count, _) in faults.items():
            self.dropped[kind] += count
        needed = sum(self.dropped.values())
        if faults and needed > self.allowed:
            found = sum(count for count, _ in faults.values())
            more = f" ({found} such rows in all)" if found > 1 else ""
            raise MarqueeError(
                f"{next(iter(faults.values()))[1]}{more}; mend the file, "
                f"or set ingest.max_bad_rows to {needed} or more to leave such rows out"
            )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns what the system says about `path` into a MarqueeError."""
    try:
        yield
    except FileNotFoundError:
        raise MarqueeError(
            f"{path} is missing; give a complete release in dataset.source, or the name of another"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise MarqueeError(f"{path} cannot be read ({reason}); see to its permissions and its disk") from None


def read(sheet: CsvSpec, bad: BadRows, scale: Scale | None = None) -> pa.Table:
    """The wanted columns of `sheet`, in file order; a column `rating` is held against `scale`.

    Raises MarqueeError with file and line for more bad rows than allowed, text that is not UTF-8 and a
    file without rows.
    """
    with readable(sheet.path), sheet.path.open("rb"):
        try:
            table = _read_fast(sheet)
        except pa.ArrowInvalid:
            table = None
        if table is None or not _is_good(table, sheet, scale):
            table = read_slowly(sheet, bad, scale)
    if not table.num_rows:
        raise MarqueeError(f"{sheet.path} holds no rows; give a complete release in dataset.source")
    return table


def _read_fast(sheet: CsvSpec) -> pa.Table:
    source: object = str(sheet.path)
    if sheet.separator != sheet.delimiter or sheet.latin:
        content = sheet.path.read_bytes()
        if sheet.latin:
            content = _decode(content).encode()
        source = pa.BufferReader(content.replace(sheet.separator.encode(), sheet.delimiter.encode()))
    wanted = sheet.wanted
    return pa.csv.read_csv(
        source,
        pa.csv.ReadOptions(column_names=list(sheet.fields), skip_rows=int(sheet.header), block_size=BLOCK),
        pa.csv.ParseOptions(delimiter=sheet.delimiter, quote_char='"' if sheet.quoted else False),
        pa.csv.ConvertOptions(
            column_types={name: kind.type for name, kind in wanted.items()},
            include_columns=list(wanted),
            null_values=[],  # an empty number is a fault, and a film may be called NA
        ),
    )


def _is_good(table: pa.Table, sheet: CsvSpec, scale: Scale | None) -> bool:
    """Whether what Arrow could convert also makes sense."""
    empty = pa.scalar("")
    if any(kind.filled and pc.index(table[name], empty).as_py() >= 0 for name, kind in sheet.wanted.items()):
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


def rows(sheet: CsvSpec) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of each row that is not blank, header included; a stray byte is a surrogate."""
    if sheet.latin:
        file: io.TextIOBase = io.StringIO(_decode(sheet.path.read_bytes()), newline="")
    else:
        file = sheet.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    with file:
        lines = file if len(sheet.separator) == 1 else (x.replace(sheet.separator, UNIT) for x in file)
        reader = csv.reader(
            lines, delimiter=sheet.delimiter, quoting=csv.QUOTE_MINIMAL if sheet.quoted else csv.QUOTE_NONE
        )
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            raise MarqueeError(f"{sheet.path} line {line}: {error}; mend that line") from None


def read_slowly(sheet: CsvSpec, bad: BadRows, scale: Scale | None = None) -> pa.Table:
    """What `read` returns, by plain Python; a row that cannot be had goes to `bad` with its line number."""
    schema = pa.schema([(name, kind.type) for name, kind in sheet.wanted.items()])
    batches: list[pa.RecordBatch] = []
    good: list[list[Any]] = []
    faults: dict[str, tuple[int, str]] = {}

    def flush() -> None:
        columns = zip(*good, strict=True) if good else ((),) * len(schema)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
        batches.append(pa.record_batch(arrays, schema))
        good.clear()

    convert = _converter(sheet, scale)
    for line, fields in islice(rows(sheet), int(sheet.header), None):
        try:
            good.append(convert(fields))
        except _Fault as fault:
            count, first = faults.get(fault.kind, (0, f"{sheet.path} line {line}: {fault}"))
            faults[fault.kind] = (count + 1, first)
        except UnicodeEncodeError:
            raise _not_utf8(sheet.path, line) from None
        if len(good) == BATCH:
            flush()
    flush()
    bad.drop(faults)
    return pa.Table.from_batches(batches, schema)


class _Fault(Exception):
    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind


def _converter(sheet: CsvSpec, scale: Scale | None) -> Callable[[list[str]], list[Any]]:
    """A function from a row's fields to the wanted values, which raises _Fault or UnicodeEncodeError."""
    width = len(sheet.fields)
    wanted = [(n, name, kind.convert) for n, (name, kind) in enumerate(sheet.fields.items()) if kind]
    rating = list(sheet.wanted).index("rating") if scale and "rating" in sheet.wanted else None

    def convert(fields: list[str]) -> list[Any]:
        if len(fields) != width:
            raise _Fault("malformed", f"{len(fields)} fields instead of {width}")
        values = []
        for n, name, conversion in wanted:
            try:
                values.append(conversion(fields[n]))
            except UnicodeEncodeError:
                raise
            except ValueError as error:
                raise _Fault("malformed", f"{name}: {error}") from None
        if rating is not None and scale is not None and not scale.allows(values[rating]):
            raise _Fault("off_scale", f"rating {values[rating]:g} is not on the scale {scale}")
        return values

    return convert


def require_utf8(text: str, path: Path, line: int) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _not_utf8(path, line) from None


def _not_utf8(path: Path, line: int) -> MarqueeError:
    return MarqueeError(f"{path} line {line}: not UTF-8 text; save the file as UTF-8")
