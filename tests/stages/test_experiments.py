"""What a user lives in: one changed line reruns what hangs on it, and the difference is a table."""

from __future__ import annotations

import csv
import json
import re

import pytest


def stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '([^']+)'", output)


def committed(workshop) -> None:
    for command in (["git", "add", "-A"], ["git", "commit", "-q", "-m", "The default run"]):
        assert workshop.call(*command).returncode == 0


def test_one_option_of_a_model_reruns_that_model_and_the_comparison(workshop):
    committed(workshop)
    done = workshop.call("dvc", "exp", "run", "-S", "models.mf_bce.dim=6")
    assert done.returncode == 0, done.stderr
    assert stages_run(done.stdout) == [
        "train@mf_bce",
        "evaluate",
        "pictures",
        "compare",
        "report",
    ]
    assert "measured mf_bce; what else there is stands as it was measured" in done.stdout
    assert "drew mf_bce; what else there is stands as it was drawn" in done.stdout
    difference = json.loads(workshop.call("dvc", "metrics", "diff", "--json").stdout)
    changed = {path: list(metrics) for path, metrics in difference.items()}
    assert list(changed) == ["metrics/summary.json"]
    assert {name.split(".")[0] for name in changed["metrics/summary.json"]} == {"mf_bce"}
    assert all(name.endswith(".value") for name in changed["metrics/summary.json"])


def test_a_change_of_sampling_leaves_the_models_that_do_not_sample(workshop):
    workshop.set({"negatives": {"per_positive": 2}})
    ran = stages_run(workshop.repro())
    assert ran == ["negatives", "train@mf_bce", "evaluate", "pictures", "compare", "report"]


def test_an_experiment_can_add_a_model(workshop):
    committed(workshop)
    block = "{task: ranking, train_data: ranking, algorithm: ease, regularization: 50}"
    done = workshop.call("dvc", "exp", "run", "-S", f"+models.ease_light={block}")
    assert done.returncode == 0, done.stderr
    assert stages_run(done.stdout) == [
        "train@ease_light",
        "evaluate",
        "pictures",
        "compare",
        "report",
    ]
    assert "ease_light" in json.loads((workshop / "metrics/summary.json").read_text())


def test_a_removed_model_leaves_the_table_though_its_files_stay(workshop):
    text = (workshop / "params.yaml").read_text()
    (workshop / "params.yaml").write_text(re.sub(r"(?ms)^  ease:\n.*?(?=^  \w)", "", text))
    workshop.repro()
    assert (workshop / "metrics/models/ease.json").is_file()
    assert "ease" not in json.loads((workshop / "metrics/summary.json").read_text())


def test_an_experiment_in_a_folder_of_its_own_measures_and_draws_what_changed_alone(workshop):
    committed(workshop)
    done = workshop.call("dvc", "exp", "run", "--temp", "-S", "models.mf_bce.dim=6")
    assert done.returncode == 0, done.stderr
    assert "measured mf_bce; what else" in done.stdout
    assert "drew mf_bce; what else" in done.stdout


def test_a_model_is_measured_alone_where_it_is_named_and_dvc_finds_nothing_left_to_measure(workshop):
    before = workshop.fingerprint("data", "metrics")
    (workshop / "metrics/models/ease.json").unlink()
    done = workshop.stage("evaluate", "ease")
    assert done.stdout == "measured ease; what else there is stands as it was measured\n"
    assert workshop.fingerprint("data", "metrics") == before
    assert "measured nothing; what else" in workshop.repro("--single-item", "--force", "evaluate")


def test_what_was_measured_of_a_removed_model_goes_with_the_next_measurement(workshop):
    text = (workshop / "params.yaml").read_text()
    (workshop / "params.yaml").write_text(re.sub(r"(?ms)^  ease:\n.*?(?=^  \w)", "", text))
    workshop.set({"evaluate": {"ks": [3, 10]}})
    workshop.repro()
    assert not (workshop / "metrics/models/ease.json").exists()
    assert not (workshop / "data/evaluation/ease").exists()
    assert "ease" not in (workshop / "data/evaluation/stamps.json").read_text()


def test_every_plot_renders_without_an_error(workshop):
    shown = json.loads(workshop.call("dvc", "plots", "show", "--json").stdout)
    assert "errors" not in shown
    assert {f"plots/train/{name}.csv" for name in ("popularity", "bias", "ease", "mf_bce")} <= set(
        shown["data"]
    )


@pytest.mark.slow
def test_a_queue_of_folds_completes_and_is_gathered_and_one_that_failed_is_counted(workshop, tmp_path):
    committed(workshop)
    split = ("-S", "tasks.rating.split=k_fold", "-S", "tasks.rating.n_folds=2")
    for sweep in ((*split, "-S", "tasks.rating.fold=1,2"), ("-S", "models.bias.user_damping=-1")):
        queued = workshop.call("dvc", "exp", "run", "--queue", *sweep)
        assert queued.returncode == 0, queued.stderr
    workshop.call("dvc", "exp", "run", "--run-all")
    done = workshop.stage("gather", "--each", "--csv", str(tmp_path / "table.csv"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bias, best rmse first; mean over tasks.rating.fold 1, 2\n")
    assert done.stderr.startswith("left out: 1 failed (")
    (row,) = csv.DictReader((tmp_path / "table.csv").read_text().splitlines())
    assert (row["model"], row["metric"], row["n"]) == ("bias", "rmse", "2")
    assert workshop.refused("gather", "--metric", "rsme").startswith("gather: metric 'rsme' was not measured")


def test_gathering_without_experiments_says_how_to_queue_some(workshop):
    committed(workshop)
    assert "dvc exp run --queue" in workshop.refused("gather")
