"""What a minimum rating and a k-core leave, against examples worked by hand and a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.config import CoreOptions
from marquee.errors import MarqueeError
from marquee.movielens.core_filter import CoreFilter
from marquee.movielens.schema import Dataset, Scale, build_dataset
from tests.data.test_growth import table_of

# Users 1, 2 and 3 rated movies 10 and 20, user 4 rated 20, 30 and 40, user 5 rated 30 and gave 40 one star.
ROWS = [(user, movie, 4, 0) for user in (1, 2, 3) for movie in (10, 20)]
ROWS += [(4, 20, 5, 0), (4, 30, 3, 0), (4, 40, 5, 0), (5, 30, 4, 0), (5, 40, 1, 0)]


def built(wanted: CoreFilter) -> Dataset:
    return build_dataset(table_of(ROWS), None, None, Scale(1, 5, 1), {}, wanted=wanted)


def pairs(data: Dataset) -> list[tuple[int, int]]:
    users, movies = data.users["user_id"].to_numpy(), data.movies["movie_id"].to_numpy()
    rows = data.ratings.to_pydict()
    return sorted(zip(users[rows["user"]].tolist(), movies[rows["item"]].tolist(), strict=True))


def test_without_the_one_star_rating_the_removal_of_a_user_cascades_to_the_core():
    """Round 1: user 5 and movie 40 have one rating left. 2: movie 30. 3: user 4, with movie 20."""
    data = built(CoreFilter(2.0, CoreOptions(2, 2)))
    assert pairs(data) == [(user, movie) for user in (1, 2, 3) for movie in (10, 20)]
    assert data.card["filtered"] == {
        "low_ratings": 1,
        "ratings_outside_core": 4,
        "rounds": 3,
        "users": 2,
        "movies": 2,
    }
    assert (data.card["users"], data.card["items"], data.card["ratings"]) == (3, 2, 6)
    assert sorted(set(data.ratings["user"].to_pylist())) == [0, 1, 2]


def test_with_it_all_have_two_and_stay():
    data = built(CoreFilter(None, CoreOptions(2, 2)))
    assert len(pairs(data)) == len(ROWS)
    assert data.card["filtered"]["rounds"] == 0


def test_a_minimum_alone_removes_ratings_and_those_without_any_left():
    data = built(CoreFilter(5.0))
    assert pairs(data) == [(4, 20), (4, 40)]
    assert data.card["filtered"]["users"] == 4


def test_no_filter_leaves_no_trace():
    assert "filtered" not in built(CoreFilter()).card


def test_a_filter_that_leaves_nothing_is_an_error_that_names_the_keys():
    with pytest.raises(MarqueeError, match=r"min_rating 2\.0 and ingest.k_core 9 \(users\) and 1 \(movies\)"):
        built(CoreFilter(2.0, CoreOptions(9, 1)))


least, ids = st.integers(1, 4), st.integers(0, 6)


@given(st.sets(st.tuples(ids, ids), min_size=1), least, least)
def test_the_core_is_that_of_a_slow_twin_that_removes_one_at_a_time(found, users, movies):
    left = sorted(found)
    while True:
        for place, least in ((0, users), (1, movies)):
            count = {pair[place]: sum(other[place] == pair[place] for other in left) for pair in left}
            few = next((one for one, n in count.items() if n < least), None)
            if few is not None:
                left = [pair for pair in left if pair[place] != few]
                break
        else:
            break
    user, item = np.array(sorted(found)).T
    wanted = CoreFilter(None, CoreOptions(users, movies))
    if not left:
        with pytest.raises(MarqueeError, match="leave no rating"):
            wanted.kept(user, item, np.ones(len(user), np.float32))
        return
    rows, _ = wanted.kept(user, item, np.ones(len(user), np.float32))
    assert list(zip(user[rows].tolist(), item[rows].tolist(), strict=True)) == left
