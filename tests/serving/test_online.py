"""A model that a server holds: it learns on, and the one that answers meanwhile is never changed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings, count_weights
from marquee.errors import MarqueeError
from marquee.recommenders.base import TrainingData
from marquee.serving.online import Given, OnlineModel, Positives, load_updates

TRAIN = Ratings.of([0, 0, 1, 1, 2], [0, 1, 0, 2, 3])
IDS = [10, 20, 30]


def model(algorithm: str = "ease", positives: Positives | None = None) -> OnlineModel:
    shape = Catalogue.of(3, 5)
    made = recommenders.create(algorithm, "ranking", {}, "m")
    made.fit(TrainingData(TRAIN, Ratings.empty(), shape))
    made.fitted = {"fit": "this one"}
    return OnlineModel(made, TRAIN, shape, IDS, ["a", "b", "c", "d", "e"], positives or Positives(4))


def given(*rows: tuple[object, object, float, int]) -> Given:
    users, movies, ratings, times = zip(*rows, strict=True)
    return Given(users, movies, np.array(ratings), np.array(times), {"file": "stream"})


def test_learning_returns_another_model_and_counts_what_it_learned():
    before = model()
    scores = before.model.scores(np.arange(3, dtype=np.int32))
    after = before.learn(
        given((99, "a", 5, 1), ("20", "c", 2, 2), (10, "zz", 5, 3), (99, "e", 4, 4), (98, "b", 1, 5))
    )
    np.testing.assert_array_equal(before.model.scores(np.arange(3, dtype=np.int32)), scores)
    assert [*after.user_ids] == [10, 20, 30, 99, 98]
    assert after.updates == (
        {
            "file": "stream",
            "ratings": 4,
            "learned": 2,
            "withdrawn": 1,
            "users": 2,
            "new_users": 2,
            "movies": 3,
            "of_unknown_movies": 1,
        },
    )
    assert after.model.n_users == 4, "user 98 likes nothing yet"
    pairs = set(zip(after.train.user.tolist(), after.train.item.tolist(), strict=True))
    assert pairs == {(0, 0), (0, 1), (1, 0), (2, 3), (3, 0), (3, 4)}
    assert len(after.learned) == 4, "low ratings are known, too"
    later = after.learn(given((98, "b", 5, 9)))
    assert later.model.n_users == 5
    assert later.updates[1]["new_users"] == 0


def test_what_is_stored_comes_back_and_goes_on(tmp_path):
    fit = model()
    after = fit.learn(given((99, "a", 5, 1), (10, "d", 5, 2)))
    after.store(tmp_path / "m", len(IDS))
    back = load_updates(tmp_path / "m", fit)
    assert [*back.user_ids] == [*after.user_ids]
    for name in ("user", "item", "rating", "timestamp"):
        np.testing.assert_array_equal(getattr(back.train, name), getattr(after.train, name))
    more = given((99, "b", 4, 3))
    everyone = np.arange(4, dtype=np.int32)
    one, other = (start.learn(more).model.scores(everyone) for start in (after, back))
    np.testing.assert_array_equal(one, other)
    fit.model.fitted = {"fit": "another one"}
    with pytest.raises(MarqueeError, match="updated from another fit"):
        load_updates(tmp_path / "m", fit)


def test_counts_weigh_as_those_of_the_fit():
    """The weight of a count is relative to the median of the release, not of the few that came."""
    after = model("ials", Positives(0, partial(count_weights, usual=4.0))).learn(given((99, "a", 12, 1)))
    assert after.train.rating[-1] == pytest.approx(2)


def test_a_user_who_was_held_out_whole_is_folded_in_from_old_and_new_ratings():
    after = replace(model(), user_ids=[10, 20, 30, 40]).learn(given((40, "b", 5, 1), (10, "c", 5, 2)))
    users = np.array([0, 3], np.int32)
    held_out = Ratings.of([3], [4])
    rated = Ratings.of([0, 3], [0, 4], 5)
    train, folded, everything = after.with_learned(users, TRAIN.take(TRAIN.user == 0), held_out, rated)
    assert (train.user.tolist(), train.item.tolist()) == ([0, 0, 0], [0, 1, 2])
    assert (folded.user.tolist(), folded.item.tolist()) == ([3, 3], [4, 1])
    assert len(everything) == 4


def test_ratings_of_no_known_movie_are_refused():
    with pytest.raises(MarqueeError, match="none of the 1 ratings is of a movie of this data"):
        model().learn(given((10, "zz", 5, 1)))
