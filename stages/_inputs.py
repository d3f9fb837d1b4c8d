"""Read what more than one stage needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marquee.config import Params
from marquee.data.identity import identity_of, require_same
from marquee.data.ratings import Catalogue, Ratings, lowest_positive, unusual_positives
from marquee.data.sampling import Candidates
from marquee.errors import MarqueeError
from marquee.io import read_parquet
from marquee.recommenders import fitted_otherwise, load

if TYPE_CHECKING:
    from marquee.evaluation.test_set import TestSet
    from marquee.recommenders.base import Recommender


def trained(name: str, params: Params) -> Recommender:
    """The model `name`. Raises MarqueeError for one of other data or parameters: a stage was left out."""
    folder, remedy = Path("models") / name, f"run `dvc repro train@{name}`"
    entry, model = params.model(name), load(folder)
    require_same(model.fitted.get("data"), identity_of(), str(folder), "data/", remedy)
    if other := fitted_otherwise(model, entry, params.seed):
        raise MarqueeError(f"{folder} was fitted with {other} in params.yaml: {remedy}")
    return model


def ratings(path: Path) -> Ratings:
    return Ratings.from_table(read_parquet(path))


def catalogue() -> tuple[Catalogue, tuple[float, float, float]]:
    """Return the catalogue, and the release's scale: lowest rating, highest, step (0 without one)."""
    movies = read_parquet(Path("data/movies.parquet"), ["genres"])
    about = json.loads(movies.schema.metadata[b"catalogue"])
    return Catalogue.from_genres(about["n_users"], movies["genres"]), tuple(about["scale"])


def test_set(task: str, params: Params) -> TestSet:
    from marquee.evaluation.test_set import TestSet

    train, validation, fold_in, test = (
        ratings(Path(f"data/{task}/{part}.parquet")) for part in ("train", "val", "fold_in", "test")
    )
    candidates = Candidates.from_table(read_parquet(Path(f"data/candidates/{task}.parquet")))
    known, scale = catalogue()
    least = lowest_positive(params.tasks["ranking"].positive_threshold, *scale)
    ks = params.evaluate.ks
    return TestSet(task, train, validation, fold_in, test, candidates, known, scale[:2], least, ks)


def positive_threshold(params: Params) -> float:
    """Return the lowest rating that counts as a positive."""
    _, scale = catalogue()
    return lowest_positive(params.tasks["ranking"].positive_threshold, *scale)


def positives_warning(whole: Ratings, least: float) -> str | None:
    """Say that nearly all or nearly no ratings are positives; None where all ratings are one."""
    _, (low, high, _) = catalogue()
    return unusual_positives(int((whole.rating >= least).sum()), len(whole)) if low < high else None


def original_ids() -> tuple[np.ndarray, np.ndarray]:
    """Return the release's own ids: row u of the first is user u, row i of the second is item i."""
    users = read_parquet(Path("data/users.parquet"), ["user_id"])["user_id"]
    movies = read_parquet(Path("data/movies.parquet"), ["movie_id"])["movie_id"]
    return users.to_numpy(), movies.to_numpy()
