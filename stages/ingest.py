"""Stage `ingest`: turn any release into one schema, with a summary and three figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from marquee import config
from marquee.figures.captioned import save_figures
from marquee.figures.dataset import dataset_figures, dataset_tables
from marquee.io import atomic_folder, hash_of_columns, write_csv, write_sealed, writing_parquet
from marquee.movielens.core_filter import CoreFilter
from marquee.movielens.feedback import read_feedback
from marquee.movielens.fingerprint import fingerprint
from marquee.movielens.notes import other_edition
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import SIMULATED, release
from marquee.movielens.schema import Scale
from stages._runner import run

SCALE = ("low", "high", "step")


def main(params: config.Params) -> None:
    options = params.ingest
    source = release(params.dataset.name)
    if source.name == SIMULATED:
        source = replace(source, layout=params.simulator.layout, scale=params.simulator.scale)
    scale = Scale(*source.scale) if source.scale else None
    wanted = CoreFilter(options.min_rating, options.k_core)
    read = (options.columns, options.max_bad_rows, options.scale, params.implicit, wanted)
    found = read_release(Path("data/raw"), source.layout, scale, *read, feedback=read_feedback(source.name))
    columns = found.ratings["item"].to_numpy(), found.ratings["timestamp"].to_numpy()
    sizes = {"n_users": found.users.num_rows, "scale": [found.card["scale"][part] for part in SCALE]}
    sizes["feedback"] = found.card["feedback"]
    identity = {"name": source.name, "fingerprint": fingerprint(found.movies, found.users)}
    movies = found.movies.replace_schema_metadata({"catalogue": json.dumps({**sizes, **identity})})
    described = {"movies": movies, "users": found.users}
    with (
        writing_parquet({Path("data/ratings.parquet"): found.ratings}, in_store=True),
        writing_parquet({Path(f"data/{name}.parquet"): table for name, table in described.items()}),
    ):
        with atomic_folder(Path("plots/dataset")) as folder:
            for name, table in dataset_tables(found.card, *columns).items():
                write_csv(folder / f"{name}.csv", *table)
        with atomic_folder(Path("data/figures/dataset")) as folder:
            save_figures(folder, dataset_figures(found.card, *columns))
    whole = source.name != SIMULATED and wanted.removes_nothing
    notes = [*found.notes, *(other_edition(source, found.card) if whole else ())]
    card = {"name": source.name, "licence": source.licence, **found.card}
    if notes:
        card["notes"] = notes
        print("\n".join(notes))
    card["ratings_sha256"] = hash_of_columns(found.ratings)
    write_sealed(Path("data/dataset.json"), card)


if __name__ == "__main__":
    run(main)
