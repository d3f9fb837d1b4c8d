"""Which revision was evaluated, and on which test set, read from Git and DVC's cache."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from marquee.cli import revisions
from marquee.io import as_table, write_json, write_parquet

ONE, TWO = "seed: 1\n", "seed: 2\n"
AT_FIRST = {
    "split@rating": {"data/rating/test.parquet": "t001"},
    "train@bias": {"models/bias": "m001"},
    "evaluate@bias": {"data/evaluation/bias": "e1.dir"},
}


def lock(outs: dict, compared: str, params: str) -> dict:
    """A dvc.lock whose `compare` has read `params` and evaluations of the hash `compared`."""
    md5 = hashlib.md5(params.encode()).hexdigest()
    stages = {
        name: {"cmd": "x", "outs": [{"path": path, "hash": "md5", "md5": md5} for path, md5 in files.items()]}
        for name, files in outs.items()
    }
    deps = [{"path": "params.yaml", "md5": md5}, {"path": "data/evaluation", "md5": compared}]
    stages["compare"] = {"cmd": "x", "deps": [{**one, "hash": "md5"} for one in deps]}
    return {"schema": "2.0", "stages": stages}


@pytest.fixture
def commit(tmp_path, monkeypatch):
    """Commit a params.yaml and a dvc.lock, and return the revision."""
    monkeypatch.chdir(tmp_path)
    revisions.stages_at.cache_clear()
    subprocess.run(["git", "init", "-q"], check=True)

    def make(params: str, content: dict | None) -> str:
        Path("params.yaml").write_text(params)
        Path("dvc.lock").write_text(yaml.safe_dump(content) if content else "")
        subprocess.run(["git", "add", "."], check=True)
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
        told = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        return told.stdout.strip()

    return make


def changed(**outs: str) -> dict:
    """The first outputs with another hash of some stages."""
    found = copy.deepcopy(AT_FIRST)
    for stage, md5 in outs.items():
        name = {"split": "split@rating"}.get(stage, f"{stage}@bias")
        found[name] = dict.fromkeys(found[name], md5)
    return found


def test_a_revision_whose_compare_did_not_run_is_stale(commit):
    first = commit(ONE, lock(AT_FIRST, "a001", ONE))
    whole = commit(TWO, lock(changed(train="m002", evaluate="e2.dir"), "b001", TWO))
    trained_only = commit(TWO, lock(changed(train="m002"), "a001", ONE))
    code_only = commit(ONE, lock(changed(train="m002", evaluate="e2.dir"), "a001", ONE))
    repeated = commit(ONE, lock(AT_FIRST, "a001", ONE))
    never = commit(ONE, None)
    found = {
        name: revisions.is_stale(name, first)
        for name in (first, whole, trained_only, code_only, repeated, never)
    }
    assert found == {
        first: False,
        whole: False,
        trained_only: True,
        code_only: True,
        repeated: False,
        never: True,
    }
    edited = commit("seed: 3\n", lock(AT_FIRST, "a001", ONE))
    assert revisions.is_stale(edited, edited), "a commit of parameters that were not run"


def test_an_evaluation_is_read_from_the_cache_if_its_test_set_is_the_commit_s(commit, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setattr(revisions, "_cached", lambda md5: cache / md5)
    about = {"model": "bias", "task": "rating", "metrics": {"rmse": 0.9}}
    write_json(cache / "f1", about)
    write_parquet(cache / "f2", as_table({"user": np.arange(3, dtype=np.int32), "n": np.ones(3)}))
    listing = [{"md5": "f1", "relpath": "metrics.json"}, {"md5": "f2", "relpath": "per_user.parquet"}]
    (cache / "e1.dir").write_text(json.dumps(listing))
    first = commit(ONE, lock(AT_FIRST, "a001", ONE))
    found = revisions.evaluation(first, first, "bias")
    assert (found.model, found.metrics, found.per_user["user"].tolist()) == ("bias", {"rmse": 0.9}, [0, 1, 2])
    assert revisions.evaluation(first, first, "ease") is None
    other = commit(TWO, lock(changed(split="t002"), "b001", TWO))
    assert revisions.evaluation(other, first, "bias") is None, "other ratings are tested on"
    (cache / "f2").unlink()
    assert revisions.evaluation(first, first, "bias") is None, "dvc gc took it"
