"""Stage `pictures@<model>`: where a model errs, and what it learned of movies and genres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from marquee.figures.inline import svg
from marquee.foundation.artifacts import (
    atomic_folder,
    columns,
    read_parquet,
    write_figure,
    write_json,
    write_text,
)
from marquee.portraits.portrait import gallery, portrait
from marquee.portraits.residuals import Residuals
from marquee.recommenders import load
from stages import run
from stages.reading import catalogue, learned_from


def main(settings: dict[str, Any], name: str) -> None:
    model = load(Path("models") / name)
    train, known = learned_from(model.task), catalogue()
    pairs = Path(f"data/evaluation/{name}/predictions.parquet")
    residuals = Residuals.of(columns(read_parquet(pairs)), train) if pairs.is_file() else None
    movies = read_parquet(Path("data/movies.parquet"), ["title", "year", "genres"]).to_pydict()
    counts = np.bincount(train.item, minlength=known.n_items)
    pictures = portrait(model, residuals, counts, known, movies)
    with (
        atomic_folder(Path("plots/models") / name) as files,
        atomic_folder(Path("data/pictures") / name) as parts,
    ):
        for kind, (figure, _) in pictures.items():
            write_figure(files / f"{kind}.png", figure)
            write_text(parts / f"{kind}.svg", svg(figure, f"{name}-{kind}"))
        captions = {kind: caption for kind, (_, caption) in pictures.items()}
        write_json(parts / "captions.json", captions)
        write_text(files / "README.md", gallery(name, captions))


if __name__ == "__main__":
    run(main)
