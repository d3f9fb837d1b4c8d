"""Writing and reading of what stages keep: atomic, and the same bytes for the same content.

Every writer goes to a neighbour of its target first and is moved into place when whole, so that a
process that dies leaves the old file or none, never half of one. Formats with a time or an
unordered collection inside (gzip, pickle, SVG with its date) are not offered.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

PARTIAL = ".partial"  # suffix of what is being written; ignored by Git and DVC
ROW_GROUP = 1_048_576  # rows; one column chunk then fits a cache and a reader can stream


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A path to write to; it becomes `path` when the block ends well, and is removed when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}{PARTIAL}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill; it becomes `path`, replacing what was there, when the block ends well."""
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
    """Zstandard-compressed Parquet. Row order, schema and bytes are those of `table`."""
    import pyarrow.parquet as pq

    with atomic_file(path) as partial:
        pq.write_table(table, partial, compression="zstd", row_group_size=ROW_GROUP)


def read_parquet(
    path: Path, columns: Sequence[str] | None = None, among: tuple[str, Sequence[int]] | None = None
) -> pa.Table:
    """The table; of `among`, a column and values, only the rows that hold one of those there."""
    import pyarrow.parquet as pq

    filters = None if among is None else [(among[0], "in", list(among[1]))]
    return pq.read_table(path, columns=None if columns is None else list(columns), filters=filters)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Sorted keys, two spaces, a final newline. A NaN or an infinity is an error (ValueError)."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def write_text(path: Path, text: str) -> None:
    """UTF-8 with `\\n` line ends on every system."""
    with atomic_file(path) as partial:
        partial.write_bytes(text.encode("utf-8"))


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Comma-separated; a float is written with the fewest digits that read back equal."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_curve(path: Path) -> list[dict[str, float]]:
    """The rows of a CSV of numbers, empty cells left out."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(text) for name, text in row.items() if text} for row in csv.DictReader(file)]


def sha256(path: Path) -> str:
    """Of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], note: str = "") -> None:
    """Named arrays as safetensors, with `note` (any text, often JSON) as its one metadata entry."""
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    with atomic_file(path) as partial:
        partial.touch()
        mode = partial.stat().st_mode  # what everyone may do with a new file; save_file lets its owner alone
        save_file(whole, partial, metadata={"note": note} if note else None)
        partial.chmod(mode)


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """The arrays and the note that `write_arrays` stored."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, (file.metadata() or {}).get("note", "")


def write_figure(path: Path, figure: Figure) -> None:
    """PNG (150 dpi) or SVG by the suffix, without a date or a random id inside."""
    from matplotlib import style

    kind = path.suffix[1:]
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    settings = {"svg.hashsalt": path.stem}
    with style.context(settings, after_reset=True), atomic_file(path) as partial:  # not the user's own
        figure.savefig(partial, format=kind, dpi=150, metadata=metadata, bbox_inches="tight")


def columns(table: pa.Table) -> dict[str, np.ndarray]:
    """A table of numbers as arrays, a null as NaN."""
    return {name: table[name].to_numpy() for name in table.column_names}
