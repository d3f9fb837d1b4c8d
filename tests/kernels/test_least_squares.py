"""The kernel of alternating least squares against a dense solve of every row."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee.kernels.least_squares import TILE, solve_rows

ROUNDING = 5e-6  # float32 sums of some tens of numbers, and the residual that ends a solve


def twin(offsets, columns, targets, features, penalty, prior, everywhere=0.0, shift=None, weights=None):
    """`solve_rows` as its docstring has it, and what each of its results may be off by.

    A float32 sum is off by a part of its terms, whatever is left of them: a minimum by a part of what it is
    the difference of, and an x by a part of |A| |x| + |b|, times the inverse of the system A x = b.
    """
    y_all, (n_rows, dim) = features.astype(float), (len(offsets) - 1, features.shape[1])
    away = np.zeros(len(features)) if shift is None else shift.astype(float)
    solved, minima = np.empty((n_rows, dim)), np.empty(n_rows)
    solved_off, minima_off = np.empty((n_rows, 1)), np.empty(n_rows)
    for r in range(n_rows):
        own = slice(offsets[r], offsets[r + 1])
        y, t = y_all[columns[own]], targets[own] - away[columns[own]]
        if weights is not None:
            root = np.sqrt(weights[own].astype(float))
            y, t = root[:, None] * y, root * t
        weight = np.append(penalty[r, :-1], np.full(dim - penalty.shape[1] + 1, penalty[r, -1]))
        centre = prior[min(r, len(prior) - 1)].astype(float)
        common = everywhere * y_all.T @ y_all
        left, right = common + y.T @ y + np.diag(weight), y.T @ t + weight * centre
        solved[r] = x = np.linalg.solve(left, right)
        minima[r] = np.square(t - y @ x).sum() + x @ common @ x + weight @ np.square(x - centre)
        size = np.linalg.norm(left, 2) * (np.linalg.norm(x) + np.linalg.norm(centre)) + np.linalg.norm(right)
        solved_off[r] = ROUNDING * size * np.linalg.norm(np.linalg.inv(left), 2)
        minima_off[r] = ROUNDING * (np.square(t).sum() + centre @ left @ centre + 1)
    return (solved, solved_off), (minima, minima_off)


@st.composite
def systems(draw):
    """Any CSR shape: rows and columns without an entry, one row, one column, one number, more than a tile."""
    n_rows, n_columns = draw(st.integers(1, 6)), draw(st.sampled_from([1, 2, 5, TILE + 3]))
    lead = draw(st.integers(0, 1))
    dim = draw(st.sampled_from([1, 2, 5, 8, 9])) + lead
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    row, column = np.nonzero(rng.random((n_rows, n_columns)) < draw(st.sampled_from([0.0, 0.3, 1.0])))
    features = rng.normal(size=(n_columns, dim)).astype(np.float32)
    features[:, :lead] = 1
    return {
        "offsets": np.searchsorted(row, np.arange(n_rows + 1)).astype(np.int64),
        "columns": column.astype(np.int32),
        "targets": rng.normal(size=len(row)).astype(np.float32),
        "features": features,
        "penalty": rng.uniform(0.5, 3, (n_rows, 1 + lead)),
        "prior": rng.normal(size=(draw(st.sampled_from([1, n_rows])), dim)).astype(np.float32),
        "everywhere": 0.0 if lead else draw(st.sampled_from([0.0, 0.3])),
        "shift": draw(st.sampled_from([None, rng.normal(size=n_columns).astype(np.float32)])),
        "weights": draw(st.sampled_from([None, rng.uniform(0, 9, len(row)).astype(np.float32)])),
    }


@settings(max_examples=150)
@given(systems())
def test_the_kernel_equals_its_slow_twin(system):
    for found, (expected, off) in zip(solve_rows(**system), twin(**system), strict=True):
        assert (np.abs(found - expected) <= off).all(), np.max(np.abs(found - expected) / off)


def test_a_row_without_entries_is_its_prior():
    nothing, prior = np.zeros(0, np.float32), np.array([[0.5, -2, 3]], np.float32)
    features, penalty = np.ones((1, 3), np.float32), np.array([[1, 2.0]])
    solved, minima = solve_rows(
        np.zeros(2, np.int64), nothing.astype(np.int32), nothing, features, penalty, prior
    )
    np.testing.assert_allclose(solved, prior, rtol=1e-7)
    assert minima == pytest.approx(0)


def test_a_column_that_all_share_and_hardly_any_penalty_are_solved_as_well():
    """The features lie almost on one line, and the system's condition is a million."""
    rng = np.random.default_rng(0)
    features = (1 + 0.01 * rng.normal(size=(500, 24))).astype(np.float32)
    targets, columns = rng.normal(size=500).astype(np.float32), np.arange(500, dtype=np.int32)
    system = (
        np.array([0, 500]),
        columns,
        targets,
        features,
        np.full((1, 1), 0.01),
        np.zeros((1, 24), np.float32),
    )
    (found, minima), ((expected, _), (least, _)) = solve_rows(*system), twin(*system)
    assert minima[0] == pytest.approx(least[0], rel=1e-5)
    np.testing.assert_allclose(features @ found[0], features @ expected[0], atol=1e-3)


THREADS = """
import numba, numpy as np
from marquee.kernels.least_squares import solve_rows
rng = np.random.default_rng(0)
row, column = np.nonzero(rng.random((300, 200)) < rng.random((300, 1)))
offsets = np.searchsorted(row, np.arange(301))
features = rng.normal(size=(200, 20)).astype(np.float32)
found = []
for threads in (1, 2):
    numba.set_num_threads(threads)
    solved, minima = solve_rows(
        offsets, column.astype(np.int32), np.ones(len(row), np.float32), features,
        np.full((300, 1), 0.5), np.zeros((1, 20), np.float32), 0.1,
    )
    found.append(solved.tobytes() + minima.tobytes())
print(found[0] == found[1])
"""


def test_one_thread_and_two_give_the_same_bytes():
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
