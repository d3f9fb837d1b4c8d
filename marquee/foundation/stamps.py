"""What of a stage's work still stands, where one stage does it for many models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from marquee.foundation.artifacts import read_json, write_json


class Stamps:
    """A digest of what went into each piece of work and of what came out, kept in an untracked file.

    A piece whose files are all as they were when it was stamped need not be done again. Without the file
    everything is done, to the same bytes; so it decides how long a run takes and nothing else.

    path    the file
    common  what goes into every piece: files, and folders with all in them
    """

    def __init__(self, path: Path, common: Iterable[Path]) -> None:
        self.path, self.common = path, digest(common)
        self.stamps = read_json(path) if path.is_file() else {}

    def stands(self, name: str, *files: Path) -> bool:
        """Whether `files`, read and written ones, are what they were at `add`."""
        return name in self.stamps and self.stamps[name] == self._stamp(files)

    def add(self, name: str, *files: Path) -> None:
        self.stamps[name] = self._stamp(files)
        write_json(self.path, self.stamps)

    def _stamp(self, files: Iterable[Path]) -> str:
        return f"{self.common}-{digest(files)}"


def digest(files: Iterable[Path]) -> str:
    """SHA-256 over names and contents; a folder stands for all files in it, a missing file for its name."""
    found = hashlib.sha256()
    for path in files:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            found.update(str(file).encode())
            if file.is_file():
                with file.open("rb") as opened:
                    found.update(hashlib.file_digest(opened, "sha256").digest())
    return found.hexdigest()
