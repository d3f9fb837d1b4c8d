"""The order, the titles and the groups of metrics."""

from __future__ import annotations

import pytest

from marquee.leaderboard.metrics import metric_group, metric_groups, metric_title, ranked


@pytest.mark.parametrize(("metric", "models"), [("rmse", ["b", "a"]), ("ndcg@10", ["a", "b"])])
def test_the_smallest_error_and_the_largest_gain_are_the_best(metric, models):
    rows = [
        {"task": "rating", "metric": metric, "model": model, "value": value}
        for model, value in (("b", 0.91), ("a", 0.95))
    ]
    assert [row["model"] for row in ranked(rows, "rating", metric)] == models
    assert ranked(rows, "ranking", metric) == []


@pytest.mark.parametrize(
    ("metric", "title"),
    [("ndcg@10", "NDCG@10"), ("sampled_hit@5", "Sampled hit@5"), ("rmse_cold", "RMSE cold"), ("map", "MAP")],
)
def test_titles_are_the_usual_ones(metric, title):
    assert metric_title(metric) == title


def test_each_metric_is_in_one_table_and_short_lists_come_first():
    metrics = ["coverage@5", "ndcg@20", "rmse_cold", "sampled_hit@5", "ndcg@5", "hit@5", "mae", "rmse"]
    groups = metric_groups(metrics)
    assert list(groups.values()) == [
        ["rmse", "mae"],
        ["rmse_cold"],
        ["hit@5", "ndcg@5"],
        ["ndcg@20"],
        ["sampled_hit@5"],
        ["coverage@5"],
    ]
    assert all(metric_group(metric) == group for group, found in groups.items() for metric in found)
