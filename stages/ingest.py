"""Stage `ingest`: any release becomes one schema, with a card and three pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from marquee import config
from marquee.figures import dataset as pictures
from marquee.io import atomic_folder, write_csv, write_figure, write_json, writing_parquet
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import SIMULATED, release
from marquee.movielens.schema import Scale
from stages._runner import run


def main(params: config.Params) -> None:
    source = release(params.dataset.name)
    if source.name == SIMULATED:
        source = replace(source, layout=params.simulator.layout, scale=params.simulator.scale)
    scale = Scale(*source.scale) if source.scale else None
    found = read_release(
        Path("data/raw"), source.layout, scale, params.ingest.columns, params.ingest.max_bad_rows
    )
    histogram = found.card["histogram"]
    item, timestamp = found.ratings["item"].to_numpy(), found.ratings["timestamp"].to_numpy()
    tables = {"ratings": found.ratings, "movies": found.movies, "users": found.users}
    files = {Path(f"data/{name}.parquet"): table for name, table in tables.items()}
    with writing_parquet(files), atomic_folder(Path("plots/dataset")) as folder:
        for name, rows, figure in (
            ("ratings", pictures.rating_rows(**histogram), pictures.rating_histogram(**histogram)),
            ("long_tail", pictures.tail_rows(item), pictures.long_tail(item)),
            ("over_time", pictures.time_rows(timestamp), pictures.ratings_over_time(timestamp)),
        ):
            write_csv(folder / f"{name}.csv", *rows)
            write_figure(folder / f"{name}.png", figure)
    write_json(Path("data/dataset.json"), {"name": source.name, "licence": source.licence, **found.card})


if __name__ == "__main__":
    run(main)
