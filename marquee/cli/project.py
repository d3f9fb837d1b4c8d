"""What the commands read of a project: a folder with params.yaml in which the pipeline has run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marquee import config
from marquee.errors import MarqueeError
from marquee.io import read_json, read_parquet
from marquee.recommenders import load
from marquee.recommenders.base import Recommender
from marquee.serving.catalogue import COLUMNS, MovieCatalogue


def params() -> config.Params:
    return config.read(Path("params.yaml"))


def dataset_card() -> dict[str, Any] | None:
    """Return the counts of ingest; None where it has not run."""
    card = Path("data/dataset.json")
    return read_json(card) if card.is_file() else None


def movies() -> MovieCatalogue:
    return MovieCatalogue.from_table(read_parquet(Path("data/movies.parquet"), COLUMNS))


def model(name: str, n_items: int) -> Recommender:
    """Return the trained model. Raises MarqueeError for an unknown name and one that knows other movies."""
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


def print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False))
