"""Read and write Parquet with the same bytes for the same table, and a seal on them.

Where `MARQUEE_STORE` is set, a table with a row for each rating is a manifest of parts there (`store.py`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from marquee import store
from marquee.errors import MarqueeError
from marquee.files import atomic_file, reading, sha256, unsealed
from marquee.outputs import PARTIAL

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROW_GROUP = 1_048_576  # rows; one column chunk then fits a cache and a reader can stream
SEAL = b"seal"  # key of the hash of name, length and footer, in which it is BLANK
BLANK = b"unsealed".ljust(64, b"-")
PART = "part"  # name in the seal of all parts of a store


def write_parquet(path: Path, table: pa.Table, in_store: bool = False) -> None:
    """Write LZ4-compressed Parquet; equal tables give equal bytes.

    in_store  where a store is set, write its row groups there, each as a file, and a manifest to `path`

    Whole numbers are stored byte by byte (all lowest bytes, then all second ones), which for users,
    movies and times takes half the time of a dictionary; all other columns have a dictionary.
    """
    with atomic_file(path) as partial:
        _write(partial, table, in_store)


@contextmanager
def writing_parquet(tables: Mapping[Path, pa.Table], in_store: bool = False) -> Iterator[None]:
    """Write each table as `write_parquet` does, while the block runs; the files appear if it ends well."""
    from concurrent.futures import ThreadPoolExecutor

    with ExitStack() as files, ThreadPoolExecutor() as pool:
        written = [
            pool.submit(_write, files.enter_context(atomic_file(path)), table, in_store)
            for path, table in tables.items()
        ]
        yield
        for each in written:
            each.result()


def _write(partial: Path, table: pa.Table, in_store: bool) -> None:
    name, folder = partial.name.removesuffix(PARTIAL), store.location() if in_store else None
    if folder is None:
        _encode(partial, table)
        with partial.open("r+b") as file:
            _seal(file, name)
    else:
        groups = (table.slice(first, ROW_GROUP) for first in range(0, max(len(table), 1), ROW_GROUP))
        store.write_manifest(partial, name, [_put(folder, group) for group in groups])


def _put(folder: Path, group: pa.Table) -> store.Part:
    content = BytesIO()
    _encode(content, group)
    _seal(content, PART)
    return store.put(folder, len(group), content.getvalue())


def _encode(file: Path | BytesIO, table: pa.Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole: list[str] = []
    other: list[str] = []
    for field in table.schema:
        leaf, name = field.type, field.name
        if pa.types.is_nested(leaf):
            leaf, name = leaf.value_type, f"{name}.list.element"
        (whole if pa.types.is_integer(leaf) else other).append(name)
    about = {**(table.schema.metadata or {}), SEAL: BLANK}
    pq.write_table(
        table.replace_schema_metadata(about),
        file,
        compression="lz4",
        use_dictionary=other,
        use_byte_stream_split=whole,
        row_group_size=ROW_GROUP,
        write_page_checksum=True,
    )


def _seal(file: IO[bytes], name: str) -> None:
    start, footer = _footer(file)
    file.seek(start + footer.rindex(BLANK))
    file.write(_hash(name, start, footer))


def _footer(file: IO[bytes]) -> tuple[int, bytes]:
    """Return where the description of the columns begins, and its bytes, counted by the last eight."""
    end = file.seek(-8, os.SEEK_END)
    start = end - int.from_bytes(file.read(4), "little")
    file.seek(start)
    return start, file.read(end - start)


def _hash(name: str, start: int, footer: bytes) -> bytes:
    return hashlib.sha256(f"{name} {start} ".encode() + footer).hexdigest().encode()


def read_parquet(
    path: Path,
    columns: Sequence[str] | None = None,
    among: tuple[str, Sequence[int]] | None = None,
    name: str = "",
) -> pa.Table:
    """Read `columns` (None: all), and with `among`, a column and values, only rows with one of the values.

    name  the one it was written under, where `path` has another

    Raises MarqueeError for a damaged file, for one without these columns, and for one by another program.
    """
    with reading(path):
        read = _read_parts if store.is_manifest(path) else _read_file
        return read(path, columns, among, name)


def parquet_files(path: Path) -> list[Path]:
    """Return the parts of a table in a store, for another program's reader; `path` itself of any other."""
    with reading(path):
        return [file for file, _ in store.parts_of(path)] if store.is_manifest(path) else [path]


