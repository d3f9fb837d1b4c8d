"""Lists of a few users with titles, beside what they rated."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.data.ratings import Ratings
from marquee.evaluation.samples import USERS, sample_users, samples
from tests.evaluation.test_test_set import Popular, made

IDS = np.array([11, 22, 33]), np.array(["a", "b", "c", "d", "e", "f"])
MOVIES = {"title": ["A", "B", "C", "D", None, "F"], "year": [1990, None, 1992, 1993, 1994, 1995]}


def test_the_users_are_those_of_lowest_hash_whoever_else_there_is():
    ids = np.arange(100, 400)
    chosen = ids[sample_users(ids)]
    assert len(set(chosen)) == USERS
    others = np.setdiff1d(ids, chosen)
    fewer = np.sort(np.concatenate([chosen, others[::2]]))
    np.testing.assert_array_equal(fewer[sample_users(fewer)], chosen)
    assert sample_users(IDS[0]).tolist() == [0, 1, 2], "as many as there are"


@pytest.mark.parametrize("task", ["rating", "ranking"])
def test_a_list_has_titles_and_neither_train_nor_validation(task):
    """User 0 has rated movie 5, and 4 in validation; scores are the movies' numbers."""
    found = samples(Popular(), made(task), IDS, MOVIES)
    assert [one["user"] for one in found] == [11, 22, 33]
    assert found[0]["recommended"] == ["D (1993)", "C (1992)", "B", "A (1990)"]
    assert found[0]["scores"] == [3, 2, 1, 0]
    assert found[0]["history"] == [{"title": "F (1995)", "rating": 5.0 if task == "rating" else None}]
    assert found[1]["recommended"][0] == "#e", "without a title the release's id"


def test_the_history_begins_with_the_best_and_of_equals_the_latest():
    data = made("rating")
    rows = Ratings.of([0, 0, 0], [0, 1, 2], [3.5, 5, 5], [9, 1, 2])
    found = samples(Popular(), type(data)(**{**vars(data), "train": rows}), IDS, MOVIES)
    assert [one["title"] for one in found[0]["history"]] == ["C (1992)", "B", "A (1990)"]


def test_a_user_who_was_held_out_whole_is_folded_in():
    model = Popular()
    found = samples(model, made("ranking", Ratings.of([1], [4], 5.0)), IDS, MOVIES)
    assert model.folded == 2, "user 1 alone, with both rows"
    assert "#e" not in found[1]["recommended"]
