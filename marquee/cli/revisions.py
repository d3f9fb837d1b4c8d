"""What a commit or an experiment holds, read from Git and from DVC's cache without a checkout."""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from marquee.dvc_state import stages_of
from marquee.errors import MarqueeError
from marquee.evaluation.test_set import ModelResult
from marquee.io import read_json, read_parquet, to_arrays

AFTER = ("compare", "report", "plot")  # stages that no metric comes from, beside the one that writes it


def file_at(revision: str | None, path: str) -> bytes:
    """Return a file that Git tracks, of None as it lies here; nothing where there is none."""
    if revision is None:
        return Path(path).read_bytes() if Path(path).is_file() else b""
    command = ["git", "show", f"{revision}:./{path}"]
    return subprocess.run(command, capture_output=True, check=False).stdout


@cache
def stages_at(revision: str | None) -> dict[str, Any]:
    """Stage → entry of the revision's dvc.lock; None: of the one that lies here."""
    return stages_of(file_at(revision, "dvc.lock")) or {}


def is_stale(revision: str, commit: str) -> bool:
    """Whether the metrics of `revision`, the `commit` or one that began there, are of an earlier state.

    That is so where `compare` has read another params.yaml, or where stages before it ran and it did not.
    """
    stages, before = stages_at(revision), stages_at(commit)
    if "compare" not in stages:
        return True
    read = {one["path"]: one.get("md5") for one in stages["compare"]["deps"]}
    params = hashlib.md5(file_at(revision, "params.yaml"), usedforsecurity=False).hexdigest()
    if read.get("params.yaml", params) != params:
        return True
    others = [name for name in {*stages, *before} if name.partition("@")[0] not in AFTER]
    changed = any(stages.get(name) != before.get(name) for name in others)
    return changed and stages["compare"] == before.get("compare")


def evaluation(revision: str, commit: str | None, model: str) -> ModelResult | None:
    """Return a model's evaluation; None where it is not in the cache or not on the commit's test set."""
    folder, test = f"data/evaluation/{model}", "data/{}/test.parquet"
    ours, theirs = outputs(revision), outputs(commit)
    if (stored := ours.get(folder)) is None or not (listing := _cached(stored)).is_file():
        return None
    files = {one["relpath"]: _cached(one["md5"]) for one in json.loads(listing.read_bytes())}
    if not all(file.is_file() for file in files.values()):
        return None
    try:
        about = read_json(files["metrics.json"], "metrics.json")
        per_user = read_parquet(files["per_user.parquet"], name="per_user.parquet")
    except MarqueeError:  # a damaged file of the cache is as none
        return None
    if ours.get(test.format(about["task"])) != theirs.get(test.format(about["task"])):
        return None
    return ModelResult(about["model"], about["task"], about["metrics"], to_arrays(per_user))


def outputs(revision: str | None) -> dict[str, str]:
    """Return path → hash of what DVC keeps of a revision, of None as it lies here."""
    outs = (out for stage in stages_at(revision).values() for out in stage.get("outs") or ())
    return {out["path"]: out["md5"] for out in outs if "md5" in out}


def _cached(md5: str) -> Path:
    return Path(_cache().oid_to_path(md5))


@cache
def _cache() -> Any:
    from dvc.repo import Repo

    return Repo().cache.local
