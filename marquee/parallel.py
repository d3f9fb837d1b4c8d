"""Work on rows sorted by user in blocks of whole users; any number of threads gives the same bytes.

One thread works on a block from beginning to end and touches nothing outside it. NumPy sorts, copies and
compares without Python's lock.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

S = TypeVar("S")
T = TypeVar("T")
SCANNED = 1 << 20  # rows of a mask that are looked through at a time
COUNTED = 1 << 22  # values that are counted at a time
ROWS = 1 << 16  # in a block: 512 KiB of packed keys, which sort within the cache of one core


def is_ascending(values: np.ndarray) -> bool:
    return bool((values[1:] >= values[:-1]).all())


def user_blocks(*users: np.ndarray, rows: int | None = None) -> list[tuple[slice, ...]]:
    """Return each block's slices of the ascending arrays `users`; a block has the same users in all of them.

    The first array is cut into about `rows` (ROWS) each. A user is never divided.
    """
    first, rows = users[0], rows or ROWS
    cuts = np.unique(first[rows::rows])  # users with whom a block begins
    cuts = cuts[cuts > first[:1]]  # the first of all begins one anyway
    bounds = [[0, *np.searchsorted(user, cuts).tolist(), len(user)] for user in users]
    return list(zip(*([slice(*pair) for pair in pairwise(b)] for b in bounds), strict=True))


def parallel_user_blocks(
    task: Callable[..., None], users: Sequence[np.ndarray], rows: int | None = None
) -> None:
    """Call `task(slice of users[0], slice of users[1], ...)` for every block."""
    parallel_for(lambda block: task(*block), user_blocks(*users, rows=rows))


def row_blocks(n: int, rows: int) -> list[tuple[int, int]]:
    """Return the first of each block of `rows` of `n` rows, and the one after its last."""
    return [(first, min(first + rows, n)) for first in range(0, n, rows)]


def chosen(mask: np.ndarray, *columns: np.ndarray, in_place: bool = False) -> list[np.ndarray]:
    """Return the rows of each column [n] where `mask` [n] is true, without a list of all their numbers.

    in_place  move them to the front of the column, and return that part of it
    """
    n, first = np.count_nonzero(mask), 0
    found = [column[:n] if in_place else np.empty(n, column.dtype) for column in columns]
    for begin, end in row_blocks(len(mask), SCANNED):
        rows = np.flatnonzero(mask[begin:end])  # half the time of a mask for each column
        for column, own in zip(columns, found, strict=True):
            own[first : first + len(rows)] = column[begin:end][rows]
        first += len(rows)
    return found


def ratings_per_user(user: np.ndarray, n_users: int | None = None) -> np.ndarray:
    """Count each user's rows, int64 [n_users]; `user` ascends. np.bincount reads and widens every row."""
    n_users = (int(user[-1]) + 1 if len(user) else 0) if n_users is None else n_users
    return np.diff(np.searchsorted(user, np.arange(n_users + 1, dtype=user.dtype)))


def counts(values: np.ndarray, n: int = 0) -> np.ndarray:
    """Count each of the whole numbers `values` from 0 on, int64 [n or more], as np.bincount.

    By blocks: np.bincount widens what it counts, twice the memory of int32.
    """
    blocks = [np.bincount(values[first:last]) for first, last in row_blocks(len(values), COUNTED)]
    found = np.zeros(max([n, *map(len, blocks)]), np.int64)
    for block in blocks:
        found[: len(block)] += block
    return found


def is_among(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return bool [n]: each whole number of `ids` [n] is one of `known`. np.isin widens both."""
    return counts(known, 1 + int(ids.max(initial=0)))[ids] > 0


def packed_pairs(user: np.ndarray, item: np.ndarray, width: int) -> np.ndarray:
    """Return (user - the first) * width + item, int [n]; 32 bits where they suffice sort in half the time.

    `width` exceeds every item; `user` [n] need not ascend.
    """
    own = user - user.min() if len(user) else user
    small = (int(own.max(initial=0)) + 1) * width < 1 << 31
    return own.astype(np.int32 if small else np.int64) * width + item


def bits(values: int) -> int:
    """Return how many bits a number below `values` takes."""
    return max(values - 1, 0).bit_length()


BRING_ONE = ("numpy", "scipy.linalg", "torch")  # packages that load a BLAS of their own


def single_threaded_blas() -> AbstractContextManager:
    """Run BLAS and LAPACK on one thread inside the block: with more, they add in another order.

    Without it the lists of one model differed in the last bit between 1 and 2 threads (OpenBLAS, float32).
    Limits what is loaded by now.
    """
    return _controller(tuple(name in sys.modules for name in BRING_ONE)).limit(limits=1, user_api="blas")


@cache
def _controller(loaded: tuple[bool, ...]) -> ThreadpoolController:
    """Look for BLAS libraries, which takes a millisecond, again only after another package is loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def n_threads() -> int:
    """Return the processors this process may use, or fewer where `OMP_NUM_THREADS` says so."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(allowed, int(asked)) if asked.isdigit() and int(asked) else allowed


def parallel_for(task: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """Return `task` of each of `items`, in order, from `n_threads()` threads.

    The first exception of a task is raised, and tasks that have not begun are canceled.
    """
    threads = min(n_threads(), len(items))
    if threads < 2:
        return [task(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, items))  # cancels the rest when one raises


def parallel_blocks(work: Callable[[slice], None], n: int, step: int) -> None:
    """Call `work` on each block of `step` of `n` rows; BLAS runs on one thread in each."""
    with single_threaded_blas():
        parallel_for(work, [slice(first, min(first + step, n)) for first in range(0, n, step)])
