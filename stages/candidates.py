"""Stage `candidates@<task>`: the items that held-out ones are ranked among, drawn once or given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee.folds import read_candidates
from marquee.foundation import params
from marquee.foundation.artifacts import write_parquet
from marquee.foundation.randomness import generator
from marquee.negatives import CandidateOptions, sample_candidates
from stages import run
from stages.reading import catalogue, original_ids, ratings


def main(settings: dict[str, Any], task: str) -> None:
    options = params.block(settings, "candidates", CandidateOptions)
    if options.file:
        drawn, dropped = read_candidates(Path("data/raw"), options.file, *original_ids())
        print(f"{options.file}: {dropped} candidates were the held-out item itself and are dropped")
    else:
        train, validation, histories, test = (
            ratings(Path(f"data/{task}/{part}.parquet")) for part in ("train", "val", "histories", "test")
        )
        sizes, rng = catalogue(), generator(params.seed(settings), f"candidates@{task}")
        seen = (train, validation, histories)
        drawn = sample_candidates(seen, test, sizes.n_users, sizes.n_items, options.count, rng)
    write_parquet(Path(f"data/candidates/{task}.parquet"), drawn.to_table())


if __name__ == "__main__":
    run(main)