def _read_parts(
    path: Path, columns: Sequence[str] | None, among: tuple[str, Sequence[int]] | None, name: str
) -> pa.Table:
    """Read a table from its parts, side by side, and return each column in one piece."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow as pa

    def read(part: tuple[Path, store.Part]) -> pa.Table:
        return _read_part(path, *part, columns, among)

    with ThreadPoolExecutor() as pool:
        whole = pa.concat_tables(pool.map(read, store.parts_of(path, name)))
    schema, chunked = whole.schema, [*reversed(whole.columns)]
    del whole
    joined = []
    while chunked:  # one after another, so that no more than a column is held twice
        joined.append(chunked.pop().combine_chunks())
    return pa.table(joined, schema=schema)


def _read_part(
    path: Path,
    file: Path,
    part: store.Part,
    columns: Sequence[str] | None = None,
    among: tuple[str, Sequence[int]] | None = None,
) -> pa.Table:
    """Read a part of the table at `path`. Raises MarqueeError where it is missing or changed."""
    try:
        with reading(file):  # a few rows do not take all of a part: its pages have checksums of their own
            if among is None and sha256(file) != part["sha256"]:
                raise ValueError("it was changed after it was written")
            return _read_file(file, columns, among, PART)
    except (FileNotFoundError, MarqueeError) as error:
        raise store.lost(path, file, isinstance(error, FileNotFoundError)) from error


def _read_file(
    path: Path, columns: Sequence[str] | None, among: tuple[str, Sequence[int]] | None, name: str
) -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as found:
        _verify(path, name or path.name, (found.metadata.metadata or {}).get(SEAL))
        for column in columns or ():
            if column not in found.schema_arrow.names:
                raise KeyError(column)
        wanted = None if columns is None else list(columns)
        if among is None:  # without pyarrow.dataset, which brings pandas: a fifth of a second in every stage
            table = found.read(wanted)
            table.validate()  # the head of a page, which says how many values it has, has no checksum
            if len(table) != found.metadata.num_rows:
                raise ValueError("rows are missing")
        else:
            rows = [(among[0], "in", list(among[1]))]
            table = pq.read_table(path, columns=wanted, filters=rows, page_checksum_verification=True)
        about = {key: value for key, value in (table.schema.metadata or {}).items() if key != SEAL}
        return table.replace_schema_metadata(about or None)


class RowGroups(NamedTuple):
    """The rows of a stored table, one group after another, as they are asked for."""

    n_rows: int
    schema: pa.Schema
    tables: Iterator[pa.Table]


@contextmanager
def row_groups(path: Path) -> Iterator[RowGroups]:
    """Open what `read_parquet` reads, with its checks, for a reader that keeps no second copy of the rows."""
    import pyarrow.parquet as pq

    if store.is_manifest(path):
        with reading(path):
            parts = store.parts_of(path)
            first = _read_part(path, *parts[0])
            tables = chain([first], (_read_part(path, *part) for part in parts[1:]))
            yield RowGroups(sum(part["rows"] for _, part in parts), first.schema, tables)
        return
    with reading(path), pq.ParquetFile(path, page_checksum_verification=True) as found:
        _verify(path, path.name, (found.metadata.metadata or {}).get(SEAL))
        yield RowGroups(found.metadata.num_rows, found.schema_arrow, _groups(found))


def _groups(found: pq.ParquetFile) -> Iterator[pa.Table]:
    for group in range(found.num_row_groups):
        table = found.read_row_group(group)
        table.validate()
        if len(table) != found.metadata.row_group(group).num_rows:
            raise ValueError("rows are missing")
        yield table


def _verify(path: Path, name: str, seal: bytes | None) -> None:
    """Compare the footer with its hash; the pages have checksums of their own."""
    if seal is None:
        raise unsealed(path)
    with path.open("rb") as file:
        start, footer = _footer(file)
    if _hash(name, start, footer.replace(seal, BLANK)) != seal:
        raise ValueError("it was changed after it was written")
