"""The best items where scores are a product of two thin matrices: no score is stored, few users need all.

A block of users is multiplied by the items in tiles: first the items with the best mean score, so that lists
start well, then the longest vectors. Each tile is searched while it lies in the cache. By Cauchy and Schwarz
a user is finished as soon as no remaining vector is long enough to enter the list (Teflioudi, Gemulla and
Mykytiuk, 2015, for single users); the rest of the block goes on. Lists are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from marquee.data.user_items import UserItems
from marquee.errors import MarqueeError
from marquee.parallel import parallel_blocks, single_threaded_blas

USERS, ITEMS = 1024, 256  # of a tile: one megabyte of scores, and the shape at which the product is fastest
LOOK = 4  # tiles, after which finished users leave
ROUND = 64  # users a tile is rounded up to, so that no score depends on the other users (AVX-512)


@dataclass(frozen=True)
class FactorScores:
    """Compute scores as `left[users] @ right.T`; a bias is a column beside a column of ones.

    left   float32 [n_users, d]
    right  float32 [n_items, d]
    """

    left: np.ndarray
    right: np.ndarray

    def of_pairs(self, users: np.ndarray, asked: UserItems) -> np.ndarray:
        """Return float32 [len(asked.items)]: the scores of the items of each row of `users`."""
        from marquee.kernels.topk import dots

        scores = np.empty(len(asked.items), np.float32)

        def work(rows: slice) -> None:
            dots(self.left, self.right, users[rows], *asked.part(rows), scores[asked.span(rows)])

        parallel_blocks(work, len(users), USERS)
        return scores

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float32 [n]: the scores of the pairs (users[i], items[i])."""
        return pair_products(self.left[users], self.right[items])

    def check(self, users: np.ndarray, name: str) -> None:
        """Raise MarqueeError, with `name` and the user, where a score may not be a finite float32."""
        left, right = (np.maximum(side.max(1), -side.min(1)) for side in (self.left[users], self.right))
        fine = left.astype(np.float64) * right.max() * self.right.shape[1] < np.finfo(np.float32).max
        if not fine.all():
            raise not_finite(name, users[np.argmin(fine)])


def pair_products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return float32 [n]: the product of each row of `left` [n, d] with that of `right`."""
    return np.einsum("nk,nk->n", left, right)


def not_finite(name: str, user: int) -> MarqueeError:
    return MarqueeError(f"{name} gives user {user} a score that is not finite: regularize it more strongly")


def top_k_dense(scores: np.ndarray, seen: UserItems, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lists and their scores, [n, k] each, from finite scores [n, n_items], which are changed."""
    from marquee.kernels.topk import absorb

    n, n_items = scores.shape
    items, values = empty_lists(n, k)
    every = np.arange(n_items, dtype=np.int32)
    absorb(scores, np.arange(n), every, seen.owners().astype(np.int32), seen.items, items, values)
    return items, values


class ItemTiles(NamedTuple):
    """Hold the items in the order in which they are searched; it serves all users.

    right    float32 [n_items, d], padded to whole tiles: the likely items first, then the longest vectors
    ids      int32 [n_items]: the item at each place; `place` int32 [n_items]: the place of each item
    longest  float64 [n_tiles]: the longest vector from each tile on, and `reach` that of all
    common   int64: the columns that add the same to all items, `level` what they hold, `rest` the others
    """

    right: np.ndarray
    ids: np.ndarray
    place: np.ndarray
    longest: np.ndarray
    reach: float
    common: np.ndarray
    level: np.ndarray
    rest: np.ndarray

    @classmethod
    def of(cls, product: FactorScores, users: np.ndarray) -> Self:
        """Order the items for `users` [n]: first those with the best mean score."""
        right, (n_items, d) = product.right, product.right.shape
        common = np.flatnonzero((right == right[0]).all(0))
        rest = np.setdiff1d(np.arange(d), common)
        length = np.linalg.norm(right[:, rest].astype(np.float64), axis=1)
        with single_threaded_blas():
            likely = np.argsort(-(right @ product.left[users].mean(0)), kind="stable")[:ITEMS]
        first = np.zeros(n_items, bool)
        first[likely] = True
        ids = np.lexsort((-length, ~first)).astype(np.int32)
        place = np.empty_like(ids)
        place[ids] = np.arange(n_items, dtype=np.int32)
        longest = np.append(length.max(), length[ids[ITEMS::ITEMS]])
        reach = float(length.max(initial=0))
        return cls(_padded(right[ids], ITEMS), ids, place, longest, reach, common, right[0, common], rest)


def top_k_factors(
    product: FactorScores,
    users: np.ndarray,
    seen: UserItems,
    k: int,
    enough: np.ndarray | None = None,
    tiles: ItemTiles | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """List the k best items of `users` [n]: items int32 [n, k] and their scores float32 [n, k].

    seen    by user: what is not listed
    enough  float [n]: a list with k items of a higher score may stop there and miss better ones
    tiles   of these and perhaps more users; None: of these
    """
    from marquee.kernels.topk import absorb, by_tile, unfinished

    tiles = tiles or ItemTiles.of(product, users)
    right, ids, d = tiles.right, tiles.ids, product.right.shape[1]
    items, values = empty_lists(len(users), k)
    starts = range(0, len(ids), ITEMS)
    slack = (d + 4) * np.finfo(np.float32).eps  # what rounding adds to a sum of d products at most

    def work(rows: slice) -> None:
        block = users[rows]
        whole = product.left[block]
        shift = (whole[:, tiles.common].astype(np.float64) * tiles.level).sum(1)
        reach = np.linalg.norm(whole[:, tiles.rest].astype(np.float64), axis=1)
        best, score = items[rows], values[rows]
        satisfied = np.full(len(block), np.inf) if enough is None else enough[rows]
        satisfied = satisfied + slack * (abs(shift) + reach * tiles.reach)
        begin, hidden, column = by_tile(block, *seen, tiles.place, ITEMS, len(starts))
        active = np.arange(len(block))
        left = _padded(whole, ROUND)
        memory = np.empty(len(left) * ITEMS, np.float32)
        for tile, start in enumerate(starts):
            if tile % LOOK == 0:
                still = unfinished(active, score, shift, reach, tiles.longest[tile], slack, satisfied)
                if not len(still):
                    break
                if len(active) - len(still) >= ROUND:
                    active, left = still, _padded(whole[still], ROUND)
            scores = memory[: len(left) * ITEMS].reshape(-1, ITEMS)
            np.matmul(left, right[start : start + ITEMS].T, out=scores)
            part = slice(begin[tile], begin[tile + 1])
            absorb(scores, active, ids[start : start + ITEMS], hidden[part], column[part], best, score)

    parallel_blocks(work, len(users), USERS)
    return items, values


def empty_lists(n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return items int32 [n, k] of -1 and scores float32 [n, k] of -inf."""
    return np.full((n, k), -1, np.int32), np.full((n, k), -np.inf, np.float32)


def _padded(rows: np.ndarray, step: int) -> np.ndarray:
    """Return the rows with zeros below, up to a multiple of `step` rows."""
    lacking = -len(rows) % step
    return np.pad(rows, ((0, lacking), (0, 0))) if lacking else rows
