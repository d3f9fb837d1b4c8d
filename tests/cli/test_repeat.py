"""`marquee repeat`: each value is run, the own one last, and params.yaml is what it was."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from marquee.cli.main import main
from marquee.cli.use import with_settings
from marquee.config import load
from marquee.io import write_csv
from marquee.leaderboard.table import HEADER

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch) -> list[int]:
    """A project in which a run of DVC writes a leaderboard whose RMSE is a tenth of the fold."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, name)
    settings = {"dataset.name": "ml-100k", "tasks.rating.split": "file", "tasks.rating.fold": 2}
    Path("params.yaml").write_text(with_settings(Path("params.yaml").read_text(), settings)[0])
    Path("data/incoming").mkdir(parents=True)
    ran: list[int] = []

    def dvc(*_, **__) -> SimpleNamespace:
        fold = load(Path("params.yaml"))["tasks"]["rating"]["fold"]
        ran.append(fold)
        values = {("rating", "bias", "rmse"): fold / 10, ("ranking", "ease", "ndcg@10"): 0.5}
        rows = [
            dict.fromkeys(HEADER, "")
            | dict(zip(HEADER, (*key, value), strict=False), low=value, high=value, best=1)
            for key, value in values.items()
        ]
        write_csv(Path("data/leaderboard/table.csv"), HEADER, [list(row.values()) for row in rows])
        for name in ("metrics.json", "per_user.parquet"):
            path = Path("data/evaluation/bias") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(fold))
        return SimpleNamespace(returncode=fold == 9, stdout="")

    monkeypatch.setattr(subprocess, "run", dvc)
    return ran


def repeat(*words: str) -> int:
    return main(["repeat", *words])


def test_the_own_value_runs_last_and_the_table_has_mean_and_standard_deviation(project, capsys):
    before = Path("params.yaml").read_text()
    assert repeat("tasks.rating.fold=1,2,3", "--keep", "kept") == 0
    assert project == [1, 3, 2]
    assert Path("params.yaml").read_text() == before
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines() if "bias" in line] == [
        ["bias", "0.2000", "±", "0.1000", "-", "-", "-", "-", "3"]
    ]
    assert "ease" not in out  # the fold is the rating task's
    assert "run `dvc repro`" not in err
    assert Path("kept/tasks.rating.fold=3/bias/metrics.json").read_text() == "3"


def test_json_has_every_value_and_a_missing_own_value_is_said(project, capsys):
    assert repeat("tasks.rating.fold=1,4", "--json") == 0
    out, err = capsys.readouterr()
    (row,) = json.loads(out)
    assert row == {
        "task": "rating",
        "model": "bias",
        "metric": "rmse",
        "value": 0.25,
        "std": 0.212132,
        "n": 2,
        "values": {"1": 0.1, "4": 0.4},
    }
    assert "params.yaml has tasks.rating.fold = 2 again, the outputs are of 4" in err


def test_a_run_that_fails_ends_the_command_and_leaves_params_yaml_as_it_was(project, capsys):
    before = Path("params.yaml").read_text()
    assert repeat("tasks.rating.fold=1,9,3") == 1
    assert project == [1, 9]
    assert Path("params.yaml").read_text() == before
    assert "the run with tasks.rating.fold = 9 failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tasks.rating.flod=1,2", "did you mean 'tasks.rating.fold'"),
        ("seed", "'seed' does not list different values: give some, such as seed=1,2,3"),
        ("seed=1,1", "'seed=1,1' does not list different values"),
        ("seed=[1,2", "does not list different values"),
        ("seed=1,-2", "seed is -2, but must be at least 0"),
    ],
)
def test_a_wrong_key_or_value_is_refused_before_anything_runs(project, capsys, text, words):
    assert repeat(text) == 1
    assert words in capsys.readouterr().err
    assert project == []
