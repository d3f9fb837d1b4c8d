"""Stage `candidates@<task>`: the items that held-out ones are ranked among, drawn once or given."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.data.published_splits import read_candidates
from marquee.data.sampling import sample_candidates
from marquee.io import write_parquet
from marquee.rng import named_rng
from stages._inputs import catalogue, original_ids, ratings
from stages._runner import run


def main(params: config.Params, task: str) -> None:
    options = params.candidates
    if options.file:
        drawn, dropped = read_candidates(Path("data/raw"), options.file, *original_ids())
        print(f"{options.file}: {dropped} candidates were the held-out item itself and are dropped")
    else:
        train, validation, fold_in, test = (
            ratings(Path(f"data/{task}/{part}.parquet")) for part in ("train", "val", "fold_in", "test")
        )
        (sizes, _), rng = catalogue(), named_rng(params.seed, f"candidates@{task}")
        seen = (train, validation, fold_in)
        drawn = sample_candidates(seen, test, sizes.n_users, sizes.n_items, options.per_user, rng)
    write_parquet(Path(f"data/candidates/{task}.parquet"), drawn.to_table())


if __name__ == "__main__":
    run(main)
