"""Damped biases: how far a user and a movie deviate from the mean, shrunk to 0 where ratings are few."""

from __future__ import annotations

import numpy as np

from marquee.data.ratings import Ratings


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


def damped_biases(
    train: Ratings, n_users: int, n_items: int, user_damping: float, item_damping: float, sweeps: int = 10
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the mean rating and the biases, float32 [n_users] and [n_items], solved in turns (Koren 2008):

    min  Σ (r_ui - μ - b_u - b_i)² + user_damping Σ b_u² + item_damping Σ b_i²
    """
    mean = float(train.rating.mean(dtype=np.float64))
    centered = train.rating - np.float64(mean)
    user_bias = np.zeros(n_users, np.float32)
    for _ in range(sweeps):
        item_bias = damped_means(train.item, centered - user_bias[train.user], item_damping, n_items)
        user_bias = user_biases(train, mean, item_bias, user_damping, n_users)
    return mean, user_bias, item_bias
