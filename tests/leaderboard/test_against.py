"""Two runs side by side."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.config import CompareOptions
from marquee.evaluation.test_set import ModelResult
from marquee.leaderboard.against import against
from marquee.leaderboard.significance import least_p
from marquee.leaderboard.table import compare, summary

OPTIONS = CompareOptions(bootstrap_samples=400)
HEADLINE = {"ranking": "ndcg@10", "rating": "rmse"}


def ranks(model, shift, users=300):
    values = np.clip(np.random.default_rng(3).random(users) + shift, 0, 1.5)
    columns = {"user": np.arange(users), "ndcg@10": values}
    return ModelResult(model, "ranking", {"ndcg@10": values.mean()}, columns)


def rates(model, error):
    errors = error * np.random.default_rng(4).random(200)
    columns = {
        "user": np.arange(200),
        "n": np.ones(200),
        "squared_error": errors**2,
        "absolute_error": errors,
    }
    metrics = {"rmse": float(np.sqrt((errors**2).mean())), "mae": errors.mean(), "mse": (errors**2).mean()}
    return ModelResult(model, "rating", metrics, columns)


HERE = [ranks("ease", 0.1), ranks("new", 0.0), rates("als", 1.0), ranks("oracle", 0.4)]
THERE = [ranks("ease", 0.0), ranks("gone", 0.2), rates("als", 1.0), rates("old", 2.0), ranks("oracle", 0.4)]


def run(known=True, more=()):
    runs = [*HERE, *more], [*THERE, *more]
    rows, others = (compare(one, OPTIONS, np.random.default_rng(0)) for one in runs)
    here, there = ({one.model: one for one in run} for run in runs)

    def results(model):
        return here[model], there[model] if known else None

    return {
        (row["task"], row["model"]): row
        for row in against(rows, HEADLINE, summary(others, OPTIONS), results, OPTIONS, 1)
    }


def test_every_model_of_either_run_has_a_row_in_its_task():
    assert list(run()) == [
        *(("ranking", model) for model in ("ease", "new", "gone")),
        *(("rating", model) for model in ("als", "old")),
    ]


def test_what_is_in_both_runs_is_tested_on_the_same_users():
    found = run()
    ease = found["ranking", "ease"]
    assert ease["difference"] == pytest.approx(ease["here"] - ease["there"])
    assert ease["difference_low"] <= ease["difference"] <= ease["difference_high"]
    assert ease["difference_low"] > 0.09, "paired: the users' own differences do not count"
    assert ease["p_holm"] == pytest.approx(ease["least_p"]) == least_p(1, 400)
    same = found["rating", "als"]
    assert (same["difference"], same["difference_low"], same["difference_high"], same["p_holm"]) == (
        0,
        0,
        0,
        1,
    )


def test_no_other_model_changes_an_interval():
    alone, beside = run(), run(more=[ranks("a_first_one", 0.3)])
    for end in ("difference_low", "difference_high"):
        assert alone["ranking", "ease"][end] == beside["ranking", "ease"][end]


def test_without_the_values_of_users_only_the_difference_is_known():
    row = run(known=False)["ranking", "ease"]
    assert row["difference"] > 0
    assert [row[name] for name in ("difference_low", "difference_high", "p_holm")] == [None] * 3


def test_a_model_of_one_run_has_no_difference():
    found = run()
    assert found["ranking", "new"]["there"] is found["ranking", "gone"]["here"] is None
    assert found["ranking", "new"]["difference"] is found["ranking", "gone"]["difference"] is None


def test_the_least_p_grows_with_the_tests_and_is_never_above_one():
    assert least_p(13, 1000) == 13 / 1001
    assert least_p(5, 1) == 1
