"""What a user lives in: one changed line reruns what hangs on it, and the difference is a table."""

from __future__ import annotations

import json
import re
from difflib import unified_diff

import pytest


def stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '([^']+)'", output)


def committed(project) -> None:
    for command in (["git", "add", "-A"], ["git", "commit", "-q", "-m", "The default run"]):
        assert project.call(*command).returncode == 0


def test_one_option_of_a_model_reruns_that_model_and_the_comparison(project):
    committed(project)
    done = project.call("dvc", "exp", "run", "-S", "models.mf_bce.dim=6")
    assert done.returncode == 0, done.stderr
    ran = stages_run(done.stdout)
    assert ran[:3] == ["check", "train@mf_bce", "evaluate@mf_bce"]
    assert sorted(ran) == ["check", "compare", "evaluate@mf_bce", "plot@mf_bce", "report", "train@mf_bce"]
    difference = json.loads(project.call("dvc", "metrics", "diff", "--json").stdout)
    changed = {path: list(metrics) for path, metrics in difference.items()}
    assert list(changed) == ["metrics/summary.json"]
    assert {name.split(".")[0] for name in changed["metrics/summary.json"]} == {"mf_bce"}
    assert all(name.endswith(".value") for name in changed["metrics/summary.json"])


def test_an_experiment_is_a_small_commit(project):
    """One line of params.yaml, and no more tracked files and lines than somebody reviews."""
    committed(project)
    for model in ("mf_bce", "bias"):
        key = {"mf_bce": "models.mf_bce.dim=6", "bias": "models.bias.user_damping=9.0"}[model]
        done = project.call("dvc", "exp", "run", "-S", key)
        assert done.returncode == 0, done.stderr
        assert "1 insertion(+), 1 deletion(-)" in project.call("git", "diff", "--stat", "params.yaml").stdout
        changed = project.call("git", "diff", "--name-only", "HEAD").stdout.split()
        assert len(changed) <= 12
        texts = [
            (project.call("git", "show", f"HEAD:{name}").stdout, (project / name).read_text())
            for name in changed
            if not name.endswith(".png")
        ]
        lines = [line for old, new in texts for line in unified_diff(old.splitlines(), new.splitlines(), n=0)]
        assert len(lines) <= 400, changed
        assert project.call("git", "reset", "-q", "--hard").returncode == 0
        assert project.call("dvc", "checkout", "-q").returncode == 0


@pytest.mark.slow
def test_a_change_of_sampling_leaves_the_models_that_do_not_sample(project):
    project.set({"negatives": {"per_positive": 2}})
    ran = stages_run(project.repro())
    expected = ["evaluate@mf_bce", "negatives", "plot@mf_bce", "report", "train@mf_bce"]
    assert sorted(ran) == ["check", "compare", *expected]


@pytest.mark.slow
def test_an_experiment_can_add_a_model(project):
    committed(project)
    block = "{task: ranking, train_data: ranking, algorithm: ease, regularization: 50}"
    done = project.call("dvc", "exp", "run", "-S", f"+models.ease_light={block}")
    assert done.returncode == 0, done.stderr
    own = [f"{stage}@ease_light" for stage in ("evaluate", "plot", "train")]
    assert sorted(stages_run(done.stdout)) == sorted([*own, "check", "compare", "report"])
    assert "ease_light" in json.loads((project / "metrics/summary.json").read_text())


def test_a_removed_model_leaves_no_row_anywhere(project):
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(re.sub(r"(?ms)^  mf_bce:\n.*?(?=^ {0,2}\w)", "", text))
    assert sorted(stages_run(project.repro())) == ["check", "compare", "report"]
    assert "mf_bce" not in json.loads((project / "metrics/summary.json").read_text())
    for file in ("data/leaderboard/table.csv", "plots/report.html"):
        assert not re.search(r"\bmf_bce\b", (project / file).read_text()), file


def test_a_model_runs_by_itself(project):
    before = project.fingerprint("data", "models", "plots/train")
    ran = stages_run(project.repro("--force", "--single-item", "train@ease", "evaluate@ease", "plot@ease"))
    assert ran == ["train@ease", "evaluate@ease", "plot@ease"]
    assert project.fingerprint("data", "models", "plots/train") == before


def test_every_plot_renders_without_an_error(project):
    shown = json.loads(project.call("dvc", "plots", "show", "--json").stdout)
    assert "errors" not in shown
    assert {f"plots/train/{name}.csv" for name in ("popularity", "bias", "ease", "mf_bce")} <= set(
        shown["data"]
    )
