"""Stage `split@<task>`: divide the ratings into train, validation and test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee import config
from marquee.data.published_splits import read_fold
from marquee.data.splits import SplitOptions, split
from marquee.io import writing_parquet
from marquee.rng import KeyedRandom
from stages._inputs import original_ids, ratings
from stages._runner import run


def main(settings: dict[str, Any], task: str) -> None:
    options = config.block(settings, f"tasks.{task}", SplitOptions)
    whole, ids, given = ratings(Path("data/ratings.parquet")), original_ids(), None
    if options.split == "file":
        given = read_fold(Path("data/raw"), *options.files, *ids, whole)
    parts = split(whole, options, KeyedRandom(config.seed(settings), f"split@{task}", *ids), given)
    named = {"train": parts.train, "val": parts.validation, "test": parts.test, "fold_in": parts.fold_in}
    tables = {Path(f"data/{task}/{name}.parquet"): part.to_table() for name, part in named.items()}
    with writing_parquet(tables):
        print(", ".join(f"{name} {count:,}" for name, count in parts.counts.items()))


if __name__ == "__main__":
    run(main)
