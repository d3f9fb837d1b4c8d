"""Stage `negatives`: what the positives are told apart from, drawn once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee.foundation import params
from marquee.foundation.artifacts import write_parquet
from marquee.foundation.randomness import generator
from marquee.negatives import NegativeOptions, with_negatives
from stages import run
from stages.reading import catalogue, ratings


def main(settings: dict[str, Any]) -> None:
    options = params.block(settings, "negatives", NegativeOptions)
    train = ratings(Path("data/ranking/train.parquet"))
    drawn = with_negatives(train, catalogue().n_items, options, generator(params.seed(settings), "negatives"))
    write_parquet(Path("data/negatives/train.parquet"), drawn.to_table())


if __name__ == "__main__":
    run(main)
