"""Stochastic gradient descent on a bilinear rating model: the loop over ratings, compiled.

Import it where it is used: numba takes a second, and compiles the kernel the first time (then from a cache).
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def descend(
    order: np.ndarray,
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
    """One pass: a gradient step for each rating of `order`, in place; the sum of squared errors on the way.

    With e = rating - mean - b_u - b_i - p_u·q_i, each step moves all four at once:

        p_u += step (e q_i - penalty p_u),   q_i += step (e p_u - penalty q_i)
        b_u += step (e - penalty b_u),       b_i += step (e - penalty b_i)      if `biases`

    order                  int64 [n_visits]: rows to visit; fastest where a user's stand together
    user, item, rating     int32, int32, float [n]
    users, items           float [n_users, dim], [n_items, dim]: p and q; `items` stay without `learn_items`
    user_bias, item_bias   float [n_users], [n_items]: added in any case, learnt if `biases`

    All floats are of one type. One thread, no reordered sums: the same bytes on every machine. The product
    adds up in eight strands, since a single one would wait for each addition to end before the next.
    """
    dim = users.shape[1]
    whole = dim - dim % 8
    total = 0.0
    none = mean - mean  # a zero of the arrays' type
    for row in order:
        u, i = user[row], item[row]
        p, q = users[u], items[i]
        s0, s1, s2, s3, s4, s5, s6, s7 = none, none, none, none, none, none, none, none
        for k in range(0, whole, 8):
            s0 += p[k] * q[k]
            s1 += p[k + 1] * q[k + 1]
            s2 += p[k + 2] * q[k + 2]
            s3 += p[k + 3] * q[k + 3]
            s4 += p[k + 4] * q[k + 4]
            s5 += p[k + 5] * q[k + 5]
            s6 += p[k + 6] * q[k + 6]
            s7 += p[k + 7] * q[k + 7]
        for k in range(whole, dim):
            s0 += p[k] * q[k]
        product = ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))
        error = rating[row] - mean - user_bias[u] - item_bias[i] - product
        total += error * error
        if biases:
            user_bias[u] += step * (error - penalty * user_bias[u])
            if learn_items:
                item_bias[i] += step * (error - penalty * item_bias[i])
        if learn_items:
            for k in range(dim):
                pk, qk = p[k], q[k]
                p[k] = pk + step * (error * qk - penalty * pk)
                q[k] = qk + step * (error * pk - penalty * qk)
        else:
            for k in range(dim):
                p[k] += step * (error * q[k] - penalty * p[k])
    return total
