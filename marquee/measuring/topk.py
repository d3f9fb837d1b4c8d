"""The best k items of every user, exactly, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from marquee.foundation.errors import MarqueeError
from marquee.foundation.threads import one_blas_thread

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BLOCK_BYTES = 1 << 25  # scores that are held at a time; with what picks the best of them, 2.5 times that
Scores = Callable[[np.ndarray], np.ndarray]  # users int32 [b] -> float32 [b, n_items]


def top_k(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Items int32 [n, k] and their scores [n, k], ordered by (-score, item), ties at the cut included.

    scores  float [n, n_items], no NaN; -inf for what may not be listed. A row with fewer than k other
            items ends in -1, scored -inf. Raises MarqueeError where k is more than n_items.
    """
    n, n_items = scores.shape
    check_k(k, n_items)
    cut = np.partition(scores, n_items - k, axis=1)[:, n_items - k, None].copy()  # (n, 1): k-th best score
    kept = scores >= cut
    crowded = np.flatnonzero(np.count_nonzero(kept, axis=1) > k)  # rows with more ties than places
    tied = scores[crowded] == cut[crowded]
    places = k - np.count_nonzero(kept[crowded] & ~tied, axis=1)
    kept[crowded] &= ~tied | (tied.cumsum(1, dtype=np.int32) <= places[:, None])
    items = (np.flatnonzero(kept) % n_items).astype(np.int32).reshape(n, k)  # ascending in each row
    values = np.take_along_axis(scores, items, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    items, values = np.take_along_axis(items, order, 1), np.take_along_axis(values, order, 1)
    items[values == -np.inf] = -1
    return items, values


def rank_in_blocks(
    scores: Scores,
    users: np.ndarray,
    seen: csr_matrix,
    n_items: int,
    k: int,
    name: str = "the model",
    look: Callable[[slice, np.ndarray], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """`top_k` of each of `users` [n], without the items of that user's row of `seen` [n_users, n_items].

    look  is shown each block before anything is hidden: the rows of `users` that it holds, and their scores

    Holds `BLOCK_BYTES` of scores, and one user's at least. Raises MarqueeError for a score that is NaN
    or infinite, with `name` and the user, and where k is more than n_items.
    """
    check_k(k, n_items)
    items = np.empty((len(users), k), np.int32)
    values = np.empty((len(users), k), np.float32)
    step = max(1, BLOCK_BYTES // (4 * n_items))
    buffer = np.empty((min(step, len(users)), n_items), np.float32)
    for first in range(0, len(users), step):
        rows = slice(first, first + step)
        block = buffer[: len(users[rows])]
        with one_blas_thread():
            block[:] = scores(users[rows])
        finite = np.isfinite(block)
        if not finite.all():
            user = users[rows][np.argmin(finite.all(1))]
            raise MarqueeError(
                f"{name} gives user {user} a score that is not finite; check how it was trained"
            )
        if look:
            look(rows, block)
        hidden = seen[users[rows]]
        block[np.repeat(np.arange(len(block)), np.diff(hidden.indptr)), hidden.indices] = -np.inf
        items[rows], values[rows] = top_k(block, k)
    return items, values


def check_k(k: int, n_items: int) -> None:
    if k > n_items:
        raise MarqueeError(
            f"evaluation.ks asks for lists of {k} items, but the catalogue has {n_items}; lower it"
        )
