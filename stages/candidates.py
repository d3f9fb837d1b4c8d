"""Stage `candidates@<task>`: sample the items that held-out ones are ranked among, or read published ones."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.data.published_splits import read_candidates
from marquee.data.sampling import sample_candidates
from marquee.io import write_parquet
from marquee.rng import KeyedRandom
from stages._inputs import low_rated, original_ids, ratings
from stages._runner import run


def main(params: config.Params, task: str) -> None:
    options = params.candidates
    users, movies = original_ids()
    if options.file:
        found, itself = read_candidates(Path("data/raw"), options.file, users, movies)
        print(f"{options.file}: {itself} candidates are the test item itself; sampled_ metrics ignore them")
    else:
        train, validation, fold_in, test = (
            ratings(Path(f"data/{task}/{part}.parquet")) for part in ("train", "val", "fold_in", "test")
        )
        random = KeyedRandom(params.seed, f"candidates@{task}", users, movies)
        seen = (train, validation, fold_in, low_rated(task, params))
        found = sample_candidates(seen, test, len(users), len(movies), options.per_user, random)
    write_parquet(Path(f"data/{task}/candidates.parquet"), found.to_table(), in_store=True)


if __name__ == "__main__":
    run(main)
