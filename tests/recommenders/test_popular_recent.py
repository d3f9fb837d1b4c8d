"""Recent popularity, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.data.ratings import Catalogue, Ratings
from marquee.recommenders import create
from marquee.recommenders.base import Recommender, TrainingData

DAY = 86_400
NOW = 1_000 * DAY
# item: days ago
AGO = {0: [0, 3, 20], 1: [1, 2, 6.9], 2: [7.1, 40, 50, 60, 70], 3: [400, 500], 4: []}


def fitted(days: float, untimed: bool = False) -> Recommender:
    pairs = [(item, NOW - int(ago * DAY)) for item, times in AGO.items() for ago in times]
    items, times = zip(*pairs, strict=True)
    train = Ratings.of(range(len(items)), items, 1.0, 0 if untimed else times)
    model = create("popular_recent", "ranking", {"days": days}, "models.popular_recent")
    return model.fit(TrainingData(train, Ratings.empty(), Catalogue.of(len(items), len(AGO))))


def test_ratings_of_the_last_days_count_and_all_ratings_order_equal_counts():
    scores = fitted(7).scores(np.array([0, 5], np.int32))
    assert scores.shape == (2, 5)
    assert scores[0] == pytest.approx([2 + 3 / 6, 3 + 3 / 6, 5 / 6, 2 / 6, 0])
    assert (scores[0] == scores[1]).all()


def test_the_days_decide_what_is_popular():
    assert fitted(7).scores(np.array([0]))[0].argmax() == 1
    assert fitted(100).scores(np.array([0]))[0].argmax() == 2


def test_without_times_it_is_popularity():
    assert np.argsort(-fitted(7, untimed=True).scores(np.array([0]))[0], kind="stable").tolist() == [
        2,
        0,
        1,
        3,
        4,
    ]


def test_validation_rows_are_no_part_of_the_count():
    train = Ratings.of([0, 1], [0, 0], 1.0, NOW)
    later = Ratings.of([0, 1], [1, 1], 1.0, NOW + DAY)
    model = create("popular_recent", "ranking", {}, "models.popular_recent")
    model.fit(TrainingData(train, later, Catalogue.of(2, 2)))
    assert model.scores(np.array([0]))[0].argmax() == 0
