"""`marquee experiments` on a queue of experiments."""

from __future__ import annotations

import csv
import json

import pytest

from tests.cli.conftest import asked, marquee, refused
from tests.stages.test_experiments import committed


@pytest.mark.slow
def test_a_queue_of_folds_completes_and_is_tabulated_and_one_that_failed_is_counted(project, tmp_path):
    committed(project)
    split = ("-S", "tasks.rating.split=k_fold", "-S", "tasks.rating.n_folds=2")
    for sweep in ((*split, "-S", "tasks.rating.fold=1,2"), ("-S", "models.bias.user_damping=-1")):
        queued = project.call("dvc", "exp", "run", "--queue", *sweep)
        assert queued.returncode == 0, queued.stderr
    project.call("dvc", "exp", "run", "--run-all")
    done = marquee(project, "experiments", "--show-repeats", "--csv", str(tmp_path / "table.csv"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bias, best rmse first; mean over tasks.rating.fold 1, 2\n")
    assert done.stderr.startswith("left out: 1 failed (")
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    found = {(row["n"], len(row["experiment"].split()), row["tasks.rating.split"]) for row in rows}
    assert found == {("2", 2, "k_fold"), ("1", 1, "random_per_user")}
    (best,) = (row for row in json.loads(asked(project, "experiments", "--json")) if row["best"])
    assert (best["model"], best["metric"], best["n"]) == ("bias", "rmse", 2)
    assert "metric 'rsme'" in marquee(project, "experiments", "--metric", "rsme").stderr


@pytest.mark.slow
def test_an_experiment_is_tested_against_its_commit_and_one_without_evaluation_is_marked(project):
    committed(project)
    for key, target in (("20.0", []), ("1.0", ["train@bias"])):
        done = project.call("dvc", "exp", "run", "-S", f"models.bias.user_damping={key}", *target)
        assert done.returncode == 0, done.stderr
        assert project.call("git", "reset", "-q", "--hard").returncode == 0
        assert project.call("dvc", "checkout", "-q").returncode == 0
    found = json.loads(asked(project, "experiments", "--metric", "rmse", "--json"))
    rows = {row["models.bias.user_damping"]: row for row in found}
    branch = project.call("git", "branch", "--show-current").stdout.strip()
    assert rows[5]["experiment"] == branch
    values = json.loads((project / "metrics/summary.json").read_text())
    assert rows[5]["mean"] == pytest.approx(values["bias"]["rmse"]["value"])
    assert rows[20]["difference"] == pytest.approx(rows[20]["mean"] - rows[5]["mean"], abs=2e-6)
    assert rows[20]["difference_low"] < rows[20]["difference"] < rows[20]["difference_high"]
    assert (rows[1]["stale"], rows[1]["best"], rows[1]["difference"]) == (1, 0, None)
    assert "! not evaluated" in marquee(project, "experiments").stderr


def test_without_experiments_a_line_says_how_to_queue_some(project):
    committed(project)
    assert "dvc exp run --queue" in refused(project, "experiments")
