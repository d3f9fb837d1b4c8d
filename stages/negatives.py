"""Stage `negatives`: what the positives are told apart from, drawn once."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.data.sampling import add_negatives
from marquee.io import write_parquet
from marquee.rng import named_rng
from stages._inputs import catalogue, ratings
from stages._runner import run


def main(params: config.Params) -> None:
    train = ratings(Path("data/ranking/train.parquet"))
    known, _ = catalogue()
    drawn = add_negatives(train, known.n_items, params.negatives, named_rng(params.seed, "negatives"))
    write_parquet(Path("data/negatives/train.parquet"), drawn.to_table())


if __name__ == "__main__":
    run(main)
