"""Damped biases: how far a user and a movie deviate from the mean, shrunk to 0 where ratings are few."""

from __future__ import annotations

from typing import Self

import numpy as np

from marquee.data.ratings import Ratings
from marquee.engine import map_blocks, on_spark, share
from marquee.training.sparse_rows import even_blocks


def damped_means(index: np.ndarray, values: np.ndarray, damping: float, n: int) -> np.ndarray:
    """Return float32 [n]: Σ values / (damping + count) over each index; 0 for 0 / 0."""
    total = np.bincount(index, weights=values, minlength=n)
    weight = np.bincount(index, minlength=n) + damping
    return np.divide(total, weight, out=np.zeros(n), where=weight > 0).astype(np.float32)


def user_biases(
    ratings: Ratings, mean: float, item_bias: np.ndarray, damping: float, n_users: int
) -> np.ndarray:
    """Return float32 [n_users]: the same solve for training users and for users folded in."""
    rest = ratings.rating - np.float64(mean) - item_bias[ratings.item]
    return damped_means(ratings.user, rest, damping, n_users)


class _Side:
    """Hold what is summed for each user, or each item: its values [m] and the other's id of each.

    On Spark the values of one stay together, in the order they have here, so the sums are those of threads.
    """

    def __init__(self, index: np.ndarray, other: np.ndarray, values: np.ndarray, n: int) -> None:
        self.index, self.other, self.values, self.n = index, other, values, n
        if on_spark():
            offsets = np.append(0, np.cumsum(np.bincount(index, minlength=n)))
            order = np.argsort(index, kind="stable")
            self.blocks = even_blocks(offsets)
            self.held = share(offsets=offsets, other=other[order], values=values[order])

    def means(self, bias: np.ndarray, damping: float) -> np.ndarray:
        """Return float32 [n]: the damped means of the values, each without the `bias` of its other."""
        if not on_spark():
            return damped_means(self.index, self.values - bias[self.other], damping, self.n)
        given = {"bias": bias, "damping": damping}
        return np.concatenate(map_blocks(means_of_block, self.blocks, self.held, given))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if on_spark():
            self.held.close()


def means_of_block(
    first: int,
    stop: int,
    offsets: np.ndarray,
    other: np.ndarray,
    values: np.ndarray,
    bias: np.ndarray,
    damping: float,
) -> np.ndarray:
    """Do `_Side.means` for the rows from `first` to before `stop`."""
    own = slice(int(offsets[first]), int(offsets[stop]))
    index = np.repeat(np.arange(stop - first), np.diff(offsets[first : stop + 1]))
    return damped_means(index, values[own] - bias[other[own]], damping, stop - first)


def damped_biases(
    train: Ratings, n_users: int, n_items: int, user_damping: float, item_damping: float, sweeps: int = 10
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the mean rating and the biases, float32 [n_users] and [n_items], solved in turns (Koren 2008):

    min  Σ (r_ui - μ - b_u - b_i)² + user_damping Σ b_u² + item_damping Σ b_i²
    """
    mean = float(train.rating.mean(dtype=np.float64))
    centered = train.rating - np.float64(mean)
    user_bias = np.zeros(n_users, np.float32)
    with (
        _Side(train.item, train.user, centered, n_items) as items,
        _Side(train.user, train.item, centered, n_users) as users,
    ):
        for _ in range(sweeps):
            item_bias = items.means(user_bias, item_damping)
            user_bias = users.means(item_bias, user_damping)
    return mean, user_bias, item_bias
