"""Keep the parts of large tables in a folder outside of the repository, under names made of their contents.

    MARQUEE_STORE=file:/mnt/big

In the place of the table lies a manifest, a JSON file with the name, rows and bytes of each part. A part that
is there is not written again, and none is ever changed, so branches and clones share a folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict
from urllib.parse import unquote, urlsplit

from marquee.errors import MarqueeError
from marquee.files import atomic_file, hash_of, sha256
from marquee.outputs import remedy

VARIABLE = "MARQUEE_STORE"
SEAL = "seal"  # key of the hash of all the rest and of the file's name


class Part(TypedDict):
    """The entry of a part in a manifest; its file is called after the hash of its bytes."""

    sha256: str
    rows: int
    bytes: int


def location() -> Path | None:
    """Return the folder; None where none is set. Raises MarqueeError for what is no folder's address."""
    given = os.environ.get(VARIABLE, "")
    if not given:
        return None
    address = urlsplit(given)
    folder = Path(unquote(address.path))
    if address.scheme != "file" or address.netloc not in ("", "localhost") or not folder.is_absolute():
        raise MarqueeError(
            f"{VARIABLE} is {given!r}, but must be the absolute path of a folder behind file:, "
            "such as file:/mnt/big"
        )
    if not folder.is_dir():
        raise MarqueeError(f"{VARIABLE} is {given}, which is no folder: mount it, or make it")
    return folder


def require_writable() -> None:
    """Raise MarqueeError where a store is set and cannot be written."""
    folder = location()
    if folder and not os.access(folder, os.W_OK | os.X_OK):
        raise MarqueeError(f"{VARIABLE} is file:{folder}, where you may not write: change its owner or mode")


def put(folder: Path, rows: int, content: bytes) -> Part:
    """Write a part into the store, unless it is there and whole."""
    name = hashlib.sha256(content).hexdigest()
    path = _path(folder, name)
    if not path.is_file() or sha256(path) != name:
        with atomic_file(path, shared=True) as partial:
            partial.write_bytes(content)
    return {"sha256": name, "rows": rows, "bytes": len(content)}


def write_manifest(path: Path, name: str, parts: Sequence[Part]) -> None:
    """Write the list of `parts` to `path`, which gets the `name` in the end."""
    content = {"parts": parts}
    text = json.dumps({**content, SEAL: hash_of(name, content)}, indent=1, sort_keys=True)
    path.write_text(f"{text}\n", "utf-8", newline="\n")


def is_manifest(path: Path) -> bool:
    """Return whether the file is no Parquet but a manifest, by its first byte."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(1) == b"{"


def parts_of(path: Path, name: str = "") -> list[tuple[Path, Part]]:
    """Return each part that a manifest lists, and its file.

    name  the one it was written under, where `path` has another

    Raises ValueError and others for a changed manifest, and MarqueeError where no store is set.
    """
    content = json.loads(path.read_text("utf-8"))
    if content.pop(SEAL) != hash_of(name or path.name, content):
        raise ValueError("it was changed after it was written")
    folder = location()
    if folder is None:
        raise MarqueeError(
            f"{path} lists parts that lie in a store: set {VARIABLE}=file:… to the folder it was written with"
        )
    return [(_path(folder, part["sha256"]), part) for part in content["parts"]]


def lost(table: Path, part: Path, missing: bool) -> MarqueeError:
    """Return the fault of a part that is missing or changed."""
    advice = remedy(table, "write the table again").replace("repro", "repro --force")
    fault = "missing" if missing else "damaged"
    return MarqueeError(f"{part}, a part of {table}, is {fault}: check {VARIABLE}, put it back, or {advice}")


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"
