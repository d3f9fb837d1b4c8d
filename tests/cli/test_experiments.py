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
    (row,) = csv.DictReader((tmp_path / "table.csv").read_text().splitlines())
    assert (row["model"], row["metric"], row["n"]) == ("bias", "rmse", "2")
    (best,) = json.loads(asked(project, "experiments", "--json"))
    assert (best["model"], best["metric"], best["n"], best["best"]) == ("bias", "rmse", 2, 1)
    assert "metric 'rsme'" in marquee(project, "experiments", "--metric", "rsme").stderr


def test_without_experiments_a_line_says_how_to_queue_some(project):
    committed(project)
    assert "dvc exp run --queue" in refused(project, "experiments")
