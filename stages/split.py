"""Stage `split@<task>`: who learns from what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee.folds import read_fold
from marquee.foundation import params
from marquee.foundation.artifacts import writing_parquet
from marquee.foundation.randomness import generator
from marquee.splits import SplitOptions, split
from stages import run
from stages.reading import original_ids, ratings


def main(settings: dict[str, Any], task: str) -> None:
    options = params.block(settings, f"tasks.{task}", SplitOptions)
    whole, given = ratings(Path("data/ratings.parquet")), None
    if options.split == "file":
        given = read_fold(Path("data/raw"), *options.files, *original_ids(), whole)
    parts = split(whole, options, generator(params.seed(settings), f"split@{task}"), given)
    named = {"train": parts.train, "val": parts.validation, "test": parts.test, "histories": parts.histories}
    tables = {Path(f"data/{task}/{name}.parquet"): part.to_table() for name, part in named.items()}
    with writing_parquet(tables):
        print(", ".join(f"{name} {count:,}" for name, count in parts.counts.items()))


if __name__ == "__main__":
    run(main)
