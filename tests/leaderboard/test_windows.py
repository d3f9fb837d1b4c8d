"""Windows together: a user counts once in each, and is sampled with all of them."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.config import CompareOptions
from marquee.evaluation.test_set import ModelResult
from marquee.leaderboard import table
from marquee.leaderboard.windows import ALL, HEADER, Window, compare_windows, text

OPTIONS = CompareOptions(200, 0.95, 10)


def window(number: int, users: list[int], level: float = 0.0, seed: int = 0) -> Window:
    chance = np.random.default_rng(seed + number)
    results = []
    for model, ahead in (("a", level), ("b", 0.0)):
        ndcg = chance.random(len(users)) / 2 + ahead
        diversity = np.where(np.arange(len(users)) % 3 == 0, np.nan, ndcg)
        metrics = {"ndcg@10": ndcg.mean(), "genre_diversity@10": np.nanmean(diversity), "coverage@10": 0.5}
        per_user = {"user": np.array(users, np.int32), "ndcg@10": ndcg, "genre_diversity@10": diversity}
        results.append(ModelResult(model, "ranking", metrics, per_user))
    about = {"test_from": 86_400 * number, "test_users": len(users), "new_users": number}
    return Window(number, np.array(users[::2]), about, results)


def rmse_window(number: int, users: list[int], errors: list[float], n: list[int]) -> Window:
    per_user = {"user": np.array(users, np.int32), "n": np.array(n, float)}
    per_user |= {"squared_error": np.array(errors), "absolute_error": np.array(errors)}
    rmse = float(np.sqrt(sum(errors) / sum(n)))
    metrics = {"rmse": rmse, "mse": rmse**2, "mae": sum(errors) / sum(n)}
    return Window(number, np.array(users[:1]), {}, [ModelResult("a", "rating", metrics, per_user)])


def test_together_is_the_mean_over_users_and_their_windows():
    windows = [window(1, [0, 2, 5]), window(2, [1, 2, 3, 5])]
    rows = compare_windows(windows, OPTIONS, 1)
    assert {tuple(row) for row in rows} == {HEADER}
    for metric in ("ndcg@10", "genre_diversity@10"):
        values = np.concatenate([one.results[0].per_user[metric] for one in windows])
        found = next(r for r in rows if (r["window"], r["model"], r["metric"]) == (ALL, "a", metric))
        assert found["value"] == pytest.approx(np.nanmean(values), abs=1e-6)
        assert found["low"] <= found["value"] <= found["high"]
    assert not [r for r in rows if r["window"] == ALL and r["metric"] == "coverage@10"]  # no mean over users
    assert [r["value"] for r in rows if r["metric"] == "coverage@10"] == [0.5] * 4


def test_errors_are_pooled_over_all_pairs():
    rows = compare_windows(
        [rmse_window(1, [0, 1], [4, 2], [2, 2]), rmse_window(2, [1], [3], [1])], OPTIONS, 1
    )
    found = next(row for row in rows if (row["window"], row["metric"]) == (ALL, "rmse"))
    assert found["value"] == pytest.approx(np.sqrt(9 / 5), abs=1e-6)


def test_a_user_is_sampled_with_all_windows():
    """Twice the same window is no more evidence than one: the interval stays as wide."""
    users = list(range(60))
    one, twice = (compare_windows([window(1, users)] * n, OPTIONS, 1)[:4] for n in (1, 2))
    width = [row["high"] - row["low"] for rows in (one, twice) for row in rows if row["metric"] == "ndcg@10"]
    assert width[0] == pytest.approx(width[2], rel=1e-6)


def test_known_users_alone_have_their_own_means_and_pooled_errors():
    whole = window(1, [0, 2, 5, 6])
    part = whole.of_known_users()
    for one, other in zip(part.results, whole.results, strict=True):
        assert one.per_user["user"].tolist() == [0, 5]
        assert one.metrics["ndcg@10"] == pytest.approx(other.per_user["ndcg@10"][::2].mean())
        assert "coverage@10" not in one.metrics
    assert (part.about["test_users"], part.about["new_users"]) == (2, 0)
    errors = rmse_window(1, [0, 1], [4, 2], [2, 2]).of_known_users().results[0].metrics
    assert errors["rmse"] == pytest.approx(np.sqrt(2))


def test_a_metric_that_no_known_user_has_is_left_out():
    found = window(1, [0, 1, 2, 3]).of_known_users()  # 0 and 2
    for one in found.results:
        one.per_user["genre_diversity@10"][:] = np.nan
    again = table.of_users(found.results[0], np.full(2, True), ["ndcg@10", "genre_diversity@10"])
    assert list(again.metrics) == ["ndcg@10"]


def test_the_text_marks_the_best_of_each_window():
    windows = [window(1, list(range(50)), 0.4), window(2, list(range(50)), -0.2)]
    lines = text(compare_windows(windows, OPTIONS, 1), windows, "ndcg@10", OPTIONS).splitlines()
    a, b = (next(line.split() for line in lines if line.startswith(name)) for name in ("a  ", "b  "))
    assert a[2].startswith("*")
    assert b[3].startswith("*")
    assert b[2][0].isdigit()
    assert "1970-01-02" in next(line for line in lines if line.startswith("test from"))
