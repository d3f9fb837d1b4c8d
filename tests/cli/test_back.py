"""`marquee back` and `check --prune` in a small pipeline: outputs go, and nothing of the user's own does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from marquee.cli import back, check
from marquee.errors import MarqueeError

PIPELINE = """stages:
  ingest:
    cmd: python step.py data/ratings.txt plots/dataset/a.csv
    params: [seed]
    outs:
    - data/ratings.txt
    - plots/dataset:
        cache: false
  train:
    foreach: ${models}
    do:
      cmd: python step.py models/${key}/w.txt plots/train/${key}.csv
      deps: [data/ratings.txt]
      params: ["models.${key}"]
      outs:
      - models/${key}
      - plots/train/${key}.csv:
          cache: false
  compare:
    cmd: python step.py metrics/summary.json
    deps: [params.yaml, models]
    metrics:
    - metrics/summary.json:
        cache: false
"""
STEP = """import pathlib, sys
for path in map(pathlib.Path, sys.argv[1:]):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pathlib.Path("params.yaml").read_text())
"""
ONE = "seed: 1\nmodels:\n  a:\n    dim: 1\n"
TWO = "seed: 2\nmodels:\n  a:\n    dim: 1\n  b:\n    dim: 3\n"


def call(*words: str) -> str:
    words = (sys.executable, "-m", *words) if words[0] == "dvc" else words
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repro(params: str) -> None:
    Path("params.yaml").write_text(params)
    call("dvc", "repro")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """One model, run and committed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    for words in (
        ["init", "-q"],
        ["config", "user.name", "A User"],
        ["config", "user.email", "u@example.org"],
    ):
        call("git", *words)
    call("dvc", "init", "-q")
    call("dvc", "config", "core.autostage", "true")
    for folder in ("data", "models", "plots/train"):
        Path(folder).mkdir(parents=True)
    Path(".gitignore").write_text("/data/*\n/models/*\n")  # so that DVC lists no output there
    Path("dvc.yaml").write_text(PIPELINE)
    Path("step.py").write_text(STEP)
    repro(ONE)
    call("git", "add", ".")
    call("git", "commit", "-q", "-m", "one model")
    return tmp_path


def test_the_committed_state_returns_and_leftovers_go(project, capsys):
    repro(TWO)
    assert Path("models/b/w.txt").is_file()
    Path("plots/dataset/extra.csv").write_text("written by an older stage")
    back.run(None)
    assert call("git", "status", "--short") == ""
    assert call("dvc", "status").strip() == "Data and pipelines are up to date."
    assert Path("data/ratings.txt").read_text() == ONE
    assert not Path("models/b").exists()
    assert not Path("plots/train/b.csv").exists()
    assert "removed models/b, plots/train/b.csv" in capsys.readouterr().out


def test_a_user_s_own_files_and_code_stay(project):
    repro(TWO)
    own = ["models/mine/w.txt", "models/notes.txt", "plots/mine.png", "data/incoming/ratings.csv", "new.py"]
    for path in map(Path, own):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    Path("step.py").write_text(f"{STEP}# edited\n")
    back.run(None)
    assert [path for path in own if Path(path).read_text() != "mine"] == []
    assert Path("step.py").read_text().endswith("# edited\n")


def test_a_model_removed_in_a_commit_leaves_no_output(project):
    repro(TWO)
    Path("params.yaml").write_text(ONE)
    call("git", "add", ".")
    call("git", "commit", "-q", "-m", "b is gone from params.yaml, not from dvc.lock")
    back.run(None)
    assert not Path("models/b").exists()
    assert Path("models/a/w.txt").is_file()


def test_check_prune_deletes_the_outputs_of_models_without_a_block(project):
    repro(TWO)
    own = ["models/mine/w.txt", "models/notes.txt", "plots/train/mine.csv"]
    Path("models/mine").mkdir()
    for path in own:
        Path(path).write_text("mine")
    Path("data/evaluation/c").mkdir(parents=True)  # of a branch that was left: dvc.lock does not know it
    Path("models/c").mkdir()
    Path("params.yaml").write_text(ONE)
    assert check.prune({"a"}) == ["models/b", "plots/train/b.csv", "models/c"]
    assert not Path("models/b").exists()
    assert [path for path in own if Path(path).read_text() != "mine"] == []
    assert "train@b" not in Path("dvc.lock").read_text()
    assert Path("models/a/w.txt").is_file()
    assert check.prune({"a"}) == []


def test_after_prune_a_run_leaves_the_lock_that_a_fresh_clone_has(project):
    committed = Path("dvc.lock").read_text()
    repro(TWO)
    Path("params.yaml").write_text(ONE)
    check.prune({"a"})
    call("dvc", "repro")
    assert Path("dvc.lock").read_text() == committed


def test_a_lock_that_a_killed_run_emptied_returns(project):
    committed = Path("dvc.lock").read_text()
    Path("dvc.lock").write_text("")
    back.run(None)
    assert Path("dvc.lock").read_text() == committed


def test_what_the_cache_lacks_is_said(project, capsys):
    repro(TWO)
    for path in Path(".dvc/cache").rglob("*"):
        if path.is_file():
            path.unlink()
    back.run(None)
    assert "`dvc repro` writes them" in capsys.readouterr().err
    call("dvc", "repro")


def test_outside_of_git_it_ends_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MarqueeError, match="not a git repository"):
        back.run(None)


def test_check_prune_sweeps_up_what_killed_stages_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data/raw.partial/u.data.partial", "models/a/weights", "data/raw/u.data", "mine/x.partial"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert check.sweep() == ["data/raw.partial"]
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["data/raw/u.data", "mine/x.partial", "models/a/weights"]
