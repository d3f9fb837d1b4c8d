"""Regularised least squares for many rows at once: the solve that alternating least squares is made of.

Import it where it is used: numba takes a second, and compiles the kernel the first time (then from a cache).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True, parallel=True)
def solve_rows(
    offsets: np.ndarray,
    columns: np.ndarray,
    targets: np.ndarray,
    features: np.ndarray,
    pull: np.ndarray,
    prior: np.ndarray,
    gram: np.ndarray,
) -> np.ndarray:
    """float32 [n_rows, dim]: for each row r of a CSR matrix the vector x that minimises

        Σ over its entries (t, j) of (t - x·y_j)² + xᵀ G x + Σ_k pull_rk (x_k - prior_rk)²

    which solves (G + Σ y_j y_jᵀ + diag(pull_r)) x = Σ t y_j + pull_r ∘ prior_r, by Cholesky in float64.
    A row is one thread's from beginning to end, so the bytes do not depend on their number.

    offsets, columns, targets  int64 [n_rows + 1], int [n_entries], float [n_entries]: t and j by row
    features                   float32 [n_columns, dim]: y
    pull                       float64 [n_rows, dim], all positive: then the system is as well
    prior                      float32 [n_rows, dim]: what x is without an entry, where G is zero
    gram                       float64 [dim, dim]: G, what all columns have in common (implicit ALS); or zeros
    """
    n_rows, dim = len(offsets) - 1, features.shape[1]
    solved = np.empty((n_rows, dim), np.float32)
    for row in prange(n_rows):
        system, x = gram.copy(), np.empty(dim)
        for k in range(dim):
            system[k, k] += pull[row, k]
            x[k] = pull[row, k] * prior[row, k]
        for entry in range(offsets[row], offsets[row + 1]):
            y = features[columns[entry]].astype(np.float64)
            for k in range(dim):
                x[k] += targets[entry] * y[k]
                for m in range(k + 1):  # the lower triangle is enough
                    system[k, m] += y[k] * y[m]
        solve_in_place(system, x)
        solved[row] = x
    return solved


@njit(cache=True)
def solve_in_place(system: np.ndarray, x: np.ndarray) -> None:
    """Turn `x` [dim] into system⁻¹ x, by Cholesky: system = L Lᵀ. Reads and overwrites the lower triangle."""
    dim = len(x)
    for k in range(dim):
        for m in range(k + 1):
            rest = system[k, m]
            for n in range(m):
                rest -= system[k, n] * system[m, n]
            system[k, m] = np.sqrt(rest) if k == m else rest / system[m, m]
    for k in range(dim):  # L z = x
        for n in range(k):
            x[k] -= system[k, n] * x[n]
        x[k] /= system[k, k]
    for k in range(dim - 1, -1, -1):  # Lᵀ x = z
        for n in range(k + 1, dim):
            x[k] -= system[n, k] * x[n]
        x[k] /= system[k, k]
