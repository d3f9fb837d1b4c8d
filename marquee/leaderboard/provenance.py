"""What a leaderboard was made from: one data set, and a file of each model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marquee.data.identity import label
from marquee.errors import MarqueeError
from marquee.io import sha256


def provenance(evaluations: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what `compare` keeps beside its table, from model → its metrics.json.

    data    identity of the data set
    models  model → SHA-256 of the model.json that was evaluated

    Raises MarqueeError where two models were evaluated on different data.
    """
    known: dict[str, tuple[str, Mapping[str, str]]] = {}
    for name, about in evaluations.items():
        if "data" not in about:
            raise MarqueeError(
                f"the evaluation of {name} is of another version: run `dvc repro evaluate@{name}`"
            )
        known.setdefault(about["data"]["fingerprint"], (name, about["data"]))
    if len(known) > 1:
        (one, first), (other, second), *_ = known.values()
        raise MarqueeError(
            f"{one} was evaluated on {label(first)} and {other} on {label(second)}: run `dvc repro compare`"
        )
    models = {name: about["model_sha256"] for name, about in evaluations.items()}
    return {"data": next(iter(known.values()))[1], "models": models}


def git_blob_id(path: Path) -> str:
    """Return the id under which Git stores the file; `git log --find-object` finds its commit by it."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def outdated(
    about: Mapping[str, Any], data: Mapping[str, str] | None, models: Mapping[str, Path]
) -> str | None:
    """Say in what a leaderboard differs from what lies beside it; None where in nothing.

    about   what `provenance` returned
    data    identity of the data in `data/`; None where there is none
    models  model → its folder, for each block of params.yaml
    """
    if data is None or about["data"]["fingerprint"] != data["fingerprint"]:
        there = label(data) if data else "no data"
        return f"this is {label(about['data'])}, but data/ holds {there}: run `dvc repro`"
    files = {name: folder / "model.json" for name, folder in models.items()}
    changed = [
        name
        for name, file in files.items()
        if name not in about["models"] or not file.is_file() or sha256(file) != about["models"][name]
    ]
    gone = [name for name in about["models"] if name not in models]
    said = [f"{', '.join(changed)} changed since it was made"] if changed else []
    said += [f"{', '.join(gone)} is no longer in params.yaml"] if gone else []
    return f"{'; '.join(said)}: run `dvc repro`" if said else None
