"""Stage `negatives`: what the positives are told apart from, drawn once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee import config
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.io import write_parquet
from marquee.rng import named_rng
from stages._inputs import catalogue, ratings
from stages._runner import run


def main(settings: dict[str, Any]) -> None:
    options = config.block(settings, "negatives", NegativeOptions)
    train = ratings(Path("data/ranking/train.parquet"))
    drawn = add_negatives(
        train, catalogue()[0].n_items, options, named_rng(config.seed(settings), "negatives")
    )
    write_parquet(Path("data/negatives/train.parquet"), drawn.to_table())


if __name__ == "__main__":
    run(main)
