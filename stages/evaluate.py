"""Stage `evaluate@<model>`: exact metrics, per-user values, top-K lists and predictions on the test set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee import config
from marquee.evaluation import test_set
from marquee.evaluation.learned import learned
from marquee.evaluation.samples import samples
from marquee.io import read_parquet, sha256
from stages import _inputs
from stages._runner import phase, run


def main(params: config.Params, name: str) -> None:
    entry = params.model(name)
    model = _inputs.trained(name, params)
    held_out = _inputs.test_set(entry.task, params)
    with phase("scoring", name):
        result = held_out.evaluate(model)
    about: dict[str, Any] = {"model": name, "task": entry.task, "algorithm": entry.algorithm}
    about |= {"model_counts": model.report_counts(), "data": model.fitted["data"]}
    about |= {"model_sha256": sha256(Path("models") / name / "model.json")}
    tables = {"residuals": held_out.errors(result), "tail": held_out.tail(result)}
    movies = read_parquet(Path("data/movies.parquet"), ["movie_id", "title", "year", "genres"]).to_pydict()
    users = read_parquet(Path("data/users.parquet")).to_pydict()
    few = samples(model, held_out, _inputs.original_ids(), movies)
    shown = learned(model, held_out.train, held_out.catalogue, movies, users)
    groups = held_out.grouped_by(result, users)
    test_set.store(result, about, Path("data/evaluation") / name, few, shown, groups, **tables)


if __name__ == "__main__":
    run(main)
