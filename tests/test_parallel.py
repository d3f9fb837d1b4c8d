"""Rows in blocks of whole users."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee import parallel as module
from marquee.data.ratings import Ratings
from marquee.data.sampling import sample_candidates
from marquee.data.splits import SplitOptions, split
from marquee.parallel import chosen, packed_pairs, parallel_user_blocks, ratings_per_user, user_blocks
from marquee.rng import KeyedRandom

fast = settings(max_examples=60)
ascending = st.lists(st.integers(0, 9), max_size=40).map(lambda users: np.array(sorted(users), np.int32))


@fast
@given(ascending, ascending, st.integers(1, 12))
def test_every_row_is_in_one_block_and_no_user_in_two(one: np.ndarray, other: np.ndarray, rows: int):
    found = user_blocks(one, other, rows=rows)
    for n, user in enumerate((one, other)):
        assert np.concatenate([user[block[n]] for block in found]).tolist() == user.tolist()
    owners = [{*one[a].tolist(), *other[b].tolist()} for a, b in found]
    assert sum(map(len, owners)) == len(set().union(*owners))


def test_a_block_has_about_the_rows_asked_for():
    user = np.repeat(np.arange(100), 10).astype(np.int32)
    assert [a.stop - a.start for (a,) in user_blocks(user, rows=95)] == [
        90,
        100,
        90,
        100,
        90,
        100,
        90,
        100,
        90,
        100,
        50,
    ]


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_any_number_of_threads_does_every_block_once(threads: int, monkeypatch):
    monkeypatch.setattr(module, "n_threads", lambda: threads)
    user = np.repeat(np.arange(50, dtype=np.int32), 7)
    seen = np.zeros(len(user), int)

    def count(rows: slice) -> None:
        seen[rows] += 1

    parallel_user_blocks(count, [user], rows=20)
    assert (seen == 1).all()


def test_a_fault_in_a_block_is_raised(monkeypatch):
    monkeypatch.setattr(module, "n_threads", lambda: 2)

    def fail(rows: slice) -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        parallel_user_blocks(fail, [np.arange(10)], rows=2)


@fast
@given(ascending)
def test_users_are_counted_as_bincount_does(user: np.ndarray):
    assert ratings_per_user(user).tolist() == np.bincount(user).tolist()
    assert ratings_per_user(user, 12).tolist() == np.bincount(user, minlength=12).tolist()


@pytest.mark.parametrize(("width", "kind"), [(5, np.int32), (1 << 31, np.int64)])
def test_pairs_are_packed_in_32_bits_where_those_do(width: int, kind: type):
    pair = packed_pairs(np.array([7, 8, 8], np.int32), np.array([4, 0, 3], np.int32), width)
    assert pair.dtype == kind
    assert pair.tolist() == [4, width, width + 3]


@pytest.mark.parametrize("threads", [1, 2])
def test_splits_and_candidates_are_the_same_in_one_block_and_in_many_by_any_number_of_threads(
    monkeypatch, threads
):
    def made() -> list[list[int]]:
        user = np.repeat(np.arange(30), 20)
        whole = Ratings.of(user, (user + np.tile(np.arange(20), 30)) % 40)
        parts = split(whole, SplitOptions("random_per_user"), KeyedRandom(1))
        sampled = sample_candidates([parts.train], parts.test, 30, 40, 9, KeyedRandom(2))
        return [column.tolist() for column in (parts.train.item, parts.test.item, sampled.items)]

    at_once = made()
    monkeypatch.setattr(module, "ROWS", 50)
    monkeypatch.setattr("marquee.data.sampling.CANDIDATE_CELLS", 100)
    monkeypatch.setattr("marquee.data.sampling.NEGATIVE_CELLS", 100)
    monkeypatch.setattr("marquee.data.sampling.STATES", 100)
    monkeypatch.setattr("marquee.parallel.n_threads", lambda: threads)
    assert made() == at_once


def test_numbers_are_counted_by_blocks_as_at_once(monkeypatch):
    monkeypatch.setattr(module, "COUNTED", 7)
    values = np.random.default_rng(0).integers(0, 12, 40).astype(np.int32)
    np.testing.assert_array_equal(module.counts(values, 20), np.bincount(values, minlength=20))
    assert module.counts(values[:0]).tolist() == []


@pytest.mark.parametrize("in_place", [False, True])
def test_rows_are_chosen_by_blocks_as_by_a_mask(monkeypatch, in_place):
    monkeypatch.setattr("marquee.parallel.SCANNED", 8)
    values = np.random.default_rng(0).integers(0, 9, 50)
    (found,) = chosen(values > 3, values.copy(), in_place=in_place)
    np.testing.assert_array_equal(found, values[values > 3])
