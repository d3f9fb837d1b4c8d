"""Write files and folders as a whole or not at all, and name the file in whatever goes wrong with it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from marquee.errors import MarqueeError, reason
from marquee.outputs import PARTIAL, remedy


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


def unsealed(path: Path) -> MarqueeError:
    """Return the fault of a whole file without the hash that Marquee writes into it."""
    advice = remedy(path, "write it again").replace("repro", "repro --force")
    return MarqueeError(f"{path} was written by another version or program: {advice}")


@contextmanager
def atomic_file(path: Path, sync: bool = True, shared: bool = False) -> Iterator[Path]:
    """Yield a path to write to; it becomes `path` when the block ends well, and is removed otherwise.

    sync    have its bytes on the disk before it takes the name, so that a power failure leaves no empty file
    shared  other processes may write the same file at the same time
    """
    partial = _beside(path, f".{uuid4().hex}" if shared else "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise MarqueeError(f"{path} is a folder or a device: name a file, or move it away")
        remove(partial)
        yield partial
        if sync:
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
    partial, old = _beside(path), _beside(path, ".old")
    path.parent.mkdir(parents=True, exist_ok=True)
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


def _beside(path: Path, suffix: str = "") -> Path:
    if not path.name:  # `.` and `/`, and an empty text
        raise MarqueeError(f"{path} is a folder: name a file or a folder inside it")
    return path.with_name(f"{path.name}{suffix}{PARTIAL}")


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; what is not there or stays is no fault."""
    try:
        path.unlink()
    except OSError:
        shutil.rmtree(path, ignore_errors=True)


def sha256(path: Path) -> str:
    """Return the hash of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(name: str, content: object) -> str:
    """Return the hash, in hexadecimal, of a file's name and of what JSON holds of its content."""
    return hashlib.sha256(json.dumps([name, content], sort_keys=True).encode()).hexdigest()
