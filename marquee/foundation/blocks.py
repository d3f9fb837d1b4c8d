"""Rows that are sorted by user, worked on in blocks of whole users: two threads, one cache, the same bytes.

A block is one thread's from beginning to end and touches nothing outside it, so that how many threads
there are cannot show. NumPy sorts, copies and compares without Python's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from marquee.foundation.threads import run_threads

ROWS = 1 << 18  # in a block: 2 MiB of packed keys, which sort within a cache


def is_ascending(values: np.ndarray) -> bool:
    return bool((values[1:] >= values[:-1]).all())


def blocks(*users: np.ndarray, rows: int | None = None) -> list[tuple[slice, ...]]:
    """Of each ascending array of users, a slice for each block; a block holds the same users in all of them.

    The first array is cut into about `rows` (ROWS) each. A user is never divided.
    """
    first, rows = users[0], rows or ROWS
    cuts = np.unique(first[rows::rows])  # users with whom a block begins
    bounds = [[0, *np.searchsorted(user, cuts).tolist(), len(user)] for user in users]
    return list(zip(*([slice(*pair) for pair in pairwise(b)] for b in bounds), strict=True))


def each_block(
    task: Callable[..., None],
    users: Sequence[np.ndarray],
    rows: int | None = None,
    threads: int | None = None,
) -> None:
    """`task(slice of users[0], slice of users[1], ...)` for every block."""
    found = blocks(*users, rows=rows)
    run_threads(lambda n: task(*found[n]), len(found), threads)


def counts_of(user: np.ndarray, n_users: int | None = None) -> np.ndarray:
    """int64 [n_users]: the rows of each user; `user` ascends. np.bincount reads and widens every row."""
    n_users = (int(user[-1]) + 1 if len(user) else 0) if n_users is None else n_users
    return np.diff(np.searchsorted(user, np.arange(n_users + 1, dtype=user.dtype)))


def packed_pairs(user: np.ndarray, item: np.ndarray, width: int) -> np.ndarray:
    """int [n]: (user - the first) * width + item, in 32 bits where those do: they sort in half the time.

    `width` exceeds every item; `user` [n] need not ascend.
    """
    own = user - user.min() if len(user) else user
    small = (int(own.max(initial=0)) + 1) * width < 1 << 31
    return own.astype(np.int32 if small else np.int64) * width + item


def bits(values: int) -> int:
    """How many a number below `values` takes."""
    return max(values - 1, 0).bit_length()
