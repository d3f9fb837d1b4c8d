"""Stage `plot@<model>`: draw how one model trained, where it errs and what it learned."""

from __future__ import annotations

from pathlib import Path

from marquee.config import Params
from marquee.data.ratings import Catalogue
from marquee.figures.captioned import save_figures
from marquee.figures.model_figures import gallery, model_figures
from marquee.io import atomic_folder, read_curve, read_parquet, read_sealed, to_arrays, write_text
from stages._inputs import trained
from stages._runner import run


def main(params: Params, name: str) -> None:
    model = trained(name, params)
    curve = read_curve(Path(f"plots/train/{name}.csv"))
    rates = model.task == "rating"
    residuals = read_sealed(Path(f"data/evaluation/{name}/residuals.json")) if rates else None
    pairs = to_arrays(read_parquet(Path(f"data/{model.task}/train.parquet"), ["user", "item"]))
    movies = read_parquet(Path("data/movies.parquet"), ["movie_id", "title", "year", "genres"])
    catalogue = Catalogue.from_genres(model.n_users, movies["genres"])
    users = read_parquet(Path("data/users.parquet")).to_pydict()
    figures = model_figures(model, curve, residuals, pairs, catalogue, movies.to_pydict(), users)
    with atomic_folder(Path("data/figures/models") / name) as folder:
        save_figures(folder, figures)
        write_text(folder / "README.md", gallery(name, figures))


if __name__ == "__main__":
    run(main)
