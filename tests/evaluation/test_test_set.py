from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import Candidates
from marquee.evaluation import test_set
from marquee.evaluation.evaluate import evaluate_ranking
from marquee.evaluation.test_set import TestSet

NOBODY = Candidates(np.zeros(4, np.int64), np.empty(0, np.int32))


class Popular:
    """Scores items by their number; folding in doubles nothing but is counted."""

    folded = 0

    def scores(self, users: np.ndarray) -> np.ndarray:
        return np.tile(np.arange(6, dtype=np.float32), (len(users), 1))

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return np.full(len(users), 3.0, np.float32)

    def fold_in(self, histories: Ratings) -> Popular:
        self.folded += len(histories)
        return self


def made(task: str, fold_in: Ratings | None = None) -> TestSet:
    return TestSet(
        task,
        train=Ratings.of([0, 1, 2], [5, 5, 4], 5.0),
        validation=Ratings.of([0], [4], 5.0),
        fold_in=fold_in or Ratings.empty(),
        test=Ratings.of([0, 1, 2], [3, 4, 5], [4.0, 5.0, 1.0]),
        candidates=NOBODY,
        catalogue=Catalogue.of(3, 6),
        scale=(1.0, 5.0),
        positive_threshold=4.0,
        ks=(1, 2),
    )


def test_training_and_validation_items_are_not_listed_again():
    result = made("ranking").evaluate(Popular())
    assert result.lists["item"].tolist() == [[3, 2], [4, 3], [5, 3]]
    assert result.metrics["hit@1"] == 1.0


def test_movies_rated_below_the_threshold_are_listed_unless_they_are_masked():
    masked = replace(made("ranking"), low_rated=Ratings.of([0, 2, 2], [2, 3, 2]))
    result = masked.evaluate(Popular())
    assert result.lists["item"].tolist() == [[3, 1], [4, 3], [5, 1]]
    assert result.metrics["hit@1"] == 1.0  # a test item is never masked


def test_what_is_masked_is_no_part_of_the_history():
    catalogue = Catalogue(3, 6, np.eye(6, 2, dtype=bool), ("Action", "Comedy"))
    alone = replace(made("ranking"), catalogue=catalogue, train=Ratings.of([0, 1, 2], [0, 0, 0]), ks=(1,))
    masked = replace(alone, low_rated=Ratings.of([0, 1, 2], [1, 1, 1]))
    names = ("genre_miscalibration@1", "novelty@1")
    one, other = (part.evaluate(Popular()).metrics for part in (alone, masked))
    assert [one[name] for name in names] == [other[name] for name in names]


def test_users_who_were_held_out_whole_are_folded_in_and_count_as_known():
    model, extra = Popular(), Ratings.of([1], [4], 5.0)
    result = made("ranking", extra).evaluate(model)
    assert model.folded == 1
    assert result.lists["item"][1].tolist() == [3, 2]


@pytest.mark.parametrize("task", ["rating", "ranking"])
@pytest.mark.parametrize("low_rated", [Ratings.empty(), Ratings.of([0, 1], [2, 3])])
def test_a_user_s_values_are_the_same_whoever_else_is_tested(task, low_rated):
    every = replace(made(task, Ratings.of([1, 1], [4, 0], 5.0)), low_rated=low_rated)
    whole = every.evaluate(Popular())
    row = {name: column[1] for name, column in (whole.per_user | whole.lists).items()}
    alone = replace(every, test=every.test.take(np.array([1]))).evaluate(Popular())
    for name, column in (alone.per_user | alone.lists).items():
        np.testing.assert_array_equal(column, row[name][None], name)


def test_a_rating_model_is_evaluated_on_the_scale_and_on_relevant_items_alone():
    result = made("rating").evaluate(Popular())
    assert result.metrics["rmse"] == pytest.approx(np.sqrt((1 + 4 + 4) / 3))
    assert result.counts["test_users"] == 2


def test_a_stored_evaluation_comes_back(tmp_path):
    result = made("ranking").evaluate(Popular())
    groups = made("ranking").grouped_by(result, {"age": [25, None, 18], "city": [1, 2, 3]})
    about = {"model": "popular", "task": "ranking"}
    test_set.store(result, about, tmp_path / "popular", groups=groups)
    found = test_set.load(tmp_path / "popular", whole=True)
    assert found.groups == {"user": [0, 1, 2], "training_ratings": [1, 1, 1], "age": [25, None, 18]}
    assert (found.model, found.task, found.metrics) == ("popular", "ranking", result.metrics)
    assert found.per_user.keys() == result.per_user.keys()
    for name, column in result.per_user.items():
        np.testing.assert_array_equal(found.per_user[name], column)
    expected = {"metrics.json", "per_user.parquet", "lists.parquet", "groups.parquet"}
    assert {file.name for file in (tmp_path / "popular").iterdir()} == expected


def test_the_result_is_that_of_the_evaluation_itself():
    one = made("ranking")
    seen = Ratings.of([0, 1, 2, 0], [5, 5, 4, 4])
    other = evaluate_ranking(Popular(), seen, one.test, NOBODY, one.catalogue, (1, 2), train=one.train)
    assert one.evaluate(Popular()).metrics == other.metrics
