"""Files that a kill leaves broken so that DVC does not run: named by `check`, restored by `make run`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from marquee import dvc_state
from marquee.cli import back
from marquee.dvc_state import COPY, LOCK, RWLOCK, keep_lock, require_intact
from marquee.errors import MarqueeError

ROOT = Path(__file__).parents[1]
WHOLE = (ROOT / "dvc.lock").read_bytes()
GOOD = WHOLE[: WHOLE.index(b"\n  negatives:") + 1]  # a few stages parse faster
OTHER = GOOD.replace(b"md5: ", b"md5: 0", 1)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """A repository with dvc.lock committed, and a copy of another one in .dvc/tmp."""
    monkeypatch.chdir(tmp_path)
    LOCK.write_bytes(GOOD)
    git("init", "-q")
    git("add", ".")
    git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "a run")
    COPY.parent.mkdir(parents=True)
    COPY.write_bytes(OTHER)
    return tmp_path


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True)


def fault() -> str:
    with pytest.raises(MarqueeError) as caught:
        require_intact(restore=False)
    return str(caught.value)


STAGE = GOOD.index(b"  split@ranking")
BROKEN = {
    "empty": b"",
    "zeros": b"\0" * 4096,
    "in a word": GOOD[: STAGE + 6],
    "after a stage's name": GOOD[: GOOD.index(b"\n", STAGE) + 1],
    "in a list": GOOD[: GOOD.index(b"path:", STAGE) + 4],
    "not UTF-8": GOOD[:100] + b"\xff" + GOOD[100:],
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_lock_is_named_with_its_cure_and_restored_from_the_last_good_one(content):
    LOCK.write_bytes(content)
    line = fault()
    assert line.startswith("dvc.lock is ")
    assert "run `make run`" in line
    assert "git checkout dvc.lock" in line
    assert LOCK.read_bytes() == content
    assert back.outputs() == {}
    (said,) = require_intact(restore=True)
    assert said.endswith(f"restored from {COPY}")
    assert LOCK.read_bytes() == OTHER
    assert require_intact(restore=False) == []


def test_without_a_good_copy_the_commit_s_lock_returns_and_without_git_dvc_begins_anew(project):
    COPY.write_bytes(BROKEN["in a list"])
    LOCK.write_bytes(b"")
    assert require_intact(restore=True) == ["dvc.lock was empty: restored from the last commit"]
    assert LOCK.read_bytes() == GOOD
    (project / ".git").rename(project / "git")
    LOCK.write_bytes(b"")
    (said,) = require_intact(restore=True)
    assert "removed, since there is no copy" in said
    assert not LOCK.exists()
    assert require_intact(restore=False) == [], "a project that has not run yet"


def test_the_marks_of_a_merge_are_for_a_person_to_settle():
    LOCK.write_bytes(b"<<<<<<< HEAD\n" + GOOD)
    for restore in (False, True):
        with pytest.raises(MarqueeError, match=r"git checkout --ours dvc\.lock"):
            require_intact(restore)
    assert LOCK.read_bytes().startswith(b"<<<<<<<")


@pytest.mark.parametrize("text", ["", '{"wri', "[]"])
def test_what_dvc_was_reading_and_writing_when_it_was_killed_is_removed_if_damaged(text):
    RWLOCK.write_text(text)
    assert "rwlock is damaged" in fault()
    assert require_intact(restore=True) == [f"{RWLOCK} was damaged: removed"]
    assert not RWLOCK.exists()
    RWLOCK.write_text(json.dumps({"read": {}}))
    assert require_intact(restore=True) == []
    assert RWLOCK.exists()


def test_a_lock_of_git_is_named_and_left():
    index = Path(".git/index.lock")
    index.touch()
    for restore in (False, True):
        with pytest.raises(MarqueeError, match=r"index\.lock is there: wait for the git command"):
            require_intact(restore)
    assert index.exists()


def test_a_stage_that_dvc_runs_keeps_a_copy_and_one_run_by_hand_does_not(monkeypatch):
    keep_lock()
    assert COPY.read_bytes() == OTHER
    monkeypatch.setenv("DVC_STAGE", "train@ease")
    keep_lock()
    assert COPY.read_bytes() == GOOD
    LOCK.unlink()
    keep_lock()
    assert COPY.read_bytes() == GOOD


def test_a_copy_that_cannot_be_written_stops_no_stage(monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "train@ease")
    monkeypatch.setattr(dvc_state, "COPY", Path("dvc.lock/copy"))
    keep_lock()


def lock_check(program: str) -> int:
    """The workflow's step, with `dvc` replaced by a shell program."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    (step,) = (one for one in jobs["metrics"]["steps"] if one.get("name") == "Is the committed lock true?")
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/dvc").write_text(f"#!/bin/sh\n{program}\n")
    Path(".venv/bin/dvc").chmod(0o755)
    return subprocess.run(["bash", "-e", "-c", step["run"]], check=False).returncode


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("echo \"Stage 'download' didn't change, skipping\"", 0),
        ("echo \"Running stage 'download':\"", 1),
        ("echo 'ERROR: dvc.lock' >&2; exit 255", 1),
    ],
)
def test_the_workflow_fails_for_a_stale_lock_and_where_dvc_itself_fails(program, code):
    assert lock_check(program) == code


def test_the_command_restores_and_says_so(project):
    (project / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (project / "data/incoming").mkdir(parents=True)
    LOCK.write_bytes(b"")
    words = [sys.executable, "-m", "marquee", "check"]
    done = subprocess.run(
        words, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 1
    assert done.stderr.startswith("marquee check: dvc.lock is empty")
    assert done.stderr.count("\n") == 1
    done = subprocess.run(
        [*words, "--restore"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dvc.lock was empty: restored from")
