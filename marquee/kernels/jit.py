"""numba's `njit` and `prange`, with one cache for all clones. Import it inside a function: it takes a second.

numba stores what it compiled beside the source. A new clone, and each experiment that DVC runs in a folder
of its own, would compile for twenty seconds what this machine has compiled before. This module stores it in
the user's cache folder (`~/.cache/numba`; another by NUMBA_CACHE_DIR) by the contents of the source's folder:
functions and constants of neighboring files are compiled into a loop, too, and numba does not notice when
those change.

The cache is pickle, which runs code when it is read. So the folder is the user's alone (mode 0700), and a
file counts only with the hash of its contents at its end: a damaged one is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

import numba
from numba import config, prange
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, UserWideCacheLocator
from numba.misc.appdirs import AppDirs

__all__ = ["njit", "prange"]
DIGEST = hashlib.sha256().digest_size  # bytes at the end of a file


def njit(cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile as numba's `njit` does; with `cache`, keep the result where no other user can write."""

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        if cache and cache_folder(Path(function.__code__.co_filename).parent) is not None:
            dispatcher._cache = _Cache(function)
        return dispatcher

    return compiled


@cache
def cache_folder(source: Path) -> Path | None:
    """Return the folder for the loops of `source`, made if need be; None where there is no safe one."""
    chosen = config.CACHE_DIR  # type: ignore[attr-defined]
    base = Path(chosen).absolute() if chosen else Path(AppDirs("numba", appauthor=False).user_cache_dir)
    if not base.is_absolute():  # without a home
        return None
    for suffix in ("", f"-{os.geteuid()}" if hasattr(os, "geteuid") else "-own"):
        folder = base / f"{_folder_name(source)}{suffix}"
        try:
            if os.path.lexists(folder) and not _is_safe(folder):
                shutil.rmtree(folder)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            return folder
        except OSError:
            continue
    return None


def _is_safe(folder: Path) -> bool:
    """Return whether no other user may write into the folder. Raises PermissionError for another user's."""
    if not hasattr(os, "geteuid"):  # a system whose files have no such owners
        return True
    found = folder.lstat()
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} is another user's")
    return not found.st_mode & 0o077


@cache
def _folder_name(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        found.update(file.read_bytes())
    return f"marquee-{folder.name}-{found.hexdigest()[:16]}"


class _Locator(UserWideCacheLocator):
    """Use `cache_folder` for every function."""

    def __init__(self, function: Any, file: str) -> None:
        self._py_file, self._lineno = file, function.__code__.co_firstlineno
        self._cache_path = str(cache_folder(Path(file).parent))


class _Implementation(CompileResultCacheImpl):
    """Name a function's files as numba does, whatever locators its settings ask for."""

    def __init__(self, function: Any) -> None:
        file = function.__code__.co_filename
        self._lineno, self._locator = function.__code__.co_firstlineno, _Locator(function, file)
        name = f"{Path(file).stem}.{function.__qualname__}"
        self._filename_base = self.get_filename_base(name, getattr(sys, "abiflags", ""))


class _File(IndexDataCacheFile):
    """An index and its data, each with a hash at its end."""

    @contextlib.contextmanager
    def _open_for_write(self, path: str) -> Iterator[IO[bytes]]:
        with super()._open_for_write(path) as file:
            yield file
            file.flush()
            file.write(hashlib.sha256(Path(file.name).read_bytes()).digest())

    def _load_index(self) -> dict[Any, str]:
        return super()._load_index() if _is_whole(self._index_path) else {}

    def _load_data(self, name: str) -> Any:
        if not _is_whole(self._data_path(name)):
            raise FileNotFoundError  # which numba takes for a removed file
        return super()._load_data(name)


def _is_whole(path: str) -> bool:
    try:
        content = Path(path).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content[:-DIGEST]).digest() == content[-DIGEST:]


class _Cache(FunctionCache):
    """A cache whose faults are never those of the program: it then compiles, or keeps nothing."""

    _impl_class = _Implementation

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        old = self._cache_file
        self._cache_file = _File(self._cache_path, self._impl.filename_base, old._source_stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
