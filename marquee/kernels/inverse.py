"""The inverse of a large symmetric matrix in the memory of the matrix.

Import it inside a function: numba loads in a second, and compiles the first time only.
"""

from __future__ import annotations

import numpy as np

from marquee.kernels.jit import njit, prange
from marquee.parallel import single_threaded_blas

PIVOTS = 256  # rows and columns in one step
TILE = 512  # rows and columns of what one thread changes at a time


def invert(matrix: np.ndarray) -> None:
    """Turn the lower triangle of a positive definite `matrix` [n, n] into that of its inverse.

    The sweep operator (Goodnight 1979) on blocks. With D the rows and columns K of the matrix, C the columns
    K of its other rows and A the rest, a step is

        A ← A - C D⁻¹ Cᵀ,   C ← C D⁻¹,   D ← -D⁻¹

    and after a step for every K the matrix is minus its inverse. n³ operations, as many as LAPACK's Cholesky
    and the inverse from it, nearly all of them in A, tile by tile. One thread computes a tile: with BLAS on
    one thread the bytes do not depend on the number of threads. It takes 2 n PIVOTS more numbers.
    """
    import scipy.linalg.cython_blas  # noqa: F401 - the kernel's BLAS; only a loaded one can be limited

    with single_threaded_blas():
        for first in range(0, len(matrix), PIVOTS):
            last = min(first + PIVOTS, len(matrix))
            pivot = np.tril(matrix[first:last, first:last])
            inverse = np.linalg.inv(pivot + np.tril(pivot, -1).T)
            columns = np.concatenate([matrix[first:last, :first].T, matrix[first:, first:last]])
            columns[first:last] = 0  # D has an update of its own
            products = columns @ inverse  # (n, PIVOTS)
            _subtract_product(matrix, products, columns)
            matrix[first:last, :first] = products[:first].T
            matrix[last:, first:last] = products[last:]
            matrix[first:last, first:last] = -inverse
    np.negative(matrix, out=matrix)


@njit(cache=True, parallel=True)
def _subtract_product(matrix: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Subtract left rightᵀ from the tiles of `matrix` that its lower triangle touches."""
    n = len(matrix)
    width = (n + TILE - 1) // TILE
    for place in prange(width * width):
        top, start = place // width * TILE, place % width * TILE
        if start > top:
            continue
        bottom, end = min(top + TILE, n), min(start + TILE, n)
        product = np.dot(left[top:bottom], right[start:end].T)
        for row in range(top, bottom):
            for column in range(start, end):
                matrix[row, column] -= product[row - top, column - start]
