"""docs/results.md: it shows what was measured, and lacks nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from bench import reproduce_results, results_page
from bench.protocols import PROTOCOLS, Protocol
from bench.reproduce_results import mean_over_folds
from marquee.config.presets import models_of, preset, release_of
from marquee.io import as_table, read_json, write_csv, write_json, write_parquet
from marquee.leaderboard.table import HEADER
from tests.all_models import TREE


def test_the_page_is_what_the_measurements_render_to():
    assert results_page.PAGE.read_text("utf-8") == results_page.page(results_page.results()), (
        "run `python -m bench.results_page --write`"
    )


def test_every_model_has_a_row_for_its_task():
    found = results_page.results()
    assert {"ml-100k", "ml-1m"} <= set(found)
    for protocol in PROTOCOLS:
        if protocol.name in found and not protocol.run_of:
            models = models_of(protocol.preset) or TREE["models"]
            wanted = {name for name, block in models.items() if block["task"] in protocol.tasks}
            assert set(found[protocol.name]["models"]) == wanted, (
                f"run `make results PROTOCOL={protocol.name}`"
            )


def test_the_measured_commands_are_those_of_the_page():
    for protocol in (one for one in PROTOCOLS if not one.run_of):
        found = results_page.results().get(protocol.name, {})
        assert found["commands"] == protocol.commands()


@pytest.mark.parametrize("name", [one.name for one in PROTOCOLS if one.run_of])
def test_a_protocol_that_shows_another_ones_run_depends_on_nothing_that_differs(name):
    known = {protocol.name: protocol for protocol in PROTOCOLS}
    one, run = known[name], known[known[name].run_of]
    left_out = tuple(f"tasks.{task}." for task in {"rating", "ranking"} - set(one.tasks))
    values = [
        {key: value for key, value in preset(each.preset).items() if not key.startswith(left_out)}
        | {"dataset.name": release_of(each.preset)}
        for each in (one, run)
    ]
    assert values[0] == values[1]
    assert one.settings == run.settings


def test_a_protocol_is_a_preset_and_its_own_settings():
    assert Protocol("p", "", "", "ml-1m").commands() == [
        "marquee use ml-1m --source SOURCE --models all",
        "dvc repro compare",
    ]
    other = Protocol("p", "", "", "global-time", ("seed=1",), dataset="ml-1m")
    assert other.commands() == [
        "marquee use global-time --dataset ml-1m --source SOURCE",
        "dvc exp run -S seed=1 compare",
    ]
    assert Protocol("p", "", "", "u1-u5", repeat="seed=1,2").commands()[1] == "marquee repeat seed=1,2"


@pytest.fixture
def pipeline(monkeypatch):
    """Commands are recorded; the one that ends in `compare` writes what the pipeline would in the clone."""
    ran = []

    def execute(command, cwd=None, **_):
        ran.append(" ".join(map(str, command)))
        if command[:2] == ["git", "clone"]:
            Path(command[-1]).mkdir(parents=True)
        if command[-1] == "compare":
            write_outputs(cwd, error=float(len(ran)))
        if "repeat" in command:
            for fold in (1, 2):
                write_outputs(cwd, error=float(fold))
                kept = Path(command[-1]) / f"tasks.rating.fold={fold}"
                shutil.copytree(cwd / "data/evaluation", kept)
        return SimpleNamespace(returncode=0, stdout="{}")

    def write_outputs(clone, error):
        blocks = {"bias": {"task": "rating"}, "ease": {"task": "ranking"}}
        (clone / "params.yaml").write_text(yaml.safe_dump({"models": blocks, "compare": {"k": 10}}))
        write_json(clone / "data/dataset.json", {"ratings": 4, "users": 2, "items": 3, "density": 0.1})
        for task in ("rating", "ranking"):
            for part in ("train", "val", "test"):
                write_parquet(clone / f"data/{task}/{part}.parquet", as_table({"user": np.arange(3)}))
        rows = [("rating", "bias", "rmse"), ("ranking", "ease", "ndcg@10"), ("ranking", "ease", "ndcg@5")]
        empty = dict.fromkeys(HEADER, "")
        cells = [
            empty | dict(zip(("task", "model", "metric"), row, strict=True), value=0.5, low=0.4, high=0.6)
            for row in rows
        ]
        write_csv(clone / "data/leaderboard/table.csv", HEADER, [list(row.values()) for row in cells])
        columns = {"n": np.ones(2), "squared_error": np.full(2, error), "absolute_error": np.ones(2)}
        write_parquet(
            clone / "data/evaluation/bias/per_user.parquet", as_table({"user": np.arange(2), **columns})
        )
        (clone / "logs").mkdir(exist_ok=True)
        with (clone / "logs/stages.jsonl").open("a") as log:
            for model in blocks:
                row = {"stage": f"train@{model}", "seconds": 2.0, "processor_seconds": error, "peak_mib": 7}
                log.write(json.dumps(row) + "\n")

    monkeypatch.setattr(subprocess, "run", execute)
    return ran


def test_a_protocol_runs_what_the_page_tells_a_user_to_type(pipeline, tmp_path):
    reproduce_results.reproduce(Protocol("p", "", "", "ml-1m", ("seed=1",)), "folder", tmp_path, 1)
    assert pipeline[-2].endswith("-m marquee use ml-1m --source folder --models all")
    assert pipeline[-1] == "dvc exp run -S seed=1 compare"
    found = read_json(tmp_path / "p.json")
    assert found["models"]["ease"]["metrics"] == {"ndcg@10": {"value": 0.5, "low": 0.4, "high": 0.6}}
    assert found["rows"]["ranking"] == {"train": 3, "val": 3, "test": 3}
    assert found["data"] == {"ratings": 4, "users": 2, "items": 3}


def test_folds_are_averaged_and_only_their_task_is_kept(pipeline, tmp_path):
    protocol = Protocol("p", "", "", "u1-u5", tasks=("rating",), repeat="tasks.rating.fold=1,2")
    reproduce_results.reproduce(protocol, "folder", tmp_path, 1)
    errors = [1, 2]
    assert "-m marquee repeat tasks.rating.fold=1,2 --keep" in pipeline[-1]
    (name, model) = read_json(tmp_path / "p.json")["models"].popitem()
    assert name == "bias"
    assert model["metrics"]["mse"]["folds"] == errors
    assert model["train"] == {"seconds": 2.0, "processor_seconds": sum(errors) / 2, "peak_mib": 7}


def test_a_second_run_resumes_in_the_same_clone(pipeline, tmp_path):
    for _ in range(2):
        reproduce_results.reproduce(Protocol("p", "", "", "ml-1m"), "folder", tmp_path, 1)
    assert sum(command.startswith("git clone") for command in pipeline) == 1


def test_a_comparison_tells_a_model_that_left_its_interval(monkeypatch, capsys):
    def figures(value):
        metrics = {"rmse": {"value": value, "low": value - 0.01, "high": value + 0.01}}
        return {"models": {"bias": {"task": "rating", "metrics": metrics}}}

    old = SimpleNamespace(returncode=0, stdout=json.dumps(figures(0.90)))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: old)
    monkeypatch.setattr(results_page, "results", lambda: {"p": figures(0.909)})
    assert results_page.compare("HEAD")
    monkeypatch.setattr(results_page, "results", lambda: {"p": figures(0.915)})
    assert not results_page.compare("HEAD")
    assert "+0.0150" in capsys.readouterr().out


def test_a_verdict_knows_which_way_is_better():
    assert results_page.verdict("rmse", theirs=0.88, ours=0.88) == "reached"
    assert results_page.verdict("rmse", theirs=0.87, ours=0.88) == "**0.0100 behind**"
    assert results_page.verdict("sampled_hit@10", theirs=0.87, ours=0.88) == "reached"


def test_the_mean_over_folds_counts_each_fold_once():
    """Errors of 1 star for five ratings in one fold, of 3 for a single one in the other."""
    one = {"user": [0], "n": [5.0], "squared_error": [5.0], "absolute_error": [5.0]}
    other = {"user": [1], "n": [1.0], "squared_error": [9.0], "absolute_error": [3.0]}
    folds = [{name: np.array(values) for name, values in fold.items()} for fold in (one, other)]
    found = mean_over_folds(folds, [])
    assert found["rmse"]["value"] == found["mae"]["value"] == 2
    assert found["rmse"]["folds"] == [1, 3]
    assert found["mse"]["value"] == 5


def test_the_mean_over_seeds_of_a_ranking_metric_is_the_mean_of_the_seeds_means():
    one, other = ({"user": np.arange(n), "ndcg@10": np.full(n, value)} for n, value in ((2, 0.5), (1, 0.1)))
    found = mean_over_folds([one, other], ["ndcg@10", "coverage@10"])
    assert found.keys() == {"ndcg@10"}
    assert found["ndcg@10"]["folds"] == [0.5, 0.1]
    assert found["ndcg@10"]["value"] == 0.3
