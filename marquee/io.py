"""Read and write the files of stages: atomically, and with the same bytes for the same content.

Every writer goes to a neighbour of its target first and is moved into place when whole, so that a
process that dies leaves the old file or none, never half of one. Formats with a time or an
unordered collection inside (gzip, pickle, SVG with its date) are not offered.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import mmap
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.files import atomic_file as atomic_file
from marquee.files import atomic_folder as atomic_folder
from marquee.files import damaged as damaged
from marquee.files import hash_of, unsealed
from marquee.files import reading as reading
from marquee.files import remove as remove
from marquee.files import sha256 as sha256
from marquee.parquet import parquet_files as parquet_files
from marquee.parquet import read_parquet as read_parquet
from marquee.parquet import row_groups as row_groups
from marquee.parquet import write_parquet as write_parquet
from marquee.parquet import writing_parquet as writing_parquet

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last are wide
SIGNED = re.compile(r"[+-][0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NUMBERS = re.compile(r"\[\n\s*-?\d[^\[\]{}\":]*(?=\n\s*\])\s*")  # a list of numbers over several lines


STORED = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1", "BOOL": "?"}  # dtypes
SEAL = "sha256"  # key of a hash over all the rest of a JSON file or of a safetensors file
SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")  # how safetensors says which one it met


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write sorted keys, two spaces of indent, a list of numbers on one line. NaN raises ValueError."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path, NUMBERS.sub(lambda found: " ".join(found[0].split()).replace("[ ", "["), text) + "\n")


def read_json(path: Path, name: str = "") -> dict[str, Any]:
    """Read an object, without its seal. Raises MarqueeError for a damaged file, other content and NaN.

    name  the one it was written under, where `path` has another
    """
    with reading(path):
        found = json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
        if not isinstance(found, dict):
            raise TypeError(f"a {type(found).__name__} where an object is due")
        if SEAL in found and found.pop(SEAL) != hash_of(name or path.name, found):
            raise ValueError("it was changed after it was written")
        return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a hash of all the rest and of the file's name under `SEAL`."""
    write_json(path, {**content, SEAL: hash_of(path.name, content)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Read what `write_sealed` wrote. Raises MarqueeError if anything in it was changed or removed."""
    with reading(path):
        if SEAL not in json.loads(path.read_text("utf-8")):
            raise unsealed(path)
    return read_json(path)


def read_text(path: Path) -> str:
    """Read UTF-8. Raises MarqueeError for a file in another encoding."""
    with reading(path):
        return path.read_text("utf-8")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with `\\n` line ends on every system."""
    with atomic_file(path) as partial:
        partial.write_bytes(text.encode("utf-8"))


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
    """Read the rows of a CSV of numbers, without empty cells. Raises MarqueeError for a damaged file."""
    text = read_text(path)
    with reading(path):
        table = list(csv.DictReader(text.splitlines(), strict=True))
        if not table or not text.endswith("\n") or any(None in row.values() for row in table):
            raise ValueError("it ends too early")
        if "epoch" not in table[0]:
            raise KeyError("epoch")
        rows = [{name: float(cell) for name, cell in row.items() if cell} for row in table]
        if not all(math.isfinite(value) for row in rows for value in row.values()):
            raise ValueError("a value is not finite")
        return rows


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


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], note: str = "", sync: bool = True) -> str:
    """Write named arrays as safetensors, with `note` (any text, often JSON), and return the hash of both.

    The file's one metadata entry is JSON with the note and the hash. `sync` is that of `atomic_file`.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    seal = _hash_of_arrays(path, whole, note)
    with atomic_file(path, sync) as partial:
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


def read_sealed_arrays(path: Path, mapped: bool = False) -> tuple[dict[str, np.ndarray], str, str]:
    """Return the arrays, the note, and the hash of both, which is verified.

    mapped  leave the arrays in the file, whose pages all processes share, until one of them is changed
    """
    with reading(path):
        if not path.is_file() and path.exists():
            raise ValueError("it is no file")
        arrays, metadata = _mapped(path) if mapped else _loaded(path)
        about = json.loads(metadata.get("about", "{}"))
        if SEAL not in about:
            raise unsealed(path)
        if about[SEAL] != _hash_of_arrays(path, arrays, about["note"]):
            raise ValueError("its contents were changed after it was written")
        return arrays, about["note"], about[SEAL]


def _loaded(path: Path) -> tuple[dict[str, np.ndarray], Mapping[str, str]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def _mapped(path: Path) -> tuple[dict[str, np.ndarray], Mapping[str, str]]:
    """Return views of the file's memory: 8 bytes with the header's length, a JSON header, the arrays."""
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    first = 8 + int.from_bytes(memory[:8], "little")
    header = json.loads(memory[8:first])
    metadata = header.pop("__metadata__", {})
    arrays = {
        name: np.ndarray(one["shape"], STORED[one["dtype"]], memory, first + one["data_offsets"][0])
        for name, one in header.items()
    }
    return arrays, metadata


def _hash_of_arrays(path: Path, arrays: Mapping[str, np.ndarray], note: str) -> str:
    """Return the SHA-256, in hexadecimal, of name, note, and all arrays: 0.8 GB a second."""
    found = hashlib.sha256(json.dumps([path.name, note]).encode())
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


def hash_of_columns(table: pa.Table) -> str:
    """Return the SHA-256, in hexadecimal, of the names and numbers of all columns, which have no nulls."""
    found = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        found.update(name.encode())
        for chunk in column.chunks:
            found.update(as_array(chunk).data)
    return found.hexdigest()


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
