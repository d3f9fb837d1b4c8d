"""How many of a user's ratings are held out: fractions that round down, and two at random."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.data.ratings import Ratings, concat
from marquee.data.splits import SplitOptions, split
from tests.data.test_splits import grid, rng


@pytest.mark.parametrize("name", ["random_per_user", "per_user_time"])
@pytest.mark.parametrize(("n", "test", "validation"), [(9, 0, 1), (10, 1, 2), (19, 1, 3), (30, 3, 6)])
def test_floor_holds_out_the_whole_part_of_each_fraction(name: str, n: int, test: int, validation: int):
    options = SplitOptions(name, validation=0.2, test=0.1, rounding="floor")
    ratings = concat(grid(3, 40), Ratings.of(3 + grid(5, n).user, grid(5, n).item, 1, grid(5, n).item))
    done = split(ratings, options, rng())
    for part, rows_of_one in ((done.test, test), (done.validation, validation)):
        assert np.bincount(part.user, minlength=8)[3:].tolist() == [rows_of_one] * 5


def test_floor_is_not_misled_by_what_a_product_lacks():
    options = SplitOptions("random_per_user", validation=0, test=0.29, rounding="floor")
    assert 0.29 * 100 < 29
    assert len(split(grid(2, 100), options, rng()).test) == 58


def test_each_row_is_held_out_equally_often_under_floor():
    done = split(grid(6000, 3), SplitOptions("random_per_user", 0, 1 / 3, "floor"), rng())
    assert np.abs(np.bincount(done.test.item) - 2000).max() < 4 * np.sqrt(6000 * 2 / 9)


def test_floor_folds_in_four_of_five_and_tests_on_the_whole_part_of_a_fifth():
    done = split(grid(200, 9), SplitOptions("user_holdout", 0, 0.5, "floor"), rng())
    users = np.unique(done.test.user)
    assert 60 < len(users) < 140
    assert (len(done.test), len(done.fold_in)) == (len(users), 8 * len(users))


# one


def test_one_takes_a_single_validation_row_of_each_user_from_a_published_training_file():
    ratings = concat(grid(6000, 4), Ratings.of(6000 + grid(2, 40).user, grid(2, 40).item))
    test = np.flatnonzero(ratings.item == 3)
    given = np.flatnonzero(ratings.item != 3), test
    done = split(ratings, SplitOptions("file", validation=0.5, rounding="one"), rng(), given)
    assert done.validation.user.tolist() == list(range(6002))
    assert np.abs(np.bincount(done.validation.item[:6000]) - 2000).max() < 4 * np.sqrt(6000 * 2 / 9)
    assert len(done.test) == len(test)


def test_one_of_no_fraction_is_none_and_leaves_a_user_of_one_row_to_train():
    given = np.array([0, 1, 2]), np.array([3])
    ratings = Ratings.of([0, 0, 1, 1], [0, 1, 0, 1])
    for validation, rows in ((0, []), (0.1, [0])):
        done = split(ratings, SplitOptions("file", validation, rounding="one"), rng(), given)
        assert done.validation.user.tolist() == rows


# leave_random_out


def test_leave_random_out_holds_out_two_of_each_user_at_random():
    done = split(grid(6000, 4), SplitOptions("leave_random_out"), rng())
    for part in (done.test, done.validation):
        assert part.user.tolist() == list(range(6000))
        assert np.abs(np.bincount(part.item) - 1500).max() < 4 * np.sqrt(6000 * 3 / 16)


def test_leave_random_out_leaves_users_of_two_ratings_alone():
    done = split(Ratings.of([0, 0, 0, 1, 1], [0, 1, 2, 0, 1]), SplitOptions("leave_random_out"), rng())
    assert done.test.user.tolist() == done.validation.user.tolist() == [0]
