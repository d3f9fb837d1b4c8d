"""Stage `demo`: write the page that recommends in a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from marquee.config import Params
from marquee.demo import content, models, page
from marquee.io import as_array, read_parquet, write_text
from marquee.movielens.schema import COUNTS, Scale
from stages._inputs import catalogue, implicit, positive_threshold, trained
from stages._runner import run

OUT = Path("plots/try.html")


def main(params: Params) -> None:
    models.require_packable(params)
    options, title = params.demo, params.report.title
    if not options.model:
        write_text(OUT, page.render({}, title))
        return
    movies = read_parquet(Path("data/movies.parquet"))
    train = read_parquet(Path("data/ranking/train.parquet"), ["item"])
    counts = np.bincount(as_array(train["item"]), minlength=len(movies))
    packed = models.pack(trained(options.model, params), counts, options.movies, options.megabytes)
    scale = COUNTS if implicit() else Scale(*catalogue()[1])
    data = content.page_data(
        params.dataset.name, scale, positive_threshold(params), movies, counts, packed.items
    )
    write_text(OUT, page.render({**data, "model": {**packed.model, "name": options.model}}, title))


if __name__ == "__main__":
    run(main)
