"""What more than one stage reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from marquee.config import Params
from marquee.data.ratings import Catalogue, Ratings, lowest_positive
from marquee.io import read_json, read_parquet, to_arrays

PIPELINE = Path("dvc.yaml")


def ratings(path: Path) -> Ratings:
    return Ratings.from_table(read_parquet(path))


def known_of(task: str, sizes: Catalogue) -> tuple[np.ndarray, np.ndarray]:
    """int64 [n_users] and [n_items]: ratings of each that the models of a task know, those folded in too."""
    paths = (Path(f"data/{task}/{part}.parquet") for part in ("train", "fold_in"))
    parts = [to_arrays(read_parquet(path, ["user", "item"])) for path in paths]
    users, items = (np.concatenate([part[side] for part in parts]) for side in ("user", "item"))
    return np.bincount(users, minlength=sizes.n_users), np.bincount(items, minlength=sizes.n_items)


def catalogue() -> Catalogue:
    users = read_parquet(Path("data/users.parquet"), ["user"])
    movies = read_parquet(Path("data/movies.parquet"), ["genres"])
    return Catalogue.from_genres(len(users), movies["genres"])


def code_of(stage: str) -> list[Path]:
    """The code that a stage of `dvc.yaml` depends on; nothing where it runs without one."""
    import yaml

    if not PIPELINE.is_file():
        return []
    with PIPELINE.open(encoding="utf-8") as file:
        deps = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["stages"][stage]["deps"]
    return [Path(dep) for dep in deps if dep.startswith(("marquee/", "stages/"))]


def positive_threshold(params: Params) -> float:
    """Return the lowest rating that counts as a positive, on the scale of the data at hand."""
    scale = read_json(Path("data/dataset.json"))["scale"]
    return lowest_positive(params.tasks["ranking"].positive_threshold, **scale)


def original_ids() -> tuple[np.ndarray, np.ndarray]:
    """The release's own numbers: row u of the first is user u, row i of the second is item i."""
    users = read_parquet(Path("data/users.parquet"), ["user_id"])["user_id"]
    movies = read_parquet(Path("data/movies.parquet"), ["movie_id"])["movie_id"]
    return users.to_numpy(), movies.to_numpy()
