"""The comparison on people whose values one can see, and the tables as they are read."""

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
    markdown,
    summary,
    text,
)

OPTIONS = CompareOptions(bootstrap_samples=200)
N = 40
USERS = np.arange(N, dtype=np.int32)


def ranking(model: str, share: float, novelty: float = 3.0) -> ModelResult:
    """A model that finds the item of the first `share` of 40 users and puts it first."""
    hits = (np.arange(N) < share * N).astype(float)
    per_user = {"user": USERS, "hit@10": hits, "ndcg@10": hits, "novelty@10": np.full(N, novelty)}
    metrics = {"hit@10": share, "ndcg@10": share, "novelty@10": novelty, "coverage@10": 0.25}
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
    assert refused([ranking("ease", 0.5), ModelResult("mf", "ranking", other.metrics, fewer)]) == (
        "ease and mf were evaluated on different users of the ranking task (40 and 39 of them); "
        "evaluate both again on the same split"
    )


def test_a_length_that_nobody_was_measured_at_is_refused():
    assert refused(EVERYONE, CompareOptions(k=20)) == (
        "compare.k is 20, but the lists were measured at 10; choose one of these or add it to evaluate.ks"
    )


def test_resamples_too_few_for_any_p_to_be_small_are_refused():
    many = [ranking(f"model{n}", 0.5) for n in range(7)]
    assert refused(many, CompareOptions(bootstrap_samples=100)) == (
        "compare.bootstrap_samples is 100, too few resamples to tell 7 models apart at a confidence of 0.95; "
        "set it to at least 121"
    )
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


def row(task: str, model: str, metric: str, value: float, p: float | None = None, best: int = 0) -> Row:
    """By hand, with an interval of .01 to both sides."""
    row = dict.fromkeys(HEADER) | {"task": task, "model": model, "metric": metric, "value": value}
    return row | {"low": value - 0.01, "high": value + 0.01, "best": best, "p_holm": p}


BOARD = [
    row("ranking", "oracle", "ndcg@10", 0.2),
    row("ranking", "popularity", "ndcg@10", 0.05, p=0.049),
    row("ranking", "mf_bce", "ndcg@10", 0.12, p=0.05),
    row("ranking", "ease", "ndcg@10", 0.13, best=1),
    row("ranking", "ease", "hit@10", 0.25),
    row("ranking", "ease", "recall@10", 0.25),
    row("ranking", "ease", "sampled_hit@10", 0.625),
    row("ranking", "ease", "sampled_ndcg@10", 0.375),
    row("ranking", "ease", "coverage@10", 0.3125),
    row("rating", "bias", "rmse", 0.9412, best=1),
    row("rating", "mean", "rmse", 1.0412, p=0.01),
    row("rating", "bias", "mae", 0.7456),
]


def test_the_printed_table_is_aligned_and_the_best_is_first():
    assert text(BOARD, CompareOptions()) == (
        """\
Ranking, best ndcg@10 first

                                                            sampled  sampled                   of
  model       ndcg@10      95% interval  hit@10  recall@10   hit@10  ndcg@10  coverage@10  oracle
* ease         0.1300  [0.1200, 0.1400]  0.2500     0.2500   0.6250   0.3750       0.3125   65.0%
~ mf_bce       0.1200  [0.1100, 0.1300]       -          -        -        -            -   60.0%
  popularity   0.0500  [0.0400, 0.0600]       -          -        -        -            -   25.0%
  oracle       0.2000  [0.1900, 0.2100]       -          -        -        -            -  100.0%

Rating, best rmse first

  model    rmse      95% interval     mae  ndcg@10  hit@10
* bias   0.9412  [0.9312, 0.9512]  0.7456        -       -
  mean   1.0412  [1.0312, 1.0512]       -        -       -

* best; ~ not significantly different from it (paired bootstrap over users, Holm p >= 0.05)
of oracle: the share reached of what the planted truth attains (its error over the model's)
"""
    )


def test_an_error_reaches_the_share_that_the_oracles_is_of_it():
    table = text([*BOARD, row("rating", "oracle", "rmse", 0.9)], CompareOptions())
    assert "* bias    0.9412  [0.9312, 0.9512]  0.7456        -       -   95.6%" in table


def test_without_an_oracle_the_legend_does_not_speak_of_it():
    table = text([row for row in BOARD if row["model"] != "oracle"], CompareOptions())
    assert "oracle" not in table
    assert table.endswith("Holm p >= 0.05)\n")


def test_no_line_of_the_table_is_wider_than_a_terminal():
    assert max(map(len, text(BOARD, CompareOptions()).splitlines())) <= 100


def test_the_markdown_has_the_same_cells():
    lines = markdown(BOARD, CompareOptions()).splitlines()
    assert lines[0] == "### Ranking, best ndcg@10 first"
    assert (
        "| * ease | 0.1300 | [0.1200, 0.1400] | 0.2500 | 0.2500 | 0.6250 | 0.3750 | 0.3125 | 65.0% |" in lines
    )
    assert {line.count("|") for line in lines[2:8]} == {10}
