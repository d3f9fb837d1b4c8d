"""Regularised least squares for many rows at once: the solve that alternating least squares is made of.

Import it where it is used: numba takes a second, and compiles the kernel the first time (then from a cache).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from marquee.foundation.threads import one_blas_thread

TILE = 64  # entries whose features are copied side by side, so that a matrix product takes them at once


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

    which solves (G + Σ y_j y_jᵀ + diag(pull_r)) x = Σ t y_j + pull_r ∘ prior_r, by Cholesky in float64; the
    products y_j y_jᵀ are summed in float32 over a tile and in float64 over tiles. A row is one thread's from
    beginning to end: with BLAS on one thread the bytes do not depend on how many there are.

    offsets, columns, targets  int64 [n_rows + 1], int [n_entries], float [n_entries]: t and j by row
    features                   float32 [n_columns, dim]: y
    pull                       float64 [n_rows, dim], all positive: then the system is as well
    prior                      float32 [n_rows, dim]: what x is without an entry, where G is zero
    gram                       float64 [dim, dim]: G, what all columns have in common (implicit ALS); or zeros
    """
    import scipy.linalg.cython_blas  # noqa: F401 - the kernel's BLAS; what is not loaded cannot be limited

    with one_blas_thread():
        return _solve_rows(offsets, columns, targets, features, pull, prior, gram)


@njit(cache=True, parallel=True, fastmath={"contract"})
def _solve_rows(
    offsets: np.ndarray,
    columns: np.ndarray,
    targets: np.ndarray,
    features: np.ndarray,
    pull: np.ndarray,
    prior: np.ndarray,
    gram: np.ndarray,
) -> np.ndarray:
    n_rows, dim = len(offsets) - 1, features.shape[1]
    solved = np.empty((n_rows, dim), np.float32)
    for row in prange(n_rows):
        system, x = gram.copy(), np.empty(dim)
        for k in range(dim):
            system[k, k] += pull[row, k]
            x[k] = pull[row, k] * prior[row, k]
        tile, products = np.empty((TILE, dim), np.float32), np.empty((dim, dim), np.float32)
        for first in range(offsets[row], offsets[row + 1], TILE):
            n = min(TILE, offsets[row + 1] - first)
            for entry in range(n):
                column, target = columns[first + entry], targets[first + entry]
                for k in range(dim):
                    tile[entry, k] = features[column, k]
                    x[k] += target * features[column, k]
            np.dot(tile[:n].T, tile[:n], products)
            for k in range(dim):
                for m in range(dim):
                    system[k, m] += products[k, m]
        solve_in_place(system, x)
        for k in range(dim):
            solved[row, k] = x[k]
    return solved


@njit(cache=True, fastmath={"contract"})
def solve_in_place(system: np.ndarray, x: np.ndarray) -> None:
    """Turn `x` [dim] into system⁻¹ x, by Cholesky: system = UᵀU. Reads and overwrites the upper triangle.

    Four rows of U are made at a time and taken off the rows below in one pass over them, along the rows:
    dim 64 takes 11 µs, as LAPACK does, where one row at a time takes 26.
    """
    dim = len(x)
    for first in range(0, dim, 4):
        last = min(first + 4, dim)
        for k in range(first, last):
            for above in range(first, k):
                share = system[above, k]
                for m in range(k, dim):
                    system[k, m] -= share * system[above, m]
            pivot = np.sqrt(system[k, k])
            for m in range(k, dim):
                system[k, m] /= pivot
        if last - first == 4:  # otherwise no row is below
            for row in range(last, dim):
                a, b = system[first, row], system[first + 1, row]
                c, d = system[first + 2, row], system[first + 3, row]
                for m in range(row, dim):
                    system[row, m] -= (
                        a * system[first, m]
                        + b * system[first + 1, m]
                        + c * system[first + 2, m]
                        + d * system[first + 3, m]
                    )
    for k in range(dim):  # Uᵀ z = x
        x[k] /= system[k, k]
        for m in range(k + 1, dim):
            x[m] -= system[k, m] * x[k]
    for k in range(dim - 1, -1, -1):  # U x = z
        for m in range(k + 1, dim):
            x[k] -= system[k, m] * x[m]
        x[k] /= system[k, k]
