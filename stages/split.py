"""Stage `split@<task>`: divide the ratings into train, validation and test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from marquee import config
from marquee.data.published_splits import read_fold
from marquee.data.splits import split
from marquee.io import writing_parquet
from marquee.rng import KeyedRandom
from stages._inputs import original_ids, positive_threshold, positives_warning, ratings
from stages._runner import run


def main(params: config.Params, task: str) -> None:
    options = params.tasks[task]
    whole, ids, given = ratings(Path("data/ratings.parquet")), original_ids(), None
    if task == "ranking":
        asked, least = options.positive_threshold, positive_threshold(params)
        print(f"positives: ratings of at least {least:g} (tasks.ranking.positive_threshold: {asked})")
        options = replace(options, positive_threshold=least)
        if warning := positives_warning(whole, least):
            print(f"warning: {warning}")
    if options.split == "file":
        given = read_fold(Path("data/raw"), *options.files, *ids, whole)
    parts = split(whole, options, KeyedRandom(params.seed, f"split@{task}", *ids), given)
    named = {"train": parts.train, "val": parts.validation, "test": parts.test, "fold_in": parts.fold_in}
    tables = {Path(f"data/{task}/{name}.parquet"): part.to_table() for name, part in named.items()}
    with writing_parquet(tables):
        print(", ".join(f"{name} {count:,}" for name, count in parts.counts.items()))


if __name__ == "__main__":
    run(main)
