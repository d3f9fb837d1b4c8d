"""The data of a contest, as arrays that any system can map: `python -m bench.sizes 25M` makes them.

A real release comes from the folder MARQUEE_DATA or SOURCE; the others are simulated with the users and
movies of the MovieLens family at that size. Under `.bench/data/<size>/` lie `raw/`, the release's files, and
for each task the columns of train, val and test, such as `rating/train_user.npy`, with `shape.json`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.peers.protocol import COLUMNS, read, shape
from marquee.config import CustomColumns
from marquee.data.ratings import Ratings
from marquee.data.splits import SplitOptions, split
from marquee.errors import MarqueeError
from marquee.io import atomic_folder, write_json, write_parquet
from marquee.movielens.download import fetch_release
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import Dataset, Scale
from marquee.rng import named_rng
from marquee.simulator.options import SimulatorOptions
from marquee.simulator.simulate import simulate

WORK = Path(__file__).parents[1] / ".bench"
SEED = 2024
REAL = ("ml-100k", "ml-1m")
SIMULATED = {  # ratings, users and movies of ML-1M, between, ML-25M and ML-32M
    "1M": SimulatorOptions(users=6_040, movies=3_706, ratings=1_000_209, half_stars=False, format="ml-32m"),
    "4M": SimulatorOptions(users=26_000, movies=9_000, ratings=4_000_000, half_stars=True, format="ml-32m"),
    "16M": SimulatorOptions(
        users=104_000, movies=27_000, ratings=16_000_000, half_stars=True, format="ml-32m"
    ),
    "25M": SimulatorOptions(
        users=162_541, movies=59_047, ratings=25_000_095, half_stars=True, format="ml-32m"
    ),
    "32M": SimulatorOptions(
        users=200_948, movies=87_585, ratings=32_000_000, half_stars=True, format="ml-32m"
    ),
}
__all__ = ["SIZES", "arrays", "count", "ratings", "raw", "shape", "tables"]
SIZES = (*REAL, *SIMULATED)
TASKS = {  # a twentieth, or the last positive but one, is for choosing settings; then given to training
    "rating": SplitOptions(split="random", validation=0.05, test=0.1),
    "ranking": SplitOptions(split="leave_last_out", positive_threshold=4.0),
}
PARTS = ("train", "val", "test")


def raw(size: str) -> Path:
    """The folder with the release's own files, made where it is not there."""
    folder = WORK / "data" / size / "raw"
    if not folder.exists():
        with atomic_folder(folder) as fresh:
            if size in SIMULATED:
                simulate(SIMULATED[size], fresh, named_rng(SEED, "simulate"))
            else:
                fetch_release(release(size), _source(size), fresh, scratch=WORK / "download")
    return folder


def _source(size: str) -> str:
    folder = os.environ.get("SOURCE") or os.environ.get("MARQUEE_DATA")
    if not folder:
        raise MarqueeError(f"{size} is real: say `make bench SOURCE=folder`, with the folder of {size}.zip")
    return folder


def arrays(size: str, task: str) -> Path:
    """The folder with the columns of `task`, made where they are not there."""
    folder = WORK / "data" / size / task
    if not folder.exists():
        whole = Ratings.from_table(_parsed(size).ratings)
        n_users, n_items = 1 + int(whole.user.max()), 1 + int(whole.item.max())
        parts = split(whole, TASKS[task], named_rng(SEED, f"split@{task}"))
        with atomic_folder(folder) as fresh:
            write_json(fresh / "shape.json", {"n_users": n_users, "n_items": n_items})
            for name, part in zip(PARTS, (parts.train, parts.validation, parts.test), strict=True):
                for column in COLUMNS:
                    np.save(fresh / f"{name}_{column}.npy", getattr(part, column))
    return folder


def tables(size: str) -> Path:
    """A folder whose data/ has people, movies and the ranking split as the pipeline leaves them."""
    folder = WORK / "data" / size / "tables"
    if not folder.exists():
        found = _parsed(size)
        parts = split(Ratings.from_table(found.ratings), TASKS["ranking"], named_rng(SEED, "split@ranking"))
        with atomic_folder(folder) as fresh:
            write_parquet(fresh / "data/movies.parquet", found.movies)
            write_parquet(fresh / "data/users.parquet", found.users)
            for name, part in zip(PARTS, (parts.train, parts.validation, parts.test), strict=True):
                write_parquet(fresh / f"data/ranking/{name}.parquet", part.to_table())
    return folder


def _parsed(size: str) -> Dataset:
    kind = SIMULATED.get(size) or release(size)
    scale = Scale(*kind.scale) if kind.scale else None
    return read_release(raw(size), kind.layout, scale, CustomColumns())


def count(size: str) -> int:
    """How many ratings there are, about."""
    return SIMULATED[size].ratings if size in SIMULATED else {"ml-100k": 100_000, "ml-1m": 1_000_209}[size]


def ratings(folder: Path, parts: Sequence[str]) -> Ratings:
    """The rows of `parts`, sorted by user; their times are not kept."""
    user, item, rating = read(folder, parts)
    return Ratings(user, item, rating, np.zeros(len(user), np.int64))


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        for kind in TASKS:
            print(arrays(wanted, kind))
