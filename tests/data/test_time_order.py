"""What a user is told where times do not decide what a split by time holds out."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.config import SplitOptions
from marquee.data.ratings import Ratings
from marquee.data.splits import split
from marquee.data.time_cuts import BY_ONE_CUT, BY_TIME
from marquee.data.time_order import tied_users, time_warnings
from marquee.rng import KeyedRandom

N_USERS, PER_USER = 10, 6
USER = np.repeat(np.arange(N_USERS), PER_USER)
ITEM = np.tile(np.arange(PER_USER), N_USERS)
DAYS = 1_000_000_000 + 86_400 * ITEM


def said(timestamp: np.ndarray | int, name: str = "leave_last_out") -> list[str]:
    """The warnings of these times, which ascend within each user."""
    ratings = Ratings.of(USER, ITEM, 5.0, timestamp)
    parts = split(ratings, SplitOptions(name, validation=0.2, test=0.2, fold=5), KeyedRandom(0))
    return time_warnings(ratings, parts, name)


@pytest.mark.parametrize("name", BY_TIME)
def test_times_that_differ_are_not_mentioned(name):
    assert said(DAYS, name) == []


@pytest.mark.parametrize("name", ["leave_last_out", "per_user_time"])
@pytest.mark.parametrize(
    ("time", "words"), [(0, "no rating has a timestamp"), (7, "all ratings have one timestamp")]
)
def test_ratings_without_times_or_with_one_are_held_out_at_random(name, time, words):
    (line,) = said(time, name)
    assert line.startswith(words)
    assert f"{name} holds out ratings of each user at random" in line


def test_a_split_that_asks_for_no_time_says_nothing():
    assert said(0, "random_per_user") == said(0, "user_holdout") == []


@pytest.mark.parametrize("name", BY_TIME)
def test_ratings_without_a_time_among_others_count_as_the_oldest(name):
    (line,) = said(np.where(ITEM < 2, 0, DAYS), name)
    assert line.startswith("20 of 60 ratings have no timestamp")


@pytest.mark.parametrize("name", ["leave_last_out", "per_user_time"])
def test_users_whose_ratings_are_all_of_one_moment_are_counted(name):
    (line,) = said(1_000_000_000 + USER, name)
    assert "for 10 of 10 test users" in line


def test_a_few_ties_are_usual():
    assert said(np.where(USER < 4, 1_000_000_000, DAYS)) == []


def test_a_tie_is_one_between_a_held_out_row_and_one_before_it():
    times = np.array([1, 2, 3, 4, 5, 5, *[1, 1, 1, 1, 2, 3], *[1, 2, 3, 4, 4, 5]])
    ratings = Ratings.of(USER[:18], ITEM[:18], 5.0, times)
    parts = split(ratings, SplitOptions("leave_last_out"), KeyedRandom(0))
    assert tied_users(parts) == (3, 1)  # the first: test and validation are of one moment


@pytest.mark.parametrize("name", BY_ONE_CUT)
def test_users_of_the_validation_alone_are_no_test_users(name):
    """User 10 came between the end of training and the test: neither knows them."""
    time = DAYS + 86_400 * 3 * (USER % 2)
    late = int(np.sort(time)[len(time) * 7 // 10])
    ratings = Ratings.of(np.append(USER, [10]), np.append(ITEM, [0]), 5.0, np.append(time, [late]))
    parts = split(ratings, SplitOptions(name, validation=0.3, test=0.2, fold=5), KeyedRandom(0))
    assert 10 in parts.validation.user
    assert 10 not in parts.train.user
    assert 10 not in parts.test.user
    time_warnings(ratings, parts, name)
    assert tied_users(parts)[0] == len(np.unique(parts.test.user))
