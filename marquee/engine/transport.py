"""Pack values into bytes of which each array is a raw piece, so that a reader maps them and copies nothing.

uint64 n, then the n lengths of a pickle and of its buffers, uint64 each; then these pieces, each from a
multiple of ALIGNED bytes on. The pickle (protocol 5) refers to its arrays by their order.
"""

from __future__ import annotations

import mmap
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ALIGNED = 64  # bytes, a cache line


def pieces(value: Any) -> list[Any]:
    """Return the bytes of `value`, as pieces to be written one after another; arrays are not copied."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    raw = [memoryview(head), *(buffer.raw() for buffer in buffers)]
    lengths = np.array([len(raw), *(piece.nbytes for piece in raw)], np.uint64).tobytes()
    found: list[Any] = [lengths, bytes(-len(lengths) % ALIGNED)]
    for piece in raw:
        found += [piece, bytes(-piece.nbytes % ALIGNED)]
    return found


def cut(raw: Iterable[Any], size: int) -> Iterator[list[memoryview]]:
    """Yield the bytes of `raw` in runs of `size`, the last one shorter."""
    run: list[memoryview] = []
    room = size
    for piece in raw:
        view = memoryview(piece)
        while len(view) > room:
            yield [*run, view[:room]]
            view, run, room = view[room:], [], size
        run.append(view)
        room -= len(view)
    yield run


def pack(value: Any) -> bytes:
    return b"".join(pieces(value))


def unpack(packed: Any) -> Any:
    """Return the value; its arrays are views of `packed`, a buffer that may be written to or not."""
    view = memoryview(packed)
    count = int(np.frombuffer(view[:8], np.uint64)[0])
    lengths = np.frombuffer(view[8 : 8 + 8 * count], np.uint64).tolist()
    at = _next(8 + 8 * count)
    found = []
    for length in lengths:
        found.append(view[at : at + length])
        at = _next(at + length)
    return pickle.loads(found[0], buffers=found[1:])


def _next(at: int) -> int:
    return at + -at % ALIGNED


def unpack_file(path: Path) -> Any:
    """Return the value of a packed file; its pages are those of the file until one of them is changed."""
    with path.open("rb") as file:
        return unpack(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
