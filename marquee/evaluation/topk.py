"""The best k items of every user, exactly, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from marquee.data.user_items import UserItems
from marquee.errors import MarqueeError
from marquee.evaluation.inner_product import (
    USERS,
    FactorScores,
    ItemTiles,
    empty_lists,
    not_finite,
    top_k_dense,
    top_k_factors,
)
from marquee.parallel import parallel_blocks

BLOCK_BYTES = 1 << 24  # scores in a thread's memory at a time; with the selection of the best, 2.5 times that
Scores = FactorScores | Callable[[np.ndarray], np.ndarray]  # users int32 [b] -> float32 [b, n_items]


def top_k_for_users(
    scores: Scores,
    users: np.ndarray,
    seen: UserItems,
    n_items: int,
    k: int,
    name: str = "the model",
    asked: Sequence[UserItems] = (),
    enough: np.ndarray | None = None,
    tiles: ItemTiles | None = None,
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """List the k best items of each of `users` [n] without the user's `seen`, ordered by (-score, item).

    asked   items of each row of `users`; float32 scores of each of these come third
    enough  float [n]: a list need not go on once it contains k items that score higher, see `top_k_factors`
    tiles   of `FactorScores`, where these are at hand

    Items are int32 [n, k] and their scores float32 [n, k]; a list that ends early has -1 and -inf.
    `FactorScores` are never in memory whole; of other scores a thread has `BLOCK_BYTES`, one user's at least.
    Raises MarqueeError for a score that is NaN or infinite, with `name` and the user, and where k is more
    than n_items.
    """
    require_length(k, n_items)
    if isinstance(scores, FactorScores):
        scores.check(users, name)
        found = [scores.of_pairs(users, one) for one in asked]
        return *top_k_factors(scores, users, seen, k, enough, tiles), found
    items, values = empty_lists(len(users), k)
    found = [np.empty(len(one.items), np.float32) for one in asked]

    def work(rows: slice) -> None:
        block = np.array(scores(users[rows]), np.float32)
        finite = np.isfinite(block)
        if not finite.all():
            raise not_finite(name, users[rows][np.argmin(finite.all(1))])
        for one, known in zip(asked, found, strict=True):
            theirs = one.part(rows)
            known[one.span(rows)] = block[theirs.owners(), theirs.items]
        items[rows], values[rows] = top_k_dense(block, seen.take(users[rows]), k)

    parallel_blocks(work, len(users), max(1, min(USERS, BLOCK_BYTES // (4 * n_items))))
    return items, values, found


def require_length(k: int, n_items: int) -> None:
    """Raise MarqueeError where a list of `k` items is longer than the catalogue."""
    if k > n_items:
        raise MarqueeError(
            f"evaluate.ks asks for lists of {k} items, but the catalogue has {n_items}: lower it"
        )
