"""Stochastic gradient descent on a bilinear rating model in NumPy: `marquee.kernels.sgd`, readable and slow.

Both have the same functions, orders and steps; `kernel: numpy` of `sgd_mf` trains with these.
"""

from __future__ import annotations

import numpy as np

from marquee.kernels.rating_blocks import GROUPS, TOGETHER, RatingBlocks, even_ranges


def descend(
    user: np.ndarray,
    item: np.ndarray,
    rating: np.ndarray,
    mean: np.floating,
    users: np.ndarray,
    items: np.ndarray,
    user_bias: np.ndarray,
    item_bias: np.ndarray,
    step: np.floating,
    penalty: np.floating,
    biases: bool,
    learn_items: bool,
) -> float:
    """Take a gradient step for each rating, in order and in place; return the sum of squared errors.

    user, item, rating     int32, int32, float32 [n]
    users, items           float32 [n_users, dim], [n_items, dim]: p and q; `items` are fixed or learned
    user_bias, item_bias   float32 [n_users], [n_items]: always added, learned if `biases`
    """
    total = 0.0
    for u, i, r in zip(user, item, rating, strict=True):
        error = r - (mean + user_bias[u] + item_bias[i] + users[u] @ items[i])
        total += float(error) ** 2
        user_step = step * (error * items[i] - penalty * users[u])  # both steps start from the old p and q
        if learn_items:
            items[i] += step * (error * users[u] - penalty * items[i])
        users[u] += user_step
        if biases:
            user_bias[u] += step * (error - penalty * user_bias[u])
            if learn_items:
                item_bias[i] += step * (error - penalty * item_bias[i])
    return total


def pass_over(
    blocks: RatingBlocks,
    shifts: np.ndarray,
    mean: np.floating,
    users: np.ndarray,
    items: np.ndarray,
    user_bias: np.ndarray,
    item_bias: np.ndarray,
    step: np.floating,
    penalty: np.floating,
    biases: bool,
) -> float:
    """Call `descend` on all `blocks`; return the sum of squared errors before each step.

    For each of `shifts`, a permutation of the groups, it visits the blocks (g, g + shift).
    """
    weights, total = (users, items, user_bias, item_bias), 0.0
    for shift in shifts:
        for g in range(GROUPS):
            block = g * GROUPS + (g + shift) % GROUPS
            rows = slice(blocks.first[block], blocks.first[block + 1])
            columns = blocks.user[rows], blocks.item[rows], blocks.rating[rows]
            total += descend(*columns, mean, *weights, step, penalty, biases, learn_items=True)
    return total


def ratings_in_blocks(
    user: np.ndarray, item: np.ndarray, rating: np.ndarray, rng: np.random.Generator
) -> RatingBlocks:
    """Return the ratings laid out for `pass_over`.

    A group is a range of ids; all groups have about as many ratings. Inside a block users follow in the order
    of their ids, a few at a time, and the ratings of those few are in random order.
    """
    by_user = np.argsort(user, kind="stable")
    draws = rng.integers(0, 1 << 32, len(user), dtype=np.uint32).tolist()
    rows: list[int] = []
    few: list[int] = []  # rows of the users at hand, shuffled inside out (Knuth's P, from the front)
    for place, row in enumerate(by_user.tolist()):
        if few and user[row] // TOGETHER != user[few[0]] // TOGETHER:
            rows.extend(few)
            few = []
        chosen = (draws[place] * (len(few) + 1)) >> 32
        few.append(row)
        few[-1], few[chosen] = few[chosen], few[-1]
    order = np.array(rows + few, np.int64)
    groups = even_ranges(np.bincount(user))[user], even_ranges(np.bincount(item))[item]
    block = (groups[0] * GROUPS + groups[1])[order]
    order = order[np.argsort(block, kind="stable")]
    first = np.append(0, np.cumsum(np.bincount(block, minlength=GROUPS * GROUPS)))
    return RatingBlocks(first, user[order], item[order], rating[order])
