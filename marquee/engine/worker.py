"""Run blocks in a Python process of an executor. Imports no Spark: `marquee.engine.spark` sends it there."""

from __future__ import annotations

import os
import pickle
import shutil
import traceback
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any

from marquee.engine.transport import pack, unpack, unpack_file
from marquee.errors import MarqueeError
from marquee.parallel import single_threaded_blas

DONE, FAULT, CRASH = range(3)  # what became of a block
RETRIED = (OSError, MemoryError)  # faults of a machine: another one may have none
PREFIX = "marquee-shared-"  # of the name of a file of shared values
_opened: dict[str, dict[str, Any]] = {}  # shared values by the path of their file


def run_blocks(
    task: bytes, sent: dict[str, list[str]], kept: Set[str], folder: str, partitions: Iterable[bytes]
) -> Iterator[bytes]:
    """Yield (block's number, what became of it, result or message) of each block, packed.

    A block after one that fails is not run: the driver raises for the first in order.

    sent    the parts of the file of shared values, by its name
    kept    the names of all files that this or another job needs
    folder  the driver's current one, from which a task reads files where the executor has it, too
    """
    if Path(folder).is_dir():
        os.chdir(folder)
    function = pickle.loads(task)
    paths = [_joined(name, parts, kept) for name, parts in sent.items()]
    for gone in _opened.keys() - paths:
        del _opened[gone]
    values: dict[str, Any] = {}
    for path in paths:
        if path not in _opened:
            _opened[path] = unpack_file(Path(path))
        values.update(_opened[path])
    with single_threaded_blas():
        for packed in partitions:
            for k, block in unpack(packed):
                try:
                    yield pack((k, DONE, function(*block, **values)))
                except MarqueeError as error:
                    yield pack((k, FAULT, str(error)))
                    return
                except RETRIED:
                    raise
                except Exception:
                    yield pack((k, CRASH, traceback.format_exc()))
                    return


def _joined(name: str, parts: list[str], kept: Set[str]) -> str:
    """Return the path of one file with the bytes of `parts`, which all processes of this executor map.

    The parts are emptied: their bytes are in it. Files of other jobs that are not `kept` are removed.
    """
    if len(parts) == 1:
        return parts[0]
    import fcntl

    folder = Path(parts[0]).parent
    whole = folder / name
    with (folder / f"{PREFIX}lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            for other in folder.glob(f"{PREFIX}*"):
                if other.name not in (*kept, Path(lock.name).name):
                    other.unlink()
            unfinished = whole.with_suffix(".part")
            with unfinished.open("wb") as file:
                for part in parts:
                    with Path(part).open("rb") as read:
                        shutil.copyfileobj(read, file, 1 << 20)
            unfinished.replace(whole)
            for part in parts:
                os.truncate(part, 0)
    return str(whole)
