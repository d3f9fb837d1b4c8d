"""Stage `split@<task>`: divide the ratings into train, validation and test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from marquee import config
from marquee.data.published_splits import read_fold
from marquee.data.ratings import Ratings
from marquee.data.splits import Split, split
from marquee.data.time_order import time_warnings
from marquee.io import write_sealed, writing_parquet
from marquee.rng import KeyedRandom
from stages._inputs import implicit, original_ids, positive_threshold, positives_warning, ratings
from stages._runner import run


def main(params: config.Params, task: str) -> None:
    options = params.tasks[task]
    whole, counted, none = ratings(Path("data/ratings.parquet")), implicit(), Ratings.empty()
    if task == "rating" and counted:
        print("there are no ratings to predict: every row is a positive of the ranking task")
        _write(task, Split(none, none, none, none, {}), [])
        return
    if task == "ranking":
        asked, least = options.positive_threshold, positive_threshold(params)
        kind = "counts" if counted else "ratings"
        print(f"positives: {kind} of at least {least:g} (tasks.ranking.positive_threshold: {asked})")
        options = replace(options, positive_threshold=least)
        if warning := positives_warning(whole, least):
            print(f"warning: {warning}")
    ids, given = original_ids(), None
    if options.split == "file":
        given = read_fold(Path("data/raw"), *options.files, *ids, whole)
    random = KeyedRandom(params.seed, f"split@{task}", *ids)
    parts = split(whole, options, random, given, counted, in_place=True)  # of `whole` times remain
    warnings = time_warnings(whole, parts, options.split)
    _write(task, parts, warnings)
    print(", ".join(f"{name} {count:,}" for name, count in parts.counts.items()))
    for warning in warnings:
        print(f"warning: {warning}")


def _write(task: str, parts: Split, warnings: list[str]) -> None:
    folder = Path("data") / task
    named = {"train": parts.train, "val": parts.validation, "test": parts.test, "fold_in": parts.fold_in}
    tables = {folder / f"{name}.parquet": part.to_table() for name, part in named.items()}
    tables[folder / "low_rated.parquet"] = parts.low_rated.to_table().select(["user", "item"])
    with writing_parquet(tables, in_store=True):
        write_sealed(folder / "split.json", {"counts": parts.counts, "warnings": warnings})


if __name__ == "__main__":
    run(main)
