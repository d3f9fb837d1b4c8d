"""The interval of coverage: the scatter of the union of the lists of resampled users."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.config import CompareOptions
from marquee.evaluation.beyond_accuracy import coverage
from marquee.evaluation.test_set import ModelResult
from marquee.leaderboard import coverage as coverage_module
from marquee.leaderboard import significance
from marquee.leaderboard.coverage import ResampledCoverage
from marquee.leaderboard.significance import Ratio
from marquee.leaderboard.table import compare

N_ITEMS, N_USERS, B = 60, 90, 203


def result(model: str, seed: int, with_lists: bool = True) -> ModelResult:
    """Lists of every third user only, some of which end early."""
    chance = np.random.default_rng(seed)
    users = np.arange(N_USERS, dtype=np.int32)
    items = np.array([chance.choice(N_ITEMS // 2, 4, replace=False) for _ in users[::3]], np.int32)
    items[1::4, 2:] = -1
    ndcg = chance.random(N_USERS)
    metrics = {"ndcg@2": ndcg.mean(), "ndcg@4": ndcg.mean(), **coverage(items, N_ITEMS, (2, 4))}
    per_user = {"user": users, "ndcg@2": ndcg, "ndcg@4": ndcg}
    lists = {"user": users[::3], "item": items} if with_lists else None
    return ModelResult(model, "ranking", metrics, per_user, lists)


@pytest.mark.parametrize(("cells", "everywhere"), [(1 << 21, 64), (20 * B, 64), (20 * B, 3)])
def test_it_is_that_of_the_slow_way_in_any_number_of_blocks(monkeypatch, cells, everywhere):
    monkeypatch.setattr(significance, "CELLS", cells)
    monkeypatch.setattr(coverage_module, "EVERYWHERE", everywhere)
    board = [result("a", 1), result("b", 2), result("c", 3, with_lists=False)]
    counts = np.zeros((B, N_USERS))
    covered = ResampledCoverage(board)

    def watch(users: slice, block: np.ndarray) -> None:
        counts[:, users] = block
        covered.add(users, block)

    significance.bootstrap([Ratio(np.ones(N_USERS))], B, np.random.default_rng(0), watch)
    assert (counts.sum(1) == N_USERS).all()
    found = {(model, metric): bounds for model, metric, *bounds in covered.intervals(B, 0.9)}
    assert set(found) == {(model, f"coverage@{k}") for model in "ab" for k in (2, 4)}
    for one in board[:2]:
        for k in (2, 4):
            unions = []
            for resample in counts:
                drawn = one.lists["item"][resample[::3] > 0][:, :k]
                unions.append(len(set(drawn[drawn >= 0].tolist())) / N_ITEMS)
            value = one.metrics[f"coverage@{k}"]
            expected = value + np.quantile(unions, [0.05, 0.95]) - np.mean(unions)
            # items of four lists and more are taken to be in every resample, where so few still miss some
            close = 1e-9 if everywhere == 64 else 0.02
            assert found[one.model, f"coverage@{k}"] == pytest.approx(np.minimum(expected, 1), abs=close)


def test_the_leaderboard_has_it_and_no_other_value_moves():
    options = CompareOptions(B, 0.95, 4)
    rows, without = (
        compare([result("a", 1, lists), result("b", 2, lists)], options, np.random.default_rng(0))
        for lists in (True, False)
    )
    for row, other in zip(rows, without, strict=True):
        if row["metric"].startswith("coverage@"):
            assert row["low"] < row["value"] < row["high"]
            assert other["low"] is None
        else:
            assert row == other


def test_the_whole_catalogue_is_no_more_than_all_of_it():
    lists = {"user": np.arange(4, dtype=np.int32), "item": np.array([[0], [1], [2], [0]], np.int32)}
    per_user = {"user": lists["user"], "ndcg@1": np.ones(4)}
    one = ModelResult("a", "ranking", {"ndcg@1": 1.0, "coverage@1": 1.0}, per_user, lists)
    (row,) = [
        row
        for row in compare([one], CompareOptions(B, 0.95, 1), np.random.default_rng(0))
        if row["metric"] == "coverage@1"
    ]
    assert row["low"] < 1
    assert row["high"] == 1
