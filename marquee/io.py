"""Read and write the files of stages: atomically, and with the same bytes for the same content.

Every writer goes to a neighbour of its target first and is moved into place when whole, so that a
process that dies leaves the old file or none, never half of one. Formats with a time or an
unordered collection inside (gzip, pickle, SVG with its date) are not offered.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

PARTIAL = ".partial"  # suffix of what is being written; ignored by Git and DVC
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last are wide
SIGNED = re.compile(r"[+-][0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NUMBERS = re.compile(r"\[\n\s*-?\d[^\[\]{}\":]*(?=\n\s*\])\s*")  # a list of numbers over several lines
# Controls (but tab and line end), what turns the direction of writing around, and what XML has no place for
UNREADABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
ROW_GROUP = 1_048_576  # rows; one column chunk then fits a cache and a reader can stream


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; it becomes `path` when the block ends well, and is removed otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}{PARTIAL}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; it replaces `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}{PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        old = path.with_name(f"{path.name}.old{PARTIAL}")
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            path.replace(old)
        partial.replace(path)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write LZ4-compressed Parquet; equal tables give equal bytes.

    Whole numbers are stored byte by byte (all lowest bytes, then all second ones), which for users,
    movies and times takes half the time of a dictionary; all other columns have a dictionary.
    """
    with atomic_file(path) as partial:
        _write_parquet(partial, table)


@contextmanager
def writing_parquet(tables: Mapping[Path, pa.Table]) -> Iterator[None]:
    """Write each table as `write_parquet` does, while the block runs; the files appear if it ends well."""
    from concurrent.futures import ThreadPoolExecutor

    with ExitStack() as files, ThreadPoolExecutor() as pool:
        written = [
            pool.submit(_write_parquet, files.enter_context(atomic_file(path)), table)
            for path, table in tables.items()
        ]
        yield
        for each in written:
            each.result()


def _write_parquet(path: Path, table: pa.Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole: list[str] = []
    other: list[str] = []
    for field in table.schema:
        leaf, name = field.type, field.name
        if pa.types.is_nested(leaf):
            leaf, name = leaf.value_type, f"{name}.list.element"
        (whole if pa.types.is_integer(leaf) else other).append(name)
    pq.write_table(
        table,
        path,
        compression="lz4",
        use_dictionary=other,
        use_byte_stream_split=whole,
        row_group_size=ROW_GROUP,
    )


def read_parquet(
    path: Path, columns: Sequence[str] | None = None, among: tuple[str, Sequence[int]] | None = None
) -> pa.Table:
    """Read `columns` (None: all), and with `among`, a column and values, only rows with one of the values."""
    import pyarrow.parquet as pq

    wanted = None if columns is None else list(columns)
    if among is None:  # without pyarrow.dataset, which brings pandas: a fifth of a second in every stage
        return pq.ParquetFile(path).read(wanted)
    return pq.read_table(path, columns=wanted, filters=[(among[0], "in", list(among[1]))])


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write sorted keys, two spaces of indent, a list of numbers on one line. NaN raises ValueError."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path, NUMBERS.sub(lambda found: " ".join(found[0].split()).replace("[ ", "["), text) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with `\\n` line ends on every system."""
    with atomic_file(path) as partial:
        partial.write_bytes(text.encode("utf-8"))


def readable(text: str) -> str:
    """Return `text` without characters that a reader cannot see and a page or a terminal would obey."""
    return UNREADABLE.sub("", text)


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write commas between values, and a float with the fewest digits that read back equal.

    Text that a spreadsheet would run as a formula gets an apostrophe in front: see `harmless`.
    """
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([harmless(name) for name in header])
        writer.writerows([harmless(cell) for cell in row] for row in rows)


def harmless(cell: object) -> object:
    """Return text that begins as a formula does (`= + - @`, a tab or a line end) behind an apostrophe.

    A spreadsheet then shows it and does not run it, as OWASP advises against CSV injection; a program takes
    one apostrophe off. A number stays a number, also as text.
    """
    if isinstance(cell, str) and cell.startswith(FORMULA) and not SIGNED.fullmatch(cell):
        return f"'{cell}"
    return cell


def read_curve(path: Path) -> list[dict[str, float]]:
    """Read the rows of a CSV of numbers, without empty cells."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(text) for name, text in row.items() if text} for row in csv.DictReader(file)]


def sha256(path: Path) -> str:
    """Return the hash of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(files: Iterable[Path], settings: object = None) -> str:
    """Return the SHA-256, in hexadecimal, of the names and contents of `files` and of `settings` as JSON.

    A folder means all files in it but `__pycache__`; a missing file counts by its name.
    """
    found = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_dir() or "__pycache__" in file.parts:
                continue
            found.update(file.as_posix().encode())
            if file.is_file():
                found.update(bytes.fromhex(sha256(file)))
    return found.hexdigest()


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], note: str = "") -> None:
    """Write named arrays as safetensors, with `note` (any text, often JSON) as its one metadata entry."""
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    with atomic_file(path) as partial:
        partial.touch()
        mode = partial.stat().st_mode  # what everyone may do with a new file; save_file lets its owner alone
        save_file(whole, partial, metadata={"note": note} if note else None)
        partial.chmod(mode)


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Read the arrays and the note that `write_arrays` stored."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, (file.metadata() or {}).get("note", "")


def write_figure(path: Path, figure: Figure) -> None:
    """Write PNG (150 dpi) or SVG by the suffix, without a date or a random id inside."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    settings = {"svg.hashsalt": path.stem}
    with style.context(settings, after_reset=True), atomic_file(path) as partial:  # not the user's own
        if path.suffix == ".svg":
            FigureCanvasSVG(figure).print_svg(partial, metadata={"Date": None})
        else:
            figure.set_dpi(150)
            FigureCanvasAgg(figure).print_png(partial, metadata={"Software": None})


def to_arrays(table: pa.Table) -> dict[str, np.ndarray]:
    """Return a table of numbers as arrays, a null as NaN."""
    return {name: as_array(table[name]) for name in table.column_names}


def as_array(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return the numbers of a column, a null as NaN, without a copy where they lie in one piece.

    Arrow's own `to_numpy` imports pandas on its first call, and so does `pa.array` of an array: a fifth of a
    second, which every stage would pay.
    """
    import pyarrow as pa

    if column.null_count or pa.types.is_boolean(column.type):
        return column.to_numpy(zero_copy_only=False)
    return np.from_dlpack(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)


def as_column(values: np.ndarray) -> pa.Array:
    """Return numbers [n] as a column, without a copy where they lie in one piece and without pandas."""
    import pyarrow as pa

    if values.dtype == bool:  # bits there, bytes here
        return pa.array(values)
    whole = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(whole.dtype), len(whole), [None, pa.py_buffer(whole)])


def as_table(arrays: Mapping[str, np.ndarray]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: as_column(values) for name, values in arrays.items()})
