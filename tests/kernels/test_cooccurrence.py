"""Counts and nearest items against dense arithmetic, on matrices of every shape."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from marquee.kernels.cooccurrence import add_up, count_changes, count_together, nearest_neighbors
from marquee.rng import named_rng


@st.composite
def binary(draw) -> csr_matrix:
    """Users by items, one of either at least, empty rows and columns among them."""
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return csr_matrix((rng.random(shape) < draw(st.floats(0, 0.6))).astype(np.float32))


def sides(x: csr_matrix) -> tuple[np.ndarray, ...]:
    """By item and by user, as the kernels want them."""
    by_item = x.T.tocsr()
    return by_item.indptr, by_item.indices, x.indptr, x.indices


def neighbors_of(x: csr_matrix, shrinkage: float, k: int) -> tuple[np.ndarray, np.ndarray]:
    items = np.arange(x.shape[1])
    return nearest_neighbors(items, *sides(x), np.bincount(x.indices, minlength=len(items)), shrinkage, k)


def nearest_slowly(x: csr_matrix, shrinkage: float, k: int) -> tuple[np.ndarray, np.ndarray]:
    counts = (x.T @ x).toarray().astype(np.float64)
    length = np.sqrt(np.diagonal(counts))
    similar = counts / np.maximum(np.outer(length, length) + shrinkage, 1e-9)
    np.fill_diagonal(similar, 0)
    similar = np.round(similar, 6)  # what is equal to the formula may differ in the last bit
    order = np.argsort(-similar, axis=1, kind="stable")[:, :k]
    values = np.take_along_axis(similar, order, 1)
    return np.where(values > 0, order, -1), values


@settings(max_examples=30)
@given(binary())
def test_what_two_items_have_in_common_is_counted(x):
    counts = np.full((x.shape[1], x.shape[1]), -7.0)
    count_together(*sides(x), counts)
    wanted = (x.T @ x).toarray()
    np.testing.assert_array_equal(np.tril(counts), np.tril(wanted))
    assert (counts[np.triu_indices_from(counts, 1)] == -7).all(), "the upper triangle is left alone"


@settings(max_examples=30)
@given(binary(), st.sampled_from([0.0, 2.5]), st.integers(1, 20))
def test_the_nearest_are_those_of_the_whole_matrix(x, shrinkage, k):
    k = min(k, x.shape[1])
    items, values = neighbors_of(x, shrinkage, k)
    wanted_items, wanted = nearest_slowly(x, shrinkage, k)
    np.testing.assert_allclose(values, wanted, atol=2e-6)
    clear = np.diff(wanted, axis=1, prepend=np.inf, append=-np.inf) != 0  # no neighbour in rank is level
    clear = clear[:, :-1] & clear[:, 1:]
    clear[:, -1] = False  # level, perhaps, with one that is cut off
    np.testing.assert_array_equal(items[clear], wanted_items[clear])


@settings(max_examples=30)
@given(binary(), st.integers(0, 2**32))
def test_changes_of_histories_are_counted_in_the_pairs_that_are_asked_for(old, seed):
    rng = np.random.default_rng(seed)
    new = csr_matrix((rng.random(old.shape) < 0.4).astype(np.float32))
    pairs = csr_matrix((rng.random((old.shape[1],) * 2) < 0.3).astype(np.float32))
    back = pairs.T.tocsr()
    forward, backward = count_changes(
        *(old.indptr, old.indices, new.indptr, new.indices),
        *(pairs.indptr, pairs.indices, back.indptr, back.indices),
    )
    turned = csr_matrix((backward, back.indices, back.indptr), back.shape).T.tocsr()
    rows, columns = pairs.nonzero()
    wanted = (new.T @ new - old.T @ old).toarray()[rows, columns]
    np.testing.assert_array_equal(forward + turned.data, wanted)


def test_of_equals_the_first_are_kept():
    everyone_has_all = csr_matrix(np.ones((3, 6), np.float32))
    items, values = neighbors_of(everyone_has_all, 0.0, 3)
    assert items.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2], [0, 1, 2]]
    np.testing.assert_allclose(values, 1, rtol=1e-6)


def test_what_speaks_for_an_item_adds_up_and_nothing_means_otherwise():
    x = csr_matrix(np.array([[1, 1, 0], [0, 0, 0]], np.float32))
    w = csr_matrix(np.array([[0, 0, 0.5], [0.25, 0, 1], [0, 0, 0]], np.float32))
    scores = add_up(x.indptr, x.indices, w.indptr, w.indices, w.data, np.array([-1, -2, -3], np.float32))
    assert scores.tolist() == [[0.25, -2, 1.5], [-1, -2, -3]]


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread is all there is")
def test_one_thread_and_two_give_the_same_bytes():
    x = csr_matrix((named_rng(0, "x").random((300, 400)) < 0.1).astype(np.float32))
    found = []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        counts = np.zeros((400, 400))
        count_together(*sides(x), counts)
        found.append([counts, *neighbors_of(x, 1.0, 20)])
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    for one, other in zip(*found, strict=True):
        assert one.tobytes() == other.tobytes()
