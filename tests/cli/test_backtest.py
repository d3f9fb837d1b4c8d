"""`marquee backtest`: one table over windows of time, with the numbers of the pipeline."""

from __future__ import annotations

import csv
import json
from importlib import import_module
from pathlib import Path

import pytest

from marquee import config
from marquee.cli.main import main
from marquee.io import read_sealed

MODELS = ("popularity", "ease", "mf_bce")


@pytest.fixture
def inside(project, monkeypatch) -> Path:
    project.set({"tasks": {"ranking": {"n_folds": 3, "validation": 0.2}}})
    monkeypatch.chdir(project.folder)
    return project.folder


def test_a_window_has_the_numbers_of_the_pipeline_on_that_fold(inside, project, capsys):
    assert main(["backtest", *MODELS, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {(row["window"], row["model"], row["metric"]): row for row in found["rows"]}
    assert {model for _, model, _ in rows} == {*MODELS, "popular_recent"}
    project.set({"tasks": {"ranking": {"split": "sliding_window", "fold": 2}}})
    params = config.read(Path("params.yaml"))
    for stage in ("split", "candidates"):
        import_module(f"stages.{stage}").main(params, "ranking")
    import_module("stages.negatives").main(params)
    for model in MODELS:
        for stage in ("train", "evaluate"):
            import_module(f"stages.{stage}").main(params, model)
        about = read_sealed(Path(f"data/evaluation/{model}/metrics.json"))
        for metric, value in about["metrics"].items():
            assert rows[2, model, metric]["value"] == pytest.approx(value, abs=1e-6), (model, metric)
    counts, window = about["counts"], found["windows"][1]
    assert (window["test_users"], window["new_users"]) == (
        counts["test_users"],
        counts["users_without_train"],
    )
    assert window["new_users"] > 0
    assert window["train_from"] < window["test_from"] <= window["test_to"]


def test_the_table_has_a_column_for_each_window_and_the_files_every_value(inside, capsys):
    assert main(["backtest", "popularity", "--windows", "2", "--days", "200", "--metric", "hit@5"]) == 0
    out, err = capsys.readouterr()
    assert "hit@5 by window" in out
    lines = [line.split() for line in out.splitlines()]
    (model,) = [line for line in lines if line[:1] == ["popularity"]]
    assert len(model) == 4  # all, and each window
    assert len(err.splitlines()) == 4  # two models in two windows
    with Path("data/backtest/table.csv").open() as file:
        rows = list(csv.DictReader(file))
    value = next(row for row in rows if (row["window"], row["metric"]) == ("1", "hit@5"))
    assert f"{float(value['value']):.4f}" in " ".join(model + lines[lines.index(model) + 2])
    about = read_sealed(Path("data/backtest/about.json"))
    assert (about["train_days"], about["models"]["popular_recent"]) == (200, {"algorithm": "popular_recent"})
    assert [one["window"] for one in about["windows"]] == [1, 2]


def test_a_rating_model_is_compared_by_its_error(inside, capsys):
    assert main(["backtest", "--task", "rating", "--windows", "2"]) == 0
    assert "rmse by window, lower is better" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["eas"], 1, "did you mean 'ease'"),
        (["bias"], 1, "models.bias is for the rating task: pass --task rating"),
        (["--windows", "0"], 2, "not a whole number of at least 1"),
        (["--days", "-3"], 2, "--days is '-3': give a number above 0, or all"),
        (["--metric", "ndgc@10"], 2, "choose one of hit@5"),
        (["--windows", "3000"], 1, "leaves no rating to"),
    ],
)
def test_a_fault_is_one_line_and_leaves_nothing(inside, capsys, words, code, line):
    if code == 2:
        with pytest.raises(SystemExit, match="2"):
            main(["backtest", *words])
    else:
        assert main(["backtest", *words]) == code
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1
    assert line in err
    assert not Path("data/backtest").exists()
