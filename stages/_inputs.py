"""Read what more than one stage needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from marquee.config import Params
from marquee.data.identity import identity_of, require_same
from marquee.data.ratings import Catalogue, Ratings, lowest_positive, unusual_positives
from marquee.data.sampling import Candidates
from marquee.data.stored import catalogue as catalogue
from marquee.data.stored import implicit as implicit
from marquee.data.stored import movies_table
from marquee.data.stored import original_ids as original_ids
from marquee.errors import MarqueeError
from marquee.io import as_array, read_parquet, reading
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


def ratings(path: Path, within: Catalogue | None = None) -> Ratings:
    """Read ratings. Raises MarqueeError for a damaged file, and for ids that are not `within` it."""
    found = Ratings.read(path)
    if within is not None:
        found.require_ids(within.n_users, within.n_items, path)
    return found


def test_set(task: str, params: Params) -> TestSet:
    from marquee.evaluation.test_set import TestSet

    known, scale = catalogue()
    train, validation, fold_in, test = (
        ratings(Path(f"data/{task}/{part}.parquet"), known) for part in ("train", "val", "fold_in", "test")
    )
    listed = Path(f"data/{task}/candidates.parquet")
    with reading(listed):
        candidates = Candidates.from_table(read_parquet(listed))
    scored = scale[:2], positive_threshold(params), params.evaluate.ks
    extra = low_rated(task, params), params.evaluate.variants
    return TestSet(task, train, validation, fold_in, test, candidates, known, *scored, *extra)


def low_rated(task: str, params: Params) -> Ratings:
    """Return what lists leave out beside positives: nothing, unless `evaluate.mask` is rated."""
    if params.evaluate.mask == "positives":
        return Ratings.empty()
    path = Path(f"data/{task}/low_rated.parquet")
    with reading(path):
        pairs = read_parquet(path)
        return Ratings.of(as_array(pairs["user"]), as_array(pairs["item"]))


def positive_threshold(params: Params) -> float:
    """Return the lowest rating that counts as a positive."""
    about = movies_table()[1]
    low, high, step = about["scale"]
    asked, counted = params.tasks["ranking"].positive_threshold, about.get("feedback") == "implicit"
    return lowest_positive(asked, low, high, step, counted)


def positives_warning(whole: Ratings, least: float) -> str | None:
    """Say that nearly all or nearly no ratings are positives; None where all are one, and of counts."""
    _, (low, high, _) = catalogue()
    usual = low == high or implicit()
    return None if usual else unusual_positives(int((whole.rating >= least).sum()), len(whole))
