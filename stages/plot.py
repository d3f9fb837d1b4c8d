"""Stage `pictures`: where each model errs, and what it learned of movies and genres.

One stage for all: what draws takes longer to import than to draw a model. Those whose pictures stand as they
were drawn are left alone.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

from marquee import config
from marquee.evaluation.residuals import Residuals
from marquee.figures.model_figures import gallery, model_figures
from marquee.figures.svg import svg
from marquee.io import atomic_folder, read_json, read_parquet, to_arrays, write_figure, write_json, write_text
from marquee.recommenders import load
from marquee.stamps import Stamps, digest
from stages._inputs import catalogue, code_of, known_of
from stages._runner import run

MODELS, EVALUATIONS = Path("models"), Path("data/evaluation")
FILES, PARTS = Path("plots/models"), Path("data/figures")
WORKERS = 2
STAMPS = PARTS / "stamps.json"


def main(params: config.Params) -> None:
    data = [Path(f"data/{name}") for name in ("rating", "ranking", "users.parquet", "movies.parquet")]
    stamps, common = Stamps(STAMPS), digest([*code_of("pictures"), *data])
    names = sorted(
        path.name for path in EVALUATIONS.iterdir() if (MODELS / path.name / "model.json").is_file()
    )
    files = {name: (MODELS / name, EVALUATIONS / name, FILES / name, PARTS / name) for name in names}
    changed = [name for name in names if not stamps.stands(name, common, *files[name])]
    tasks = sorted({read_json(MODELS / name / "model.json")["task"] for name in changed})
    sizes = catalogue()
    movies = read_parquet(Path("data/movies.parquet"), ["title", "year", "genres"]).to_pydict()
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg  # noqa: F401 - once, and not by each worker

    draw = partial(_draw, {task: known_of(task, sizes) for task in tasks}, sizes, movies)
    with ProcessPoolExecutor(WORKERS) as pool:
        for name in pool.map(draw, changed):
            stamps.add(name, common, *files[name])
    for room in (FILES, PARTS):
        for folder in room.glob("*/"):
            if folder.name not in names:
                rmtree(folder)
    stamps.keep(names)
    print(f"drew {', '.join(changed) or 'nothing'}; what else there is stands as it was drawn")


def _draw(known: dict[str, Any], sizes: Any, movies: dict[str, Any], name: str) -> str:
    model, pairs = load(MODELS / name), EVALUATIONS / name / "predictions.parquet"
    users, items = known[model.task]
    residuals = Residuals.of(to_arrays(read_parquet(pairs)), users, items) if pairs.is_file() else None
    pictures = model_figures(model, residuals, items, sizes, movies)
    with atomic_folder(FILES / name) as files, atomic_folder(PARTS / name) as parts:
        for kind, (figure, _) in pictures.items():
            write_figure(files / f"{kind}.png", figure)
            write_text(parts / f"{kind}.svg", svg(figure, f"{name}-{kind}"))
        captions = {kind: caption for kind, (_, caption) in pictures.items()}
        write_json(parts / "captions.json", captions)
        write_text(files / "README.md", gallery(name, captions))
    return name


if __name__ == "__main__":
    run(main)
