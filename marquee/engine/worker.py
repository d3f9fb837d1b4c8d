"""Run blocks in a Python process of an executor. Imports no Spark: `marquee.engine.spark` sends it there."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from marquee.engine.transport import pack, unpack, unpack_file
from marquee.errors import MarqueeError
from marquee.parallel import single_threaded_blas

DONE, FAULT, CRASH = range(3)  # what became of a block
RETRIED = (OSError, MemoryError)  # faults of a machine: another one may have none
_opened: dict[str, dict[str, Any]] = {}  # shared values by the path of their file


def run_blocks(task: bytes, paths: list[str], folder: str, partitions: Iterable[bytes]) -> Iterator[bytes]:
    """Yield (block's number, what became of it, result or message) of each block, packed.

    A block after one that fails is not run: the driver raises for the first in order.

    folder  the driver's current one, from which a task reads files where the executor has it, too
    """
    if Path(folder).is_dir():
        os.chdir(folder)
    function = pickle.loads(task)
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
