"""What of a stage's work still stands, where one stage does it for many models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from marquee.io import read_json, write_json


class Stamps:
    """A digest of what went into each piece of work and of what came out, kept in a file beside it.

    A piece whose files are all as they were when it was stamped need not be done again. Without the file
    everything is done, to the same bytes, the file's own among them: it holds nothing but contents.

    common  `digest` of what goes into many pieces, so that it is read once for all of them
    files   of this piece alone, read and written ones
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamps = read_json(path) if path.is_file() else {}

    def stands(self, name: str, common: str, *files: Path) -> bool:
        """Whether everything is what it was at `add`."""
        return name in self.stamps and self.stamps[name] == digest(files, common)

    def add(self, name: str, common: str, *files: Path) -> None:
        self._write({**self.stamps, name: digest(files, common)})

    def keep(self, names: Iterable[str]) -> None:
        """Forget all other pieces."""
        self._write({name: stamp for name, stamp in self.stamps.items() if name in set(names)})

    def _write(self, stamps: dict[str, str]) -> None:
        self.stamps = dict(sorted(stamps.items()))
        write_json(self.path, self.stamps)


def digest(files: Iterable[Path], settings: object = None) -> str:
    """SHA-256 over names and contents, and over settings as JSON has them.

    A folder stands for all files in it, a missing file for its name. What Python compiled is left out.
    """
    found = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_dir() or "__pycache__" in file.parts:
                continue
            found.update(file.as_posix().encode())
            if file.is_file():
                with file.open("rb") as opened:
                    found.update(hashlib.file_digest(opened, "sha256").digest())
    return found.hexdigest()
