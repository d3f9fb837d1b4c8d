"""Where predicted ratings err: parts by hand, and intervals that a bootstrap of users agrees with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from marquee.evaluation.residuals import (
    calibration,
    concat_tables,
    error_by_known,
    parts,
    pooled_mean,
    tables,
)


def test_parts_are_about_equal_and_equal_values_stay_together():
    assert [part.tolist() for part in parts(np.array([5, 1, 3, 2, 4, 6]), 3)] == [[1, 3], [2, 4], [0, 5]]
    sizes = [len(part) for part in parts(np.arange(1000), 10)]
    assert sizes == [100] * 10
    one, other = parts(np.array([7, 7, 7, 7, 9]), 5)
    assert (one.tolist(), other.tolist()) == ([0, 1, 2, 3], [4])
    assert parts(np.array([]), 5) == []


def test_a_model_that_means_what_it_says_is_on_the_diagonal():
    rng = np.random.default_rng(0)
    predicted = rng.uniform(1, 5, 20_000)
    rows = calibration(np.arange(20_000), predicted + rng.normal(0, 1, 20_000), predicted)
    assert [row[-1] for row in rows] == [2000] * 10
    for level, rating, low, high, _ in rows:
        assert rating == pytest.approx(level, abs=0.08)
        assert low < rating < high


def test_a_model_that_exaggerates_is_seen_at_both_ends():
    true = np.repeat([2.0, 3.0, 4.0], 100)
    rows = calibration(np.arange(300), true, 3 + 1.5 * (true - 3))
    assert [row[:2] for row in rows] == [(1.5, 2.0), (3.0, 3.0), (4.5, 4.0)]


def test_errors_are_told_apart_by_what_was_known_and_nothing_known_stands_alone():
    known = np.array([0, 0, 1, 1, 1, 8, 8, 8])
    error = np.array([3.0, -3, 2, -2, 2, 1, -1, 1])
    rows = error_by_known(np.arange(8), error, known)
    assert [row[:4] for row in rows] == [(0, 0, 0, 3), (1, 1, 1, 2), (8, 8, 8, 1)]
    assert [row[-1] for row in rows] == [2, 3, 3]


def test_intervals_are_those_of_a_bootstrap_of_users():
    """Users differ, so pairs are not independent: counted as if they were, the interval is far too short."""
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(200), rng.integers(1, 40, 200))
    values = rng.normal(0, 1, 200)[user] + rng.normal(0, 0.5, len(user))
    sums, counts = np.bincount(user, values), np.bincount(user)
    sampled = rng.integers(0, 200, (4000, 200))
    low, high = np.quantile(sums[sampled].sum(1) / counts[sampled].sum(1), [0.025, 0.975])
    mean, half = pooled_mean(values, user)
    assert mean == pytest.approx(values.mean())
    assert half == pytest.approx((high - low) / 2, rel=0.06)
    assert half > 2 * 1.96 * values.std() / np.sqrt(len(values))


def test_one_user_alone_has_no_interval():
    assert pooled_mean(np.array([1.0, 3.0]), np.array([4, 4])) == (2.0, 0.0)


def test_what_is_known_of_a_pair_is_counted_in_training():
    pairs = {"user": [0, 1], "item": [2, 0], "rating": [4.0, 2.0], "predicted": [3.0, 5.0]}
    arrays = {name: np.array(column) for name, column in pairs.items()}
    found = tables(arrays, np.array([2, 0]), np.array([1, 1, 0]), {"low": 1, "high": 5})
    assert (found["mean_error"], found["rmse"]) == (1, round(5**0.5, 6))
    assert found["within"] == {"limit": 1, "fraction": 0.5}
    assert [row[:2] + row[3:4] for row in found["by_user"]] == [(0, 0, 3), (2, 2, 1)]
    assert [row[:2] + row[3:4] for row in found["by_movie"]] == [(0, 0, 1), (1, 1, 3)]
    header, rows = concat_tables({"bias": json.loads(json.dumps(found))})["by_user"]
    assert header == ["model", "from", "to", "ratings", "rmse", "low", "high", "pairs"]
    assert [row[:3] for row in rows] == [["bias", 0, 0], ["bias", 2, 2]]


@pytest.mark.parametrize(("low", "high", "step"), [(1, 5, 0.25), (0.5, 5, 0.25), (1, 10, 0.5), (1, 100, 5)])
def test_bins_follow_the_scale_and_the_middle_one_is_centered_on_0(low, high, step):
    error = np.array([-2, 0, 0, 0.1, 3]) * step
    pairs = {"user": np.arange(5), "item": np.arange(5), "rating": np.full(5, 3.0), "predicted": 3 + error}
    bins = tables(pairs, np.ones(5, int), np.ones(5, int), {"low": low, "high": high})["histogram"]
    np.testing.assert_allclose(bins["edges"], step * (np.arange(8) - 3.5))
    assert bins["counts"] == [0, 1, 0, 3, 0, 0, 1]


@pytest.mark.parametrize("high", [5, 100, 350_000, 1e9])
@pytest.mark.parametrize("wrong", [0.0, 1.0, 1e12])
def test_the_tables_do_not_grow_with_the_values(high, wrong):
    rating = np.append(np.arange(400) % 5 + 1.0, high)
    pairs = {
        "user": np.arange(401) % 7,
        "item": np.arange(401),
        "rating": rating,
        "predicted": rating + wrong,
    }
    found = tables(pairs, np.arange(7), np.arange(401), {"low": 1, "high": high})
    assert len(found["histogram"]["counts"]) <= 2 * 50 + 1
    assert sum(found["histogram"]["counts"]) == 401
    assert max(len(found[part]) for part in ("calibration", "by_user", "by_movie")) <= 10
