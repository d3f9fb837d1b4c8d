"""numba's `njit` and `prange`, with one cache for all clones. Import it inside a function: it takes a second.

numba stores what it compiled beside the source. A new clone, and each experiment that DVC runs in a folder
of its own, would compile for twenty seconds what this machine has compiled before. This module stores it in
the user's cache folder (`~/.cache/numba`; another by NUMBA_CACHE_DIR) by the contents of the source's folder:
functions and constants of neighboring files are compiled into a loop, too, and numba does not notice when
those change.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from numba import config, njit, prange
from numba.core.caching import UserWideCacheLocator

__all__ = ["njit", "prange"]
PACKAGE = Path(__file__).parents[1]


class ByContents(UserWideCacheLocator):
    """Name the cache folder for the loops of this package's files; other files have numba's own."""

    @classmethod
    def from_function(cls, py_func: object, py_file: str) -> UserWideCacheLocator | None:
        ours = PACKAGE in Path(py_file).resolve().parents
        return super().from_function(py_func, py_file) if ours else None

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        return _folder_name(Path(py_file).parent)


@cache
def _folder_name(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        found.update(file.read_bytes())
    return f"marquee-{folder.name}-{found.hexdigest()[:16]}"


if not os.environ.get("NUMBA_CACHE_LOCATOR_CLASSES"):
    known = (
        "UserProvidedCacheLocator",
        f"{__name__}.ByContents",
        "InTreeCacheLocator",
        "UserWideCacheLocator",
    )
    config.CACHE_LOCATOR_CLASSES = ",".join(known)  # type: ignore[attr-defined]
