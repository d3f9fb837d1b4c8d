"""Experiments become one table, from what DVC says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from marquee import experiments
from marquee.config import CompareOptions
from marquee.errors import MarqueeError
from marquee.evaluation.test_set import ModelResult
from marquee.experiments import (
    Experiments,
    SweepTable,
    compare_to_commit,
    notes,
    read,
    sweep_tables,
    text,
)

Run = tuple[dict[str, dict[str, float]], dict[str, object]]  # its values, and what its parameters are
PRIMARY = {"rating": "rmse", "ranking": "ndcg@10"}
MODELS = {"als": "rating", "bias": "rating", "ease": "ranking"}


def experiment(values: dict[str, dict[str, float]], **params: object) -> Run:
    """`als__dim=3` stands for `models.als.dim: 3`, `rating__fold=3` for `tasks.rating.fold: 3`."""
    tasks = {f"models.{model}.task": task for model, task in MODELS.items()}
    blocks = {"seed": "", "rating": "tasks."}
    given = {
        blocks.get(key.split("__")[0], "models.") + key.replace("__", "."): value
        for key, value in params.items()
    }
    return values, {"seed": 1, **tasks, **given}


def of(runs: list[Run]) -> Experiments:
    rows = [
        (str(n), model, MODELS[model], metric, value)
        for n, (values, _) in enumerate(runs)
        for model, found in values.items()
        for metric, value in found.items()
    ]
    values = pd.DataFrame(rows, columns=["experiment", "model", "task", "metric", "value"])
    return experiments.experiments({str(n): params for n, (_, params) in enumerate(runs)}, values)


def folds(**errors: list[float]) -> list[Run]:
    """Of each model an error for each fold."""
    rows = zip(*errors.values(), strict=True)
    return [
        experiment({m: {"rmse": value} for m, value in zip(errors, row, strict=True)}, rating__fold=fold)
        for fold, row in enumerate(rows, 1)
    ]


def grid(*points: tuple[int, float, float]) -> list[Run]:
    return [experiment({"als": {"validation": v, "rmse": t}}, als__dim=dim) for dim, v, t in points]


def gather(runs: list[Run], **asked: list[str]) -> dict[str, SweepTable]:
    return sweep_tables(of(runs), PRIMARY, **asked)


def values_of(table: SweepTable, *keys: str) -> list[tuple]:
    frame = table.rows[list(keys)].astype(object)
    return list(frame.where(frame.notna(), None).itertuples(index=False, name=None))


def test_folds_become_mean_and_standard_deviation_and_the_best_model_is_on_top():
    table = gather(folds(bias=[1.0, 1.2], als=[0.8, 1.0]))["rating"]
    assert (table.grid, table.over, table.metrics) == ([], ["tasks.rating.fold"], ["rmse"])
    assert values_of(table, "model", "n", "best") == [("als", 2, 1), ("bias", 2, 0)]
    assert values_of(table, "mean") == [(pytest.approx(0.9),), (pytest.approx(1.1),)]
    assert values_of(table, "std") == [(pytest.approx(0.02**0.5),)] * 2
    assert text(table, "rating", show_repeats=True).splitlines() == [
        "Rating, best rmse first; mean over tasks.rating.fold 1, 2",
        "",
        "   experiment  model       1       2    rmse     std  n",
        "*  0 +1        als    0.8000  1.0000  0.9000  0.1414  2",
        "   0 +1        bias   1.0000  1.2000  1.1000  0.1414  2",
    ]


def test_a_setting_is_chosen_by_its_validation_and_its_test_value_stands_beside_it():
    table = gather(grid((5, 0.92, 0.97), (10, 0.94, 0.95)))["rating"]
    assert text(table, "rating").splitlines() == [
        "als, best validation first",
        "",
        "   experiment  dim  validation    rmse",
        "*  0             5      0.9200  0.9700",
        "   1            10      0.9400  0.9500",
    ]


def test_a_grid_over_folds_has_a_row_for_each_point_of_the_grid():
    runs = [
        experiment({"als": {"rmse": dim + fold}}, als__dim=dim, rating__fold=fold)
        for dim in (10, 5)
        for fold in (1, 2, 3)
    ]
    table = gather(runs, metrics=["rmse"])["rating"]
    assert values_of(table, "models.als.dim", "mean", "std", "n") == [(5, 7, 1, 3), (10, 12, 1, 3)]
    flat = gather(runs, metrics=["rmse"], over=["models.als.dim"])["rating"]
    assert values_of(flat, "tasks.rating.fold", "mean", "n") == [(1, 8.5, 2), (2, 9.5, 2), (3, 10.5, 2)]


def test_more_is_better_where_the_metric_says_so_and_each_task_has_its_table():
    runs = [
        experiment({"als": {"rmse": 1.0 + seed}, "ease": {"ndcg@10": 0.1 * seed}}, seed=seed)
        for seed in (1, 2)
    ]
    tables = gather(runs)
    assert {task: table.metrics for task, table in tables.items()} == {
        "rating": ["rmse"],
        "ranking": ["ndcg@10"],
    }
    assert tables["ranking"].over == ["seed"]
    ranked = gather(
        [experiment({"ease": {"ndcg@10": 0.1 * dim}}, ease__dim=dim) for dim in (1, 3, 2)],
        metrics=["ndcg@10"],
    )
    assert values_of(ranked["ranking"], "models.ease.dim", "best") == [(3, 1), (2, 0), (1, 0)]


def test_settings_of_other_models_are_left_out_and_the_same_run_counts_once():
    runs = [
        experiment({"als": {"rmse": fold}, "ease": {"ndcg@10": 0.1}}, rating__fold=fold, ease__dim=dim)
        for fold in (1, 2)
        for dim in (1, 2)
    ]
    assert values_of(gather(runs, models=["als"], metrics=["rmse"])["rating"], "mean", "n") == [(1.5, 2)]


def test_two_sweeps_of_two_models_do_not_multiply():
    als = [experiment({"als": {"rmse": dim}, "bias": {"rmse": 9}}, als__dim=dim) for dim in (1, 2)]
    bias = [experiment({"als": {"rmse": 1}, "bias": {"rmse": 8}}, als__dim=1, bias__damping=5)]
    table = gather(als + bias, metrics=["rmse"])["rating"]
    assert table.grid == ["models.als.dim", "models.bias.damping"]
    assert values_of(table, "model", *table.grid) == [
        ("als", 1, None), ("als", 2, None), ("bias", None, 5), ("bias", None, None),
    ]  # fmt: skip


def test_the_best_is_among_those_with_most_repeats_and_a_note_says_so():
    runs = [
        experiment({"als": {"rmse": value}}, als__dim=dim, rating__fold=fold)
        for dim, fold, value in ((1, 1, 2.0), (1, 2, 2.0), (5, 1, 1.0))
    ]
    tables = gather(runs, metrics=["rmse"])
    assert values_of(tables["rating"], "models.als.dim", "n", "best") == [(5, 1, 0), (1, 2, 1)]
    assert "n differs" in notes(tables, {})[0]


def test_a_parameter_that_only_some_have_is_a_dash_in_the_others():
    runs = [experiment({"als": {"rmse": 1.0}}), experiment({"als": {"rmse": 2.0}}, als__use_genres=True)]
    lines = text(gather(runs, models=["als"], metrics=["rmse"])["rating"], "rating").splitlines()
    assert [line.split() for line in lines[-2:]] == [["*", "0", "-", "1.0000"], ["1", "True", "2.0000"]]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"metrics": ["rsme"]}, "metric 'rsme'; did you mean 'rmse'?"),
        ({"models": ["asl"]}, "model 'asl' is in no experiment; did you mean 'als'?"),
        ({"over": ["tasks.rating.seed"]}, "does not vary among the experiments; did you"),
        ({"models": ["ease"]}, "nothing that concerns ease varies among the 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_tabulated_is_one_line_that_names_what_can(asked, words):
    runs = folds(als=[1.0, 1.1])
    if asked.get("models") == ["ease"]:
        runs = [experiment({"ease": {"ndcg@10": 0.1}, "als": {"rmse": 1.0}}, als__dim=d) for d in (1, 2)]
    with pytest.raises(MarqueeError) as caught:
        gather(runs, **asked)
    assert words in str(caught.value)


# read


def shown(name: str, state: str | None, error: dict | None = None) -> dict:
    """An experiment as `dvc exp show --json` has it."""
    data = {
        "params": {
            "params.yaml": {"data": {"seed": 1, "models": {"als": {"task": "rating", "ks": [5, 10]}}}}
        },
        "metrics": {"metrics/summary.json": {"data": {"als": {"rmse": {"value": 0.9}}, "oracle_rating": {}}}},
    }
    executor = state and {"state": state}
    last = {"rev": "0123456789", "name": name, "data": data, "error": error}
    return {"name": name, "revs": [last], "executor": executor}


def at_commit(*found: dict, results: bool = True) -> list[dict]:
    """What DVC shows: the working copy, and a commit with its experiments."""
    (last,) = shown("main", None)["revs"]
    if not results:
        last["data"]["metrics"] = {}
    return [
        {"rev": "workspace", "experiments": None},
        {**last, "rev": "fedcba9876", "experiments": list(found)},
    ]


def test_only_experiments_that_ended_well_are_read_and_the_others_are_named_by_state():
    failed = shown("lost-sock", "failed", {"msg": "Experiment run failed"})
    ended = [shown("a", "success"), shown("b", None), failed, shown("d", "queued")]
    curves = {("0123456789", "als"): "epoch,loss,validation\n1,,0.95\n2,,0.93\n3,,0.94\n"}
    done, revisions, others = read(at_commit(*ended), lambda *which: curves.get(which, ""), lambda *_: False)
    assert list(done.params.index) == ["main", "a", "b"]
    assert (done.commit, revisions["main"], revisions["b"]) == ("main", "fedcba9876", "0123456789")
    assert done.params.loc["a", "models.als.ks"] == (5, 10)
    assert done.values.query("experiment == 'a'").set_index("metric")["value"].to_dict() == {
        "validation": 0.93,
        "rmse": 0.9,
    }
    assert others == {"failed": ["lost-sock"], "queued": ["d"]}
    said = notes({}, others)
    assert len(said) == 3
    assert all("lost-sock" in line for line in (said[0], said[2]))


def test_a_model_without_a_validation_set_has_no_validation_value():
    found = at_commit(shown("a", "success"), results=False)
    for curve in ("epoch,loss\n1,0.5\n", "epoch,validation\n1,0.5\n2,0.", "epoch,validation\n1,cut"):
        done, *_ = read(found, lambda *_, curve=curve: curve, lambda *_: False)
        assert done.commit is None
        assert done.values["metric"].tolist()[-1] == "rmse"


# The commit and what was not evaluated


def beside_commit(*runs: Run, stale: tuple[str, ...] = ()) -> Experiments:
    """The first run is the commit."""
    found = of(list(runs))
    return experiments.experiments(found.params.to_dict("index"), found.values, "0", stale)


def test_the_commit_has_a_row_of_its_own_also_where_an_experiment_repeats_it():
    runs = grid((5, 0.92, 0.97), (10, 0.90, 0.95), (5, 0.92, 0.97))
    table = sweep_tables(beside_commit(*runs), PRIMARY)["rating"]
    rows = values_of(table, "experiment", "models.als.dim", "metric", "best")
    assert rows[:3] == [("1", 10, "validation", 1), ("0", 5, "validation", 0), ("2", 5, "validation", 0)]
    assert table.commit == "0"


def test_the_commit_s_one_run_is_no_repeat_of_the_experiments():
    one = experiment({"als": {"rmse": 0.1}}, seed=2024)
    runs = [experiment({"als": {"rmse": 0.9 + seed / 10}}, seed=seed) for seed in (1, 2)]
    tables = sweep_tables(beside_commit(one, *runs), PRIMARY)
    assert values_of(tables["rating"], "experiment", "n", "best") == [("0", 1, 0), ("1 2", 2, 1)]
    assert tables["rating"].repeats == ["1", "2"]
    assert not [line for line in notes(tables, {}) if line.startswith("n differs")]


def test_one_experiment_is_compared_with_its_commit():
    runs = grid((5, 0.92, 0.97), (10, 0.90, 0.95))
    assert len(sweep_tables(beside_commit(*runs), PRIMARY)["rating"].rows) == 4
    with pytest.raises(MarqueeError, match="among the 1 finished experiments"):
        sweep_tables(beside_commit(*grid((5, 0.92, 0.97), (5, 0.92, 0.97))), PRIMARY)


def test_metrics_of_an_earlier_state_are_marked_and_never_the_best():
    runs = grid((5, 0.92, 0.97), (10, 0.5, 0.5), (20, 0.95, 0.98))
    tables = sweep_tables(beside_commit(*runs, stale=("1",)), PRIMARY)
    lines = [line.split()[:2] for line in text(tables["rating"], "rating").splitlines()[3:]]
    assert lines == [["!", "1"], ["*", "0"], ["2", "20"]]
    assert "! not evaluated, the metrics are of an earlier state: 1" in notes(tables, {})


def test_a_repeat_that_was_not_evaluated_is_left_out_of_the_mean():
    runs = [
        experiment({"als": {"rmse": value}}, seed=seed) for seed, value in ((0, 9), (1, 1), (2, 3), (3, 100))
    ]
    table = sweep_tables(beside_commit(*runs, stale=("3",)), PRIMARY)["rating"]
    assert values_of(table, "experiment", "mean", "n") == [("1 2", 2, 2), ("0", 9, 1)]


def of_users(*squared: float) -> ModelResult:
    columns = {"user": np.arange(4), "n": np.ones(4), "squared_error": np.array(squared)}
    return ModelResult("als", "rating", {}, columns | {"absolute_error": np.sqrt(squared)})


def test_a_difference_to_the_commit_is_on_the_same_users():
    """Each user's error falls by a tenth of itself: a paired interval is narrow, single ones are wide."""
    runs = grid((5, 0.92, 5.0), (10, 0.94, 4.5), (20, 0.95, 4.0), (40, 0.96, 3.0))
    table = sweep_tables(beside_commit(*runs, stale=("3",)), PRIMARY)["rating"]
    results = {"0": of_users(1, 4, 25, 100), "1": of_users(0.81, 3.24, 20.25, 81), "2": None}
    options = CompareOptions(bootstrap_samples=200)
    table = compare_to_commit(table, "rmse", lambda name, _: results[name], options, seed=1)
    rows = table.rows[table.rows["metric"] == "rmse"].set_index("experiment")
    base = np.sqrt(np.mean([1, 4, 25, 100]))
    assert rows.loc["1", "difference"] == pytest.approx(-0.1 * base)
    assert (
        rows.loc["1", "difference_low"] < rows.loc["1", "difference"] < rows.loc["1", "difference_high"] < 0
    )
    assert rows["difference"].isna().to_dict() == {"0": True, "1": False, "2": True, "3": True}
    head, *lines = text(table, "rating").splitlines()[2:]
    assert head.split()[-3:] == ["vs", "0", "±"]
    assert [line.split()[-2] for line in lines if " 10 " in line] == [f"{-0.1 * base:+.4f}"]
    assert [line.split()[-2:] for line in lines if " 10 " not in line] == [["-", "-"]] * 3
    assert any("paired bootstrap" in line for line in notes({"rating": table}, {}))


def test_without_the_commit_s_users_there_is_no_column():
    table = sweep_tables(beside_commit(*grid((5, 0.92, 5.0), (10, 0.94, 4.5))), PRIMARY)["rating"]
    stale = sweep_tables(beside_commit(*grid((5, 0.92, 5.0), (10, 0.94, 4.5)), stale=("0",)), PRIMARY)[
        "rating"
    ]
    assert compare_to_commit(stale, "rmse", lambda *_: of_users(1, 4, 9, 16), CompareOptions(), 1) is stale
    others = {"0": of_users(1, 4, 25, 100), "1": ModelResult("als", "rating", {}, {"user": np.arange(3)})}
    options = CompareOptions(bootstrap_samples=100)
    assert compare_to_commit(table, "rmse", lambda name, _: others[name], options, 1) is table
