"""The inverse in place, against NumPy's."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from marquee.kernels import inverse
from marquee.rng import named_rng


def positive_definite(n: int) -> np.ndarray:
    x = named_rng(n, "x").normal(size=(n, n + 3))
    return x @ x.T + np.eye(n)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 40, 41])
def test_it_is_the_inverse_whatever_is_left_over_by_the_blocks(n, monkeypatch):
    monkeypatch.setattr(inverse, "PIVOTS", 8)
    matrix = positive_definite(n)
    found = np.tril(matrix) + np.triu(np.full((n, n), 1e6), 1)  # what is above the diagonal is not read
    inverse.invert(found)
    np.testing.assert_allclose(np.tril(found), np.tril(np.linalg.inv(matrix)), atol=1e-10)


def test_more_blocks_and_tiles_than_one():
    matrix = positive_definite(1100)
    found = matrix.copy()
    inverse.invert(found)
    np.testing.assert_allclose(np.tril(found), np.tril(np.linalg.inv(matrix)), rtol=1e-6, atol=1e-10)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread is all there is")
def test_one_thread_and_two_give_the_same_bytes():
    found = []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        found.append(positive_definite(1100))
        inverse.invert(found[-1])
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert found[0].tobytes() == found[1].tobytes()
