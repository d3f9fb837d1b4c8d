"""Stochastic gradient descent on a bilinear rating model: the loop over ratings, compiled.

`marquee.training.sgd_numpy` is the same in NumPy, readable.

Import it inside a function: numba loads in a second, and compiles the first time only.
"""

from __future__ import annotations

import numba
import numpy as np

from marquee.kernels.jit import njit, prange
from marquee.kernels.rating_blocks import GROUPS, TOGETHER, RatingBlocks, even_ranges
from marquee.parallel import is_ascending

WORTH_THREADS = 1 << 28  # ratings x dim of an epoch, about 0.1 s; below, threads wait for each other too long


@njit(cache=True, fastmath={"contract", "reassoc", "nsz"}, error_model="numpy")
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

    With e = rating - mean - b_u - b_i - p_u·q_i, each step moves all four at once:

        p_u += step (e q_i - penalty p_u),   q_i += step (e p_u - penalty q_i)
        b_u += step (e - penalty b_u),       b_i += step (e - penalty b_i)      if `biases`

    computed as (1 - step penalty) p_u + (step e) q_i and so on.

    user, item, rating     int32, int32, float [n]
    users, items           float [n_users, dim], [n_items, dim]: p and q; `items` are fixed or learned
    user_bias, item_bias   float [n_users], [n_items]: always added, learned if `biases`

    All floats have one type. The compiler may add up the product in the order that suits the processor, the
    same at each call: the bytes are equal on one machine, not on all.
    """
    dim = users.shape[1]
    none = mean - mean  # a zero of the arrays' type
    keep = users.dtype.type(1) - step * penalty
    total = 0.0
    for n in range(len(user)):
        u, i = user[n], item[n]
        p, q = users[u], items[i]
        product = none
        for k in range(dim):
            product += p[k] * q[k]
        error = rating[n] - mean - user_bias[u] - item_bias[i] - product
        total += error * error
        slope = step * error
        if biases:
            user_bias[u] = keep * user_bias[u] + slope
            if learn_items:
                item_bias[i] = keep * item_bias[i] + slope
        if learn_items:
            for k in range(dim):
                pk, qk = p[k], q[k]
                p[k] = keep * pk + slope * qk
                q[k] = keep * qk + slope * pk
        else:
            for k in range(dim):
                p[k] = keep * p[k] + slope * q[k]
    return total


def ratings_in_blocks(
    user: np.ndarray, item: np.ndarray, rating: np.ndarray, rng: np.random.Generator
) -> RatingBlocks:
    """Return the ratings laid out for `pass_over`; fastest where `user` ascends.

    A group is a range of ids; all groups have about as many ratings. Inside a block users follow in the order
    of their ids, a few at a time, and the ratings of those few are in random order.
    """
    if not is_ascending(user):
        rows = np.argsort(user, kind="stable")
        user, item, rating = user[rows], item[rows], rating[rows]
    counts = np.bincount(user)
    starts = np.append(0, np.cumsum(counts))  # [n_users + 1], rows
    draws = rng.integers(0, 1 << 32, len(user), dtype=np.uint32)
    groups = even_ranges(counts), even_ranges(np.bincount(item))
    return RatingBlocks(*_lay_out(starts, item, rating, *groups, draws))


@njit(cache=True)
def _lay_out(
    starts: np.ndarray,
    item: np.ndarray,
    rating: np.ndarray,
    user_group: np.ndarray,
    item_group: np.ndarray,
    draws: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the fields of `RatingBlocks`: a few users' rows are shuffled inside out, and dealt to blocks."""
    n_users, n = len(starts) - 1, len(item)
    counts = np.zeros(GROUPS * GROUPS + 1, np.int64)
    for u in range(n_users):
        for row in range(starts[u], starts[u + 1]):
            counts[user_group[u] * GROUPS + item_group[item[row]] + 1] += 1
    first = np.cumsum(counts)
    place = first.copy()
    users, items, ratings = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, rating.dtype)
    rows, owners = np.empty(0, np.int64), np.empty(0, np.int32)  # of a few users
    for begin in range(0, n_users, TOGETHER):
        end = min(begin + TOGETHER, n_users)
        length = starts[end] - starts[begin]
        if length > len(rows):
            rows, owners = np.empty(2 * length, np.int64), np.empty(2 * length, np.int32)
        count = 0
        for u in range(begin, end):
            for row in range(starts[u], starts[u + 1]):
                chosen = (np.int64(draws[row]) * (count + 1)) >> 32
                rows[count], owners[count] = rows[chosen], owners[chosen]
                rows[chosen], owners[chosen] = row, u
                count += 1
        for k in range(count):
            row, u = rows[k], owners[k]
            block = user_group[u] * GROUPS + item_group[item[row]]
            at = place[block]
            place[block] = at + 1
            users[at], items[at], ratings[at] = u, item[row], rating[row]
    return first, users, items, ratings


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
    """Call `descend` on all `blocks`, in place; return the sum of squared errors before each step.

    For each of `shifts`, a permutation of the groups, the blocks (g, g + shift) share no user and no item
    (Gemulla et al., 2011): all threads visit them at once, and the bytes do not depend on their number. One
    thread makes a short epoch.
    """
    threads = numba.get_num_threads()
    if len(blocks.user) * users.shape[1] < WORTH_THREADS:
        numba.set_num_threads(1)
    try:
        return _pass_over(*blocks, shifts, mean, users, items, user_bias, item_bias, step, penalty, biases)
    finally:
        numba.set_num_threads(threads)


@njit(cache=True, parallel=True)
def _pass_over(
    first: np.ndarray,
    user: np.ndarray,
    item: np.ndarray,
    rating: np.ndarray,
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
    totals = np.zeros(GROUPS * GROUPS)
    for shift in shifts:
        for g in prange(GROUPS):
            block = g * GROUPS + (g + shift) % GROUPS
            rows = slice(first[block], first[block + 1])
            totals[block] = descend(
                user[rows],
                item[rows],
                rating[rows],
                mean,
                users,
                items,
                user_bias,
                item_bias,
                step,
                penalty,
                biases,
                True,
            )
    return totals.sum()
