"""Slow NumPy twins of the compiled top-K kernels."""

from __future__ import annotations

import numpy as np

from marquee.data.user_items import UserItems

LANES = 16
PAIRS = 1 << 12


def top_k(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Items int32 [n, k] and their scores [n, k], ordered by (-score, item), ties at the cut included.

    scores  float [n, n_items], no NaN; -inf for what may not be listed. A row with fewer than k other
            items ends in -1, scored -inf.
    """
    n, n_items = scores.shape
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


def dots(
    left: np.ndarray,
    right: np.ndarray,
    users: np.ndarray,
    offsets: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write left[user] · right[item] for each item, by row of `users`, into float32 `scores` [n]."""
    owner, d = users[UserItems(offsets, items).owners()], left.shape[1]
    for first in range(0, len(items), PAIRS):
        pairs = slice(first, first + PAIRS)
        products = np.zeros((len(items[pairs]), -(-d // LANES), LANES), np.float32)
        products.reshape(len(products), -1)[:, :d] = left[owner[pairs]] * right[items[pairs]]
        lane = np.zeros((len(products), LANES), np.float32)
        for step in range(products.shape[1]):
            lane += products[:, step]
        while lane.shape[1] > 1:
            half = lane.shape[1] // 2
            lane = lane[:, :half] + lane[:, half:]
        scores[pairs] = lane[:, 0]


def add_fractions(
    offsets: np.ndarray,
    items: np.ndarray,
    starts: np.ndarray,
    genres: np.ndarray,
    weight: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Add the weight [n_items] of each row's items to totals [n_rows, n_genres] of each of their genres.

    starts, genres  those of item i are genres[starts[i]:starts[i + 1]]
    """
    cell = UserItems(offsets, items).owners() * totals.shape[1]
    flat = totals.reshape(-1)
    for nth in range(np.diff(starts).max(initial=0)):
        has = starts[items] + nth < starts[items + 1]
        items, cell = items[has], cell[has]
        flat += np.bincount(cell + genres[starts[items] + nth], weight[items], len(flat))
