"""The comparison on users whose values one can see."""

from __future__ import annotations

import json

import numpy as np
import pytest

from marquee.errors import MarqueeError
from marquee.io import write_csv
from marquee.leaderboard.table import (
    HEADER,
    CompareOptions,
    ModelResult,
    Row,
    compare,
    direction,
    from_csv,
    summary,
)

OPTIONS = CompareOptions(bootstrap_samples=200)
N = 40
USERS = np.arange(N, dtype=np.int32)


def ranking(model: str, found: float, novelty: float = 3.0) -> ModelResult:
    """A model that finds the item of the first `found` (a fraction) of 40 users and puts it first."""
    hits = (np.arange(N) < found * N).astype(float)
    per_user = {"user": USERS, "hit@10": hits, "ndcg@10": hits, "novelty@10": np.full(N, novelty)}
    metrics = {"hit@10": found, "ndcg@10": found, "novelty@10": novelty, "coverage@10": 0.25}
    return ModelResult(model, "ranking", metrics, per_user)


def rating(model: str, error: float) -> ModelResult:
    """A model that is off by `error` or by twice that, on one or two ratings of each of 40 users."""
    n = np.tile([1.0, 2.0], N // 2)
    absolute = np.tile([2 * error, 2 * error], N // 2)
    squared = np.tile([4 * error**2, 2 * error**2], N // 2)
    mae, mse = absolute.sum() / n.sum(), squared.sum() / n.sum()
    metrics = {"rmse": mse**0.5, "mse": mse, "mae": mae, "rmse_cold": 1.5}
    per_user = {"user": USERS, "n": n, "squared_error": squared, "absolute_error": absolute}
    return ModelResult(model, "rating", metrics, per_user)


EVERYONE = [
    ranking("popularity", 0.25, novelty=1.0),
    ranking("ease", 0.5),
    ranking("mf", 0.475),
    ranking("oracle", 0.75),
    rating("bias", 0.7),
    rating("mean", 0.8),
    rating("oracle", 0.5),
]


def compared(evaluated: list[ModelResult], options: CompareOptions = OPTIONS, seed: int = 0) -> list[Row]:
    return compare(evaluated, options, np.random.default_rng(seed))


def only(rows: list[Row], model: str, metric: str, task: str = "ranking") -> Row:
    (row,) = (row for row in rows if (row["task"], row["model"], row["metric"]) == (task, model, metric))
    return row


def test_the_best_has_an_interval_and_nothing_to_differ_from():
    row = only(compared(EVERYONE), "ease", "ndcg@10")
    assert tuple(row) == HEADER
    assert (row["value"], row["best"]) == (0.5, 1)
    assert row["low"] < 0.5 < row["high"]
    assert [row[name] for name in HEADER[7:]] == [None] * 4


def test_a_clearly_worse_model_has_a_small_p_and_an_interval_away_from_zero():
    row = only(compared(EVERYONE), "popularity", "ndcg@10")
    assert row["difference"] == -0.25
    assert row["difference_low"] < -0.25 < row["difference_high"] < 0
    assert row["p_holm"] == pytest.approx(2 / 201, abs=1e-6), "the least p, twice: Holm for two comparisons"
    assert row["best"] == 0


def test_a_model_worse_for_one_user_of_forty_may_be_as_good():
    row = only(compared(EVERYONE), "mf", "ndcg@10")
    assert row["difference"] == -0.025
    assert row["difference_high"] == 0
    assert row["p_holm"] > 0.1


def test_identical_models_differ_by_zero_with_p_one_and_the_first_by_name_is_best():
    rows = compared([ranking("twin", 0.5), ranking("ease", 0.5)])
    assert only(rows, "ease", "hit@10")["best"] == 1
    twin = only(rows, "twin", "hit@10")
    assert [twin[name] for name in HEADER[6:]] == [0, 0, 0, 0, 1]


def test_pooled_errors_are_compared_too_and_less_is_better():
    rows = compared(EVERYONE)
    bias, mean = only(rows, "bias", "rmse", "rating"), only(rows, "mean", "rmse", "rating")
    assert bias["best"] == 1
    assert bias["low"] < bias["value"] < bias["high"]
    assert mean["difference"] == pytest.approx(mean["value"] - bias["value"], abs=1e-6)
    assert mean["difference_low"] > 0
    assert mean["p_holm"] < 0.01
    assert only(rows, "bias", "mae", "rating")["best"] == 1


def test_what_says_nothing_on_who_is_right_has_an_interval_but_no_best():
    row = only(compared(EVERYONE), "popularity", "novelty@10")
    assert (row["low"], row["high"], row["best"], row["p_holm"]) == (1, 1, 0, None)


def test_what_has_no_value_for_each_user_has_a_value_only():
    rows = compared(EVERYONE)
    assert [only(rows, "ease", "coverage@10")[name] for name in HEADER[3:8]] == [0.25, None, None, 0, None]
    assert only(rows, "bias", "rmse_cold", "rating")["low"] is None


def test_the_oracle_is_never_the_best_and_never_tested():
    rows = [row for row in compared(EVERYONE) if row["model"] == "oracle"]
    assert {row["task"] for row in rows} == {"ranking", "rating"}
    assert all(not row["best"] and row["p_holm"] is None for row in rows)
    alone = compared([ranking("oracle", 0.75)])
    assert not any(row["best"] for row in alone)


def test_users_without_a_relevant_item_do_not_count():
    one = rating("bias", 0.7)
    half = np.where(np.arange(N) % 4, np.nan, np.arange(N) % 8 == 0)  # defined for 10 users, 1 for 5 of them
    given = ModelResult("bias", "rating", {**one.metrics, "hit@10": 0.5}, {**one.per_user, "hit@10": half})
    row = only(compared([given]), "bias", "hit@10", "rating")
    assert row["low"] < 0.35, "ten users make a wide interval"
    assert row["high"] > 0.65


def test_the_order_of_the_models_is_irrelevant():
    assert compared(EVERYONE[::-1]) == compared(EVERYONE)


def test_a_models_interval_does_not_depend_on_the_others():
    everyone, alone = compared(EVERYONE), compared([rating("mean", 0.8)])
    for name in ("value", "low", "high"):
        assert only(alone, "mean", "rmse", "rating")[name] == only(everyone, "mean", "rmse", "rating")[name]


def test_the_same_generator_gives_the_same_rows_and_another_one_others():
    assert json.dumps(compared(EVERYONE)) == json.dumps(compared(EVERYONE))
    assert compared(EVERYONE, seed=1) != compared(EVERYONE)


def test_more_confidence_makes_wider_intervals():
    wide = only(compared(EVERYONE, CompareOptions(200, 0.98)), "ease", "hit@10")
    narrow = only(compared(EVERYONE, CompareOptions(200, 0.8)), "ease", "hit@10")
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]


@pytest.mark.parametrize(
    ("metric", "more_is_better"),
    [("sampled_ndcg@10", 1), ("recall@5", 1), ("rmse", -1), ("novelty@10", 0), ("coverage@10", 0)],
)
def test_a_metric_says_by_its_name_which_way_is_better(metric, more_is_better):
    assert direction(metric) == more_is_better


def refused(evaluated: list[ModelResult], options: CompareOptions = OPTIONS) -> str:
    with pytest.raises(MarqueeError) as caught:
        compared(evaluated, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_models_that_were_evaluated_on_different_users_are_refused():
    other = ranking("mf", 0.5)
    fewer = {name: values[1:] for name, values in other.per_user.items()}
    line = refused([ranking("ease", 0.5), ModelResult("mf", "ranking", other.metrics, fewer)])
    assert line.startswith("ease and mf")
    assert "40 and 39" in line


def test_a_length_that_no_model_was_evaluated_at_is_refused():
    line = refused(EVERYONE, CompareOptions(k=20))
    assert line.startswith("compare.k is 20")
    assert "evaluate.ks" in line


def test_resamples_too_few_for_any_p_to_be_small_are_refused():
    many = [ranking(f"model{n}", 0.5) for n in range(7)]
    line = refused(many, CompareOptions(bootstrap_samples=100))
    assert line.startswith("100 resamples are too few")
    assert line.endswith("at least 121")
    worst = only(
        compared([*many[:6], ranking("worst", 0.0)], CompareOptions(bootstrap_samples=121)), "worst", "hit@10"
    )
    assert worst["p_holm"] < 0.05, "what the message asks for is enough"


def test_the_summary_nests_values_and_intervals_by_model():
    rows = compared(EVERYONE)
    longer = [{**row, "metric": row["metric"].replace("@10", "@20")} for row in rows if "@" in row["metric"]]
    found = summary([*rows, *longer], OPTIONS)
    assert found == summary(rows, OPTIONS), "lists of another length are left to the table"
    assert list(found) == ["ease", "mf", "popularity", "oracle_ranking", "bias", "mean", "oracle_rating"]
    assert found["ease"]["coverage@10"] == {"value": 0.25}
    ease = only(rows, "ease", "ndcg@10")
    assert found["ease"]["ndcg@10"] == {"value": 0.5, "interval": [ease["low"], ease["high"]]}
    assert found["oracle_rating"]["rmse"]["value"] < found["bias"]["rmse"]["value"]


def test_rows_come_back_from_their_file_as_they_were(tmp_path):
    rows = compared(EVERYONE)
    write_csv(tmp_path / "leaderboard.csv", HEADER, [list(row.values()) for row in rows])
    with (tmp_path / "leaderboard.csv").open(encoding="utf-8") as file:
        assert from_csv(file) == rows
