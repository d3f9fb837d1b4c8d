"""Stage `evaluate@<model>`: exact metrics, per-user values, top-K lists and predictions on the test set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee.foundation import params
from marquee.foundation.artifacts import (
    as_table,
    atomic_folder,
    read_json,
    read_parquet,
    write_json,
    write_parquet,
)
from marquee.foundation.interactions import joined
from marquee.measuring.evaluation import Evaluation, evaluate_ranking, evaluate_rating
from marquee.negatives import Candidates
from marquee.recommenders import load
from stages import phase, run
from stages.reading import catalogue, ratings


def main(settings: dict[str, Any], name: str) -> None:
    folder = Path("models") / name
    described = read_json(folder / "model.json")
    model = load(folder)
    result = measure(model, described["task"], settings)
    about = {"model": name, "task": described["task"], "algorithm": described["algorithm"]}
    with atomic_folder(Path("data/evaluation") / name) as room:
        write_parquet(room / "per_user.parquet", as_table(result.per_user))
        write_parquet(room / "lists.parquet", result.lists_table())
        if result.pairs:
            write_parquet(room / "predictions.parquet", as_table(result.pairs))
    counts = result.counts | model.sizes()
    write_json(Path(f"metrics/models/{name}.json"), {**about, "metrics": result.metrics, "counts": counts})


def measure(model: Any, task: str, settings: dict[str, Any]) -> Evaluation:
    """`model` on the test set of a task; people held out whole are folded in from their histories."""
    ks = params.block(settings, "evaluation", params.Evaluation).ks
    train, validation, histories, test = (
        ratings(Path(f"data/{task}/{part}.parquet")) for part in ("train", "val", "histories", "test")
    )
    candidates = Candidates.from_table(read_parquet(Path(f"data/candidates/{task}.parquet")))
    known, scale = catalogue(), read_json(Path("data/dataset.json"))["scale"]
    positive_from = settings["tasks"]["ranking"]["positive_from"]
    with phase("scoring"):
        if len(histories):
            model, train = model.fold_in(histories), joined(train, histories)
        seen = joined(train, validation)
        if task == "ranking":
            return evaluate_ranking(model, seen, test, candidates, known, ks, train)
        return evaluate_rating(
            model, train, test, scale["low"], scale["high"], seen, positive_from, candidates, known, ks
        )


if __name__ == "__main__":
    run(main)
