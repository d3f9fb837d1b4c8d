"""Read and write the files of stages: atomically, and with the same bytes for the same content.

Every writer goes to a neighbour of its target first and is moved into place when whole, so that a
process that dies leaves the old file or none, never half of one. Formats with a time or an
unordered collection inside (gzip, pickle, SVG with its date) are not offered.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.errors import MarqueeError, reason
from marquee.outputs import PARTIAL, remedy

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

NUMBERS = re.compile(r"\[\n\s*-?\d[^\[\]{}\":]*(?=\n\s*\])\s*")  # a list of numbers over several lines
ROW_GROUP = 1_048_576  # rows; one column chunk then fits a cache and a reader can stream


SEAL = "sha256"  # key of a hash over all the rest of a JSON file or of a safetensors file
SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")  # how safetensors says which one it met


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name `path` in whatever goes wrong inside the block, which reads it and takes it apart.

    A file that is missing or not permitted stays an OSError. Any other fault means that the file is damaged
    or made by other code, and becomes a MarqueeError that says which stage writes it again.
    """
    try:
        yield
    except (MarqueeError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = str(path)
            raise
        if not path.exists():  # safetensors and Arrow say so without its number
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception | str) -> MarqueeError:
    """Return the fault of a file that does not read."""
    words = error if isinstance(error, str) else reason(error)
    return MarqueeError(f"{path} is damaged ({words}): {remedy(path, 'put a whole file there')}")


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; it becomes `path` when the block ends well, and is removed otherwise.

    Its bytes are on the disk before it takes the name, so that a power failure leaves no empty file.
    """
    partial = path.with_name(f"{path.name}{PARTIAL}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise MarqueeError(f"{path} is a folder or a device: name a file, or move it away")
        remove(partial)
        yield partial
        with partial.open("r+b") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if error.filename is None:  # a write names no file
            error.filename = str(path)
        raise
    finally:
        remove(partial)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; it replaces `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, old = (path.with_name(f"{path.name}{suffix}{PARTIAL}") for suffix in ("", ".old"))
    remove(partial)
    partial.mkdir()
    try:
        yield partial
        remove(old)
        if os.path.lexists(path):
            path.replace(old)
        try:
            partial.replace(path)
        except OSError:
            if os.path.lexists(old):
                old.replace(path)
            raise
        remove(old)
    finally:
        remove(partial)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; what is not there or stays is no fault."""
    try:
        path.unlink()
    except OSError:
        shutil.rmtree(path, ignore_errors=True)


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
        write_page_checksum=True,
    )


def read_parquet(
    path: Path, columns: Sequence[str] | None = None, among: tuple[str, Sequence[int]] | None = None
) -> pa.Table:
    """Read `columns` (None: all), and with `among`, a column and values, only rows with one of the values.

    Raises MarqueeError for a damaged file, and for one without these columns.
    """
    import pyarrow.parquet as pq

    with reading(path), pq.ParquetFile(path, page_checksum_verification=True) as found:
        for name in columns or ():
            if name not in found.schema_arrow.names:
                raise KeyError(name)
        wanted = None if columns is None else list(columns)
        if among is None:  # without pyarrow.dataset, which brings pandas: a fifth of a second in every stage
            return found.read(wanted)
        rows = [(among[0], "in", list(among[1]))]
        return pq.read_table(path, columns=wanted, filters=rows, page_checksum_verification=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write sorted keys, two spaces of indent, a list of numbers on one line. NaN raises ValueError."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path, NUMBERS.sub(lambda found: " ".join(found[0].split()).replace("[ ", "["), text) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read an object, without its seal. Raises MarqueeError for a damaged file, other content and NaN."""
    with reading(path):
        found = json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
        if not isinstance(found, dict):
            raise TypeError(f"a {type(found).__name__} where an object is due")
        if SEAL in found and found.pop(SEAL) != _hash_of(found):
            raise ValueError("it was changed after it was written")
        return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a hash of all the rest under `SEAL`."""
    write_json(path, {**content, SEAL: _hash_of(content)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Read what `write_sealed` wrote. Raises MarqueeError if anything in it was changed or removed."""
    with reading(path):
        if SEAL not in json.loads(path.read_text("utf-8")):
            raise KeyError(SEAL)
    return read_json(path)


def _hash_of(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_text(path: Path) -> str:
    """Read UTF-8. Raises MarqueeError for a file in another encoding."""
    with reading(path):
        return path.read_text("utf-8")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with `\\n` line ends on every system."""
    with atomic_file(path) as partial:
        partial.write_bytes(text.encode("utf-8"))


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write commas between values, and a float with the fewest digits that read back equal."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_curve(path: Path) -> list[dict[str, float]]:
    """Read the rows of a CSV of numbers, without empty cells. Raises MarqueeError for a damaged file."""
    with reading(path), path.open(encoding="utf-8", newline="") as file:
        rows = [{name: float(text) for name, text in row.items() if text} for row in csv.DictReader(file)]
        if not all(math.isfinite(value) for row in rows for value in row.values()):
            raise ValueError("a value is not finite")
        return rows


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


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], note: str = "") -> str:
    """Write named arrays as safetensors, with `note` (any text, often JSON), and return the hash of both.

    The file's one metadata entry is JSON with the note and the hash.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    seal = _hash_of_arrays(whole, note)
    with atomic_file(path) as partial:
        partial.touch()
        mode = partial.stat().st_mode  # what everyone may do with a new file; save_file lets its owner alone
        try:
            save_file(whole, partial, metadata={"about": json.dumps({"note": note, SEAL: seal})})
        except SafetensorError as error:
            found = SYSTEM_ERROR.search(str(error))
            if found is None:
                raise
            raise OSError(int(found[1]), os.strerror(int(found[1])), str(path)) from None
        partial.chmod(mode)
    return seal


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Read the arrays and the note that `write_arrays` stored. Raises MarqueeError for a damaged file."""
    arrays, note, _ = read_sealed_arrays(path)
    return arrays, note


def read_sealed_arrays(path: Path) -> tuple[dict[str, np.ndarray], str, str]:
    """Return the arrays, the note, and the hash of both, which is verified."""
    from safetensors import safe_open

    with reading(path):
        if not path.is_file() and path.exists():
            raise ValueError("it is no file")
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = json.loads((file.metadata() or {})["about"])
        if about[SEAL] != _hash_of_arrays(arrays, about["note"]):
            raise ValueError("its contents were changed after it was written")
        return arrays, about["note"], about[SEAL]


def _hash_of_arrays(arrays: Mapping[str, np.ndarray], note: str) -> str:
    """Return the SHA-256, in hexadecimal, of names, types, shapes and values: 0.8 GB a second."""
    found = hashlib.sha256(note.encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


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
