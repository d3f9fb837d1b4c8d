"""Make the data of the benchmarks as arrays that any system can map.

A real release comes from the folder SOURCE or MARQUEE_DATA; the others are simulated with the users and
movies of the MovieLens family at that size. `.bench/data/<size>/` (not tracked) has the release's files in
raw/, and for each task the columns of train, val and test, such as rating/train_user.npy, with shape.json.
"""

from __future__ import annotations

import argparse
import os
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
from marquee.rng import KeyedRandom, named_rng
from marquee.simulator.options import SimulatorOptions
from marquee.simulator.simulate import simulate

WORK = Path(__file__).parents[1] / ".bench"
SEED = 2024
REAL = {"ml-100k": 100_000, "ml-1m": 1_000_209}  # release -> its ratings
SHAPES = {  # users, movies and ratings of ML-1M, of two sizes between, of ML-25M and of ML-32M
    "1M": (6_040, 3_706, 1_000_209),
    "4M": (26_000, 9_000, 4_000_000),
    "16M": (104_000, 27_000, 16_000_000),
    "25M": (162_541, 59_047, 25_000_095),
    "32M": (200_948, 87_585, 32_000_000),
}
SIMULATED = {
    size: SimulatorOptions(users=users, movies=movies, ratings=n, half_stars=size != "1M", format="ml-32m")
    for size, (users, movies, n) in SHAPES.items()
}
__all__ = ["SIZES", "arrays", "count", "n_trained", "ratings", "raw", "shape", "tables"]
SIZES = (*REAL, *SIMULATED)
TASKS = {  # the validation part chooses settings and is then trained on, too
    "rating": SplitOptions(split="random", validation=0.05, test=0.1),
    "ranking": SplitOptions(split="leave_last_out", positive_threshold=4.0),
}


def raw(size: str) -> Path:
    """Give the folder with the release's own files, after making it if there is none."""
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
        raise MarqueeError(
            f"{size} is real data: run `make bench SOURCE=folder` with the folder of {size}.zip"
        )
    return folder


def arrays(size: str, task: str) -> Path:
    """Give the folder with the columns of `task`, after making it if there is none."""
    folder = WORK / "data" / size / task
    if not folder.exists():
        found = _parsed(size)
        with atomic_folder(folder) as fresh:
            write_json(fresh / "shape.json", {"n_users": len(found.users), "n_items": len(found.movies)})
            for name, part in _parts(found, task).items():
                for column in COLUMNS:
                    np.save(fresh / f"{name}_{column}.npy", getattr(part, column))
    return folder


def tables(size: str) -> Path:
    """Give a folder with users, movies and the ranking split as the pipeline writes them to data/."""
    folder = WORK / "data" / size / "tables"
    if not folder.exists():
        found = _parsed(size)
        with atomic_folder(folder) as fresh:
            write_parquet(fresh / "data/movies.parquet", found.movies)
            write_parquet(fresh / "data/users.parquet", found.users)
            for name, part in _parts(found, "ranking").items():
                write_parquet(fresh / f"data/ranking/{name}.parquet", part.to_table())
    return folder


def _parts(found: Dataset, task: str) -> dict[str, Ratings]:
    parts = split(Ratings.from_table(found.ratings), TASKS[task], KeyedRandom(SEED, f"split@{task}"))
    return {"train": parts.train, "val": parts.validation, "test": parts.test}


def _parsed(size: str) -> Dataset:
    kind = SIMULATED.get(size) or release(size)
    scale = Scale(*kind.scale) if kind.scale else None
    return read_release(raw(size), kind.layout, scale, CustomColumns())


def count(size: str) -> int:
    """Give the number of ratings."""
    return REAL[size] if size in REAL else SIMULATED[size].ratings


def n_trained(folder: Path) -> int:
    """Count the rows that a fit to training and validation rows reads."""
    return sum(len(np.load(folder / f"{part}_user.npy", mmap_mode="r")) for part in ("train", "val"))


def ratings(folder: Path, parts: Sequence[str]) -> Ratings:
    """Read the rows of `parts`, sorted by user; all times are 0."""
    user, item, rating = read(folder, parts)
    return Ratings(user, item, rating, np.zeros(len(user), np.int64))


if __name__ == "__main__":
    command = argparse.ArgumentParser(
        "python -m bench.sizes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("size", nargs="+", choices=SIZES)
    for wanted in command.parse_args().size:
        for kind in TASKS:
            print(arrays(wanted, kind))
