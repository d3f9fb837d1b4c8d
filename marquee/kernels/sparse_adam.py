"""One compiled step of Adam on the logistic loss of dot products, which moves only the rows of its batch.

Import it inside a function: numba loads in a second, and compiles the first time only.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marquee.kernels.jit import njit

BETAS, EPSILON = (0.9, 0.999), 1e-8  # the usual ones


class Table(NamedTuple):
    """Hold the vectors that are trained, and what a step needs beside them.

    rows            float32 [n, dim]
    mean, variance  float32 [n, dim]: Adam's moments
    slot            int32 [n]: -1 between steps; in a step, the row's place among those of the batch
    touched         int32 [most]: those rows, at most `most`
    gradient        float32 [most, dim]
    """

    rows: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    slot: np.ndarray
    touched: np.ndarray
    gradient: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, mean: np.ndarray, variance: np.ndarray, most: int) -> Table:
        n, dim = rows.shape
        most = min(most, n)
        gradient = np.empty((most, dim), rows.dtype)
        return cls(rows, mean, variance, np.full(n, -1, np.int32), np.empty(most, np.int32), gradient)


FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, fastmath=FAST, error_model="numpy")
def step(
    user: np.ndarray,
    item: np.ndarray,
    users: Table,
    items: Table,
    bias: Table,
    rate: float,
    number: int,
    decay: float,
    penalty: float,
) -> float:
    """Take step `number` (from 1) of length `rate` in place, and return the sum of the losses before it.

    user    int32 [b]
    item    int32 [b, 1 + per_positive]: of each, the first is positive and the others are not
    bias    a table of dim 1; its `slot`, `touched` are not used, the items' are
    decay   adds decay · row to the gradient of each row that is touched
    penalty adds penalty · row for each time that it is touched, over the number of pairs; not to the bias
    """
    real = users.rows.dtype.type
    n, width = item.shape
    dim = users.rows.shape[1]
    l2 = real(penalty)
    total = 0.0
    n_users, n_items = 0, 0  # that are touched
    for row in range(n):
        u = user[row]
        if users.slot[u] < 0:
            users.slot[u], users.touched[n_users] = n_users, u
            users.gradient[n_users] = 0
            n_users += 1
        a = users.slot[u]
        odds = 1.0  # the product of 1 + exp(-|s|): one logarithm for all
        for j in range(width):
            i = item[row, j]
            if items.slot[i] < 0:
                items.slot[i], items.touched[n_items] = n_items, i
                items.gradient[n_items] = 0
                bias.gradient[n_items] = 0
                n_items += 1
            c = items.slot[i]
            s = bias.rows[i, 0]
            for k in range(dim):
                s += users.rows[u, k] * items.rows[i, k]
            small = math.exp(-abs(s))
            slope = (real(1) if s >= 0 else small) / (real(1) + small)  # σ(s)
            odds *= 1.0 + small
            total += max(s, real(0))
            if j == 0:
                slope -= real(1)
                total -= s
            if odds > 1e30:
                total += math.log(odds)
                odds = 1.0
            bias.gradient[c, 0] += slope
            for k in range(dim):
                p, q = users.rows[u, k], items.rows[i, k]
                users.gradient[a, k] += slope * q + l2 * p
                items.gradient[c, k] += slope * p + l2 * q
        total += math.log(odds)
    factor = 1.0 / (n * width)
    _move(users, users.touched[:n_users], factor, rate, number, decay)
    _move(items, items.touched[:n_items], factor, rate, number, decay)
    _move(bias, items.touched[:n_items], factor, rate, number, decay)
    users.slot[users.touched[:n_users]] = -1
    items.slot[items.touched[:n_items]] = -1
    return total


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _move(table: Table, touched: np.ndarray, factor: float, rate: float, number: int, decay: float) -> None:
    """Move the rows `touched` by Adam; their gradients are the table's first, times `factor`."""
    real = table.rows.dtype.type
    first, second = real(BETAS[0]), real(BETAS[1])
    length = real(rate * math.sqrt(1 - BETAS[1] ** number) / (1 - BETAS[0] ** number))
    scale, l2, least = real(factor), real(decay), real(EPSILON)
    for place in range(len(touched)):
        r = touched[place]
        for k in range(table.rows.shape[1]):
            slope = scale * table.gradient[place, k] + l2 * table.rows[r, k]
            mean = first * table.mean[r, k] + (real(1) - first) * slope
            variance = second * table.variance[r, k] + (real(1) - second) * slope * slope
            table.mean[r, k], table.variance[r, k] = mean, variance
            table.rows[r, k] -= length * mean / (math.sqrt(variance) + least)
