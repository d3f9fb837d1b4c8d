"""What the commands read of a project: a folder with params.yaml in which the pipeline has run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from marquee import config
from marquee.data.identity import identity_of, require_same
from marquee.errors import MarqueeError
from marquee.io import read_parquet
from marquee.recommenders import fitted_otherwise, load
from marquee.recommenders.base import Recommender
from marquee.serving.catalogue import MovieCatalogue


def params() -> config.Params:
    return config.read(Path("params.yaml"))


def movies() -> MovieCatalogue:
    return MovieCatalogue.from_table(read_parquet(Path("data/movies.parquet")))


def model(name: str, n_items: int) -> Recommender:
    """Return the trained model, and say on stderr if its parameters are no longer those of params.yaml.

    Raises MarqueeError for a name that params.yaml does not have, and for a model of other data.
    """
    folder, known = Path("models") / name, params()
    if name not in known.models and folder.is_dir():
        raise MarqueeError(
            f"models.{name} is not in params.yaml, and {folder} is of an earlier run: "
            "run `marquee check --prune`, or add the block again"
        )
    entry = known.model(name)
    try:
        found = load(folder)
    except KeyError:
        raise MarqueeError(f"{folder} was stored by another version: run `dvc repro train@{name}`") from None
    remedy = f"run `dvc repro train@{name}`"
    require_same(found.fitted.get("data"), identity_of(), str(folder), "data/", remedy)
    if found.n_items != n_items:
        raise MarqueeError(
            f"{folder} was trained on {found.n_items:,} movies, but data/movies.parquet has {n_items:,}: "
            + remedy
        )
    if other := fitted_otherwise(found, entry, known.seed):
        print(f"{folder} was fitted with {other} in params.yaml: {remedy}", file=sys.stderr)
    return found


def call(*words: str) -> str:
    """Run `git` or `dvc`, and return what it prints. Raises MarqueeError with its complaint."""
    command = [sys.executable, "-m", *words] if words[0] == "dvc" else words
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        name = " ".join(word for word in words[:3] if not word.startswith("-"))
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise MarqueeError(f"`{name}` failed: {lines[0].removeprefix('ERROR: ')}; correct this and run again")
    return done.stdout


def print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False))
