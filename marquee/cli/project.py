"""What the commands read of a project: a folder with params.yaml in which the pipeline has run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from marquee import config
from marquee.data.identity import identity_of, require_same
from marquee.data.ratings import lowest_positive
from marquee.errors import MarqueeError
from marquee.io import as_array, read_json, read_parquet, reading
from marquee.movielens.schema import COUNTS, Scale
from marquee.recommenders import fitted_otherwise, load
from marquee.recommenders.base import Recommender
from marquee.serving.catalogue import MovieCatalogue
from marquee.terminal import escaped, say

LOG = Path("logs/stages.jsonl")
CARD = Path("data/dataset.json")


def params() -> config.Params:
    return config.read(Path("params.yaml"))


def movies() -> MovieCatalogue:
    path = Path("data/movies.parquet")
    with reading(path):
        return MovieCatalogue.from_table(read_parquet(path))


def model(name: str, n_items: int, mapped: bool = False) -> Recommender:
    """Return the trained model, and say on stderr if its parameters are no longer those of params.yaml.

    mapped  leave its weights in their file

    Raises MarqueeError for a name that params.yaml does not have, and for a model of other data.
    """
    folder, known = Path("models") / name, params()
    if name not in known.models and folder.is_dir():
        raise MarqueeError(
            f"models.{name} is not in params.yaml, and {folder} is of an earlier run: "
            "run `marquee check --prune`, or add the block again"
        )
    entry, found = known.model(name), load(folder, mapped)
    remedy = f"run `dvc repro train@{name}`"
    require_same(found.fitted.get("data"), identity_of(), str(folder), "data/", remedy)
    if found.n_items != n_items:
        raise MarqueeError(
            f"{folder} was trained on {found.n_items:,} movies, but data/movies.parquet has {n_items:,}: "
            + remedy
        )
    if other := fitted_otherwise(found, entry, known.seed):
        say(f"{folder} was fitted with {other} in params.yaml: {remedy}")
    return found


def log() -> list[str]:
    """Return the lines of the log of stages; none where it is missing or does not read."""
    try:
        return LOG.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []


def training_counts(task: str, n_items: int) -> np.ndarray:
    """Return the training ratings of each item, int64 [n_items]."""
    items = read_parquet(Path(f"data/{task}/train.parquet"), ["item"])["item"]
    return np.bincount(as_array(items), minlength=n_items)


def scale() -> tuple[Scale, float]:
    """Return what can be given, which are counts of implicit data, and from where on it is a positive."""
    with reading(CARD):
        card = read_json(CARD)
        implicit = card.get("feedback") == "implicit"
        found = COUNTS if implicit else Scale(**card["scale"])
    asked = params().tasks["ranking"].positive_threshold
    return found, lowest_positive(asked, found.low, found.high, found.step, implicit)


def require_memory(known: config.Params, names: Iterable[str], what: str = "") -> None:
    """Raise MarqueeError with the limit, the need and what to lower if a fit would take too much."""
    from marquee.resources.memory_limit import memory_limit
    from marquee.resources.memory_model import memory_need, too_much
    from marquee.resources.pipeline_sizes import pipeline_sizes

    sizes = pipeline_sizes(known, read_json(CARD))
    for name in names:
        if line := too_much(memory_need(f"train@{name}", known, sizes), sizes, memory_limit()):
            raise MarqueeError(what + line)


def call(*words: str) -> str:
    """Run `git` or `dvc`, and return what it prints. Raises MarqueeError with its complaint."""
    command = [sys.executable, "-m", *words] if words[0] == "dvc" else words
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="surrogateescape", check=False
        )
    except FileNotFoundError:
        raise MarqueeError(f"{words[0]} is not installed or not on PATH: install it and run again") from None
    if done.returncode:
        name = " ".join(word for word in words[:3] if not word.startswith("-"))
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise MarqueeError(f"`{name}` failed: {lines[0].removeprefix('ERROR: ')}; correct this and run again")
    return done.stdout


def print_json(content: Any) -> None:
    """Print JSON; a character that a terminal obeys, or that its encoding lacks, is written as an escape."""
    unicode = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    print(escaped(json.dumps(content, indent=2, ensure_ascii=not unicode)))
