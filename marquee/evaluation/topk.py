"""The best k items of every user, exactly, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from marquee.data.user_items import UserItems
from marquee.errors import MarqueeError
from marquee.evaluation.inner_product import (
    USERS,
    Bounded,
    FactorScores,
    not_finite,
    top_k_bounded,
    top_k_dense,
    top_k_factors,
)
from marquee.evaluation.plain import MANY, kernels
from marquee.parallel import parallel_blocks

BLOCK_BYTES = (
    1 << 24
)  # scores that a thread holds at a time; with what picks the best of them, 2.5 times that
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


def top_k_for_users(
    scores: Scores,
    users: np.ndarray,
    seen: UserItems,
    n_items: int,
    k: int,
    name: str = "the model",
    asked: Sequence[UserItems] = (),
    enough: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """`top_k` of each of `users` [n] without that user's row of `seen`, and the scores of what is `asked`.

    asked   items of each row of `users`; float32 scores of each of these come third
    enough  float [n]: a list need not go on once it holds k items that score higher, see `best_of_product`

    A `Product` is never held whole, nor are `Bounded` scores of many; of others a thread holds `BLOCK_BYTES`,
    one user's at least.
    Raises MarqueeError for a score that is NaN or infinite, with `name` and the user, and where k is more
    than n_items.
    """
    check_k(k, n_items)
    items = np.full((len(users), k), -1, np.int32)
    values = np.full((len(users), k), -np.inf, np.float32)
    compiled = hasattr(kernels(len(users) * n_items), "absorb")
    if isinstance(scores, Bounded) and len(users) * n_items <= MANY:
        scores = scores.whole
    if isinstance(scores, FactorScores):
        scores.check(users, name)
    pairs = scores.of_pairs if isinstance(scores, FactorScores | Bounded) else None
    found = [pairs(users, one) if pairs else np.empty(len(one.items), np.float32) for one in asked]
    rest = np.arange(len(users))  # who is left for all their scores to be made
    if isinstance(scores, FactorScores) and compiled:
        top_k_factors(scores, users, seen, items, values, enough)
        return items, values, found
    if isinstance(scores, Bounded):
        rest = top_k_bounded(scores, users, seen, items, values)

    def work(part: slice) -> None:
        rows = rest[part]
        block = np.array(scores(users[rows]), np.float32)
        finite = np.isfinite(block)
        if not finite.all():
            raise not_finite(name, users[rows][np.argmin(finite.all(1))])
        for one, known in zip(asked, found, strict=True):
            if not pairs:
                theirs = one.part(part)
                known[one.span(part)] = block[theirs.owners(), theirs.items]
        hidden = seen.take(users[rows])
        if compiled:
            items[rows], values[rows] = top_k_dense(block, hidden, k)
        else:
            block[hidden.owners(), hidden.items] = -np.inf
            items[rows], values[rows] = top_k(block, k)

    parallel_blocks(work, len(rest), max(1, min(USERS, BLOCK_BYTES // (4 * n_items))))
    return items, values, found


def check_k(k: int, n_items: int) -> None:
    if k > n_items:
        raise MarqueeError(
            f"evaluation.ks asks for lists of {k} items, but the catalogue has {n_items}; lower it"
        )
