"""What the commands read of a project: a folder with params.yaml in which the pipeline has run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from marquee import config
from marquee.errors import MarqueeError
from marquee.io import read_parquet
from marquee.recommenders import load
from marquee.recommenders.base import Recommender
from marquee.serving.catalogue import MovieCatalogue


def params() -> config.Params:
    return config.read(Path("params.yaml"))


def movies() -> MovieCatalogue:
    return MovieCatalogue.from_table(read_parquet(Path("data/movies.parquet")))


def model(name: str, n_items: int) -> Recommender:
    """Return the trained model. Raises MarqueeError for an unknown name and one that knows other movies."""
    config.require_name(name, "models")
    folder = Path("models") / name
    if not folder.is_dir():
        params().model(name)  # raises for a misspelt name
    try:
        found = load(folder)
    except KeyError:
        raise MarqueeError(f"{folder} was stored by another version: run `dvc repro train@{name}`") from None
    if found.n_items != n_items:
        raise MarqueeError(
            f"{folder} was trained on {found.n_items:,} movies, but data/movies.parquet has {n_items:,}: "
            f"run `dvc repro train@{name}`"
        )
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
