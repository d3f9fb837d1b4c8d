"""Explanations in words: which ratings are named, and what other users say."""

from __future__ import annotations

import numpy as np

from marquee.data.ratings import Ratings
from marquee.serving import explain
from marquee.serving.catalogue import MovieCatalogue

MOVIES = MovieCatalogue([10, 20, 30], ["Alien", None, "Heat"], [1979, None, 1995], [[], [], []])


def test_the_ratings_that_add_most_are_named_largest_first():
    history = Ratings.of([0, 0, 0], [0, 1, 2])
    effects = np.array([[0.1, -1], [0.3, 0], [-0.2, 0]], np.float32)
    words = explain.explain_by_ratings(history, np.arange(3), effects, MOVIES)
    assert words == ["#20 +0.3, Alien (1979) +0.1", ""]
    assert explain.explain_by_ratings(history, np.arange(0), np.zeros((0, 2)), MOVIES) == ["", ""]


def test_other_users_are_counted_and_their_mean_is_compared_with_the_usual_one():
    train = Ratings.of([0, 1, 2, 0], [0, 0, 0, 2], [5, 4, 5, 1])
    rated = explain.explain_by_popularity(train, 3, True, "rated")
    assert rated(0) == "rated 4.67 by 3 users, 0.92 above average"
    assert rated(2) == "rated 1.00 by 1 user, 2.75 below average"
    assert rated(1) == "rated by no user yet"
    assert explain.explain_by_popularity(train, 3, False, "liked")(0) == "liked by 3 users"
