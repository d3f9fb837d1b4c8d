"""The epoch of `marquee.kernels.sgd` once more, readable, in NumPy: what the compiled one must equal."""

from __future__ import annotations

import numpy as np


def descend_slowly(
    user: np.ndarray,
    item: np.ndarray,
    rating: np.ndarray,
    mean: float,
    users: np.ndarray,
    items: np.ndarray,
    user_bias: np.ndarray,
    item_bias: np.ndarray,
    step: float,
    penalty: float,
    biases: bool,
    learn_items: bool,
) -> float:
    """As `marquee.kernels.sgd.descend`."""
    total = 0.0
    for u, i, r in zip(user, item, rating, strict=True):
        error = r - mean - user_bias[u] - item_bias[i] - users[u] @ items[i]
        total += float(error) ** 2
        user_step = step * (error * items[i] - penalty * users[u])
        if learn_items:
            items[i] += step * (error * users[u] - penalty * items[i])
        users[u] += user_step
        if biases:
            user_bias[u] += step * (error - penalty * user_bias[u])
            if learn_items:
                item_bias[i] += step * (error - penalty * item_bias[i])
    return total
