"""Stage `negatives`: sample negatives for each training positive, once."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.data.sampling import add_negatives
from marquee.io import write_parquet
from marquee.rng import KeyedRandom
from stages._inputs import original_ids, ratings
from stages._runner import run


def main(params: config.Params) -> None:
    users, movies = original_ids()
    random = KeyedRandom(params.seed, "negatives", users, movies)
    train = ratings(Path("data/ranking/train.parquet"))
    train = add_negatives(train, len(movies), params.negatives, random, users)
    write_parquet(Path("data/negatives/train.parquet"), train.to_table(), in_store=True)


if __name__ == "__main__":
    run(main)
