from __future__ import annotations

from itertools import combinations
from math import log

import numpy as np
import pytest

from marquee.data.ratings import Catalogue, Ratings
from marquee.data.user_items import UserItems
from marquee.evaluation.beyond_accuracy import beyond_accuracy, coverage

GENRES = ("Comedy", "Drama", "War")
# item 0: C, 1: D, 2: C and D, 3: D and W, 4: none
CATALOGUE = Catalogue(3, 5, np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], bool), GENRES)
TRAIN = Ratings.of([0, 0, 1, 1, 1, 2], [0, 1, 0, 2, 3, 0])  # item 0 thrice, 1 to 3 once, 4 never


def values(items, ks=(2,), users=None, history=TRAIN, catalogue=CATALOGUE):
    items = np.array(items, np.int32)
    users = np.arange(len(items)) if users is None else np.array(users)
    known = UserItems.of(history.user, history.item, catalogue.n_users)
    return beyond_accuracy(items, users, known, TRAIN, catalogue, ks)


def test_coverage_counts_the_items_that_anyone_gets():
    items = np.array([[0, 1, 2], [0, 3, -1]])
    assert coverage(items, 5, [1, 2, 3]) == {"coverage@1": 1 / 5, "coverage@2": 3 / 5, "coverage@3": 4 / 5}


def test_popularity_is_the_share_of_the_catalogue_below_with_half_of_the_level():
    found = values([[0, 1], [4, -1]])["popularity_percentile@2"]
    assert found.tolist() == pytest.approx([(0.9 + 0.5) / 2, 0.1])


def test_the_whole_catalogue_has_popularity_one_half():
    assert values([[0, 1, 2, 3, 4]], [5])["popularity_percentile@5"] == pytest.approx(0.5)


def test_novelty_is_in_bits_and_an_item_nobody_rated_counts_as_rated_by_one():
    found = values([[0, -1], [1, 4]])["novelty@2"]
    assert found.tolist() == pytest.approx([0, log(3, 2)])


def test_diversity_is_the_mean_distance_of_genre_sets():
    found = values([[0, 2, 3]], [1, 2, 3])
    assert np.isnan(found["genre_diversity@1"])
    assert found["genre_diversity@2"] == pytest.approx(1 / 2)
    assert found["genre_diversity@3"] == pytest.approx((1 / 2 + 1 + 2 / 3) / 3)


def test_items_without_genres_and_ended_lists_form_no_pair():
    found = values([[0, 4, 1], [0, 4, -1]], [3])["genre_diversity@3"]
    assert found[0] == 1
    assert np.isnan(found[1])


def test_a_list_with_the_genres_of_the_history_is_calibrated():
    assert values([[0, 1], [0, 1]], users=[0, 0])["genre_miscalibration@2"] == pytest.approx(0)
    assert values([[2, -1]], users=[0])["genre_miscalibration@2"] == pytest.approx(0)


def test_miscalibration_worked_out_by_hand():
    found = values([[0, 4]], users=[0])["genre_miscalibration@2"]  # history: half C, half D; list: all C
    assert found == pytest.approx(0.5 * log(0.5 / 0.995) + 0.5 * log(0.5 / 0.005))


def test_a_list_without_any_genre_is_as_far_as_can_be():
    assert values([[4, -1]], users=[0])["genre_miscalibration@2"] == pytest.approx(log(100))


def test_a_user_without_a_history_has_no_calibration():
    found = values([[0, 1]], users=[2], history=Ratings.empty())
    assert np.isnan(found["genre_miscalibration@2"])


def test_an_empty_list_has_no_popularity_novelty_or_diversity():
    found = values([[-1, -1]])
    for name in ("popularity_percentile", "novelty", "genre_diversity"):
        assert np.isnan(found[f"{name}@2"])


def test_a_catalogue_without_genres_leaves_them_out():
    found = values([[0, 1]], catalogue=Catalogue.of(3, 5))
    assert set(found) == {"popularity_percentile@2", "novelty@2"}


def test_many_lists_equal_the_definitions_in_plain_python(monkeypatch):
    monkeypatch.setattr("marquee.evaluation.beyond_accuracy.ROWS", 7)
    rng = np.random.default_rng(0)
    genres = rng.random((30, 4)) < 0.4
    catalogue = Catalogue(20, 30, genres, tuple("abcd"))
    items = np.array([rng.permutation(30)[:6] for _ in range(20)], np.int32)
    items[3, 2:] = -1
    history = Ratings.of(np.arange(20).repeat(5), [i for _ in range(20) for i in rng.permutation(30)[:5]])
    known = UserItems.of(history.user, history.item, 20)
    found = beyond_accuracy(items, np.arange(20), known, history, catalogue, [2, 6])
    sets = [set(np.flatnonzero(row)) for row in genres]

    def fractions(listed):
        weight = [sum(1 / len(sets[i]) for i in listed if g in sets[i]) for g in range(4)]
        return [w / sum(weight) if sum(weight) else 0 for w in weight]

    for user in range(20):
        for k in (2, 6):
            listed = [i for i in items[user, :k].tolist() if i >= 0]
            pairs = [(sets[i], sets[j]) for i, j in combinations(listed, 2) if sets[i] and sets[j]]
            distances = [1 - len(a & b) / len(a | b) for a, b in pairs]
            expected = np.mean(distances) if pairs else np.nan
            assert found[f"genre_diversity@{k}"][user] == pytest.approx(expected, nan_ok=True)
            p, q = fractions(history.item[history.user == user]), fractions(listed)
            expected = sum(a * log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a)
            assert found[f"genre_miscalibration@{k}"][user] == pytest.approx(expected)
