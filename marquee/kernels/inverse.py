"""The inverse of a large symmetric matrix in the memory of the matrix.

Import it where it is used: numba takes a second, and compiles the kernel the first time (then from a cache).
"""

from __future__ import annotations

import numpy as np

from marquee.kernels.jit import njit, prange
from marquee.parallel import single_threaded_blas

PIVOTS = 256  # rows and columns that are swept at a time
TILE = 512  # rows and columns of what one thread changes at a time


def invert(matrix: np.ndarray) -> None:
    """Turn the lower triangle of a positive definite `matrix` [n, n] into that of its inverse.

    The sweep operator (Goodnight 1979) on blocks. With D the rows and columns K of the matrix, C the columns
    K of its other rows and A the rest, a step is

        A ← A - C D⁻¹ Cᵀ,   C ← C D⁻¹,   D ← -D⁻¹

    and once every K has had its turn, the matrix is minus its inverse. n³ operations, as many as LAPACK's
    Cholesky and the inverse from it, and nearly all of them in A, tile by tile. A tile is one thread's: with
    BLAS on one thread the bytes do not depend on how many there are. Beside the matrix it holds 2 n PIVOTS
    numbers.
    """
    import scipy.linalg.cython_blas  # noqa: F401 - the kernel's BLAS; what is not loaded cannot be limited

    with single_threaded_blas():
        for first in range(0, len(matrix), PIVOTS):
            last = min(first + PIVOTS, len(matrix))
            pivot = np.tril(matrix[first:last, first:last])
            inverse = np.linalg.inv(pivot + np.tril(pivot, -1).T)
            columns = np.concatenate([matrix[first:last, :first].T, matrix[first:, first:last]])
            columns[first:last] = 0  # D has an update of its own
            scaled = columns @ inverse  # (n, PIVOTS)
            _subtract_product(matrix, scaled, columns)
            matrix[first:last, :first] = scaled[:first].T
            matrix[last:, first:last] = scaled[last:]
            matrix[first:last, first:last] = -inverse
    np.negative(matrix, out=matrix)


@njit(cache=True, parallel=True)
def _subtract_product(matrix: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """matrix -= left rightᵀ, in the tiles that the lower triangle touches."""
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
