"""Experiments become one table, from what DVC says of them."""

from __future__ import annotations

import pandas as pd
import pytest

from marquee import experiments
from marquee.errors import MarqueeError
from marquee.experiments import Experiments, SweepTable, notes, read, sweep_tables, text

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
        "   model       1       2    rmse     std  n",
        "*  als    0.8000  1.0000  0.9000  0.1414  2",
        "   bias   1.0000  1.2000  1.1000  0.1414  2",
    ]


def test_a_setting_is_chosen_by_its_validation_and_its_test_value_stands_beside_it():
    table = gather(grid((5, 0.92, 0.97), (10, 0.94, 0.95)))["rating"]
    assert text(table, "rating").splitlines() == [
        "als, best validation first",
        "",
        "   dim  validation    rmse",
        "*    5      0.9200  0.9700",
        "    10      0.9400  0.9500",
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
    assert [line.split() for line in lines[-2:]] == [["*", "-", "1.0000"], ["True", "2.0000"]]


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
    return {"name": name, "revs": [{"rev": "0123456789", "data": data, "error": error}], "executor": executor}


def test_only_experiments_that_ended_well_are_read_and_the_others_are_named_by_state():
    failed = shown("lost-sock", "failed", {"msg": "Experiment run failed"})
    commit = [shown("a", "success"), shown("b", None), failed, shown("d", "queued")]
    curves = {("0123456789", "als"): "epoch,loss,validation\n1,,0.95\n2,,0.93\n3,,0.94\n"}
    done, others = read(
        [{"experiments": None}, {"experiments": commit}], lambda *which: curves.get(which, "")
    )
    assert list(done.params.index) == ["a", "b"]
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
    done, _ = read([{"experiments": [shown("a", "success")]}], lambda *_: "epoch,loss\n1,0.5\n")
    assert done.values["metric"].tolist() == ["rmse"]
