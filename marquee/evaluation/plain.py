"""What `compiled` has, without numba: the same functions and, as sums have one order, the same bytes."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np

from marquee.data.user_items import UserItems

MANY = 1 << 27  # scores or products from which compiled code is worth its import, half a second
LANES = 16  # partial sums of a product of two vectors
PAIRS = 1 << 12  # products of vectors that are made at a time


def kernels(n: int) -> ModuleType:
    """`compiled` where `n` steps pay for its import, or numba is there already; else this module."""
    if "numba" not in sys.modules and n <= MANY:
        return sys.modules[__name__]
    from marquee.kernels import topk

    return topk


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


def add_shares(
    offsets: np.ndarray,
    items: np.ndarray,
    starts: np.ndarray,
    genres: np.ndarray,
    share: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Add the share [n_items] of each row's items to totals [n_rows, n_genres] of each genre an item has.

    starts, genres  those of item i are genres[starts[i]:starts[i + 1]]
    """
    cell = UserItems(offsets, items).owners() * totals.shape[1]
    flat = totals.reshape(-1)
    for nth in range(np.diff(starts).max(initial=0)):
        has = starts[items] + nth < starts[items + 1]
        items, cell = items[has], cell[has]
        flat += np.bincount(cell + genres[starts[items] + nth], share[items], len(flat))
