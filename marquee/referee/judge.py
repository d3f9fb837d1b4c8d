"""Judge lists and predicted ratings: our metrics, their intervals, and paired tests between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marquee.data.ratings import Catalogue
from marquee.errors import MarqueeError
from marquee.evaluation.beyond_accuracy import beyond_accuracy, coverage
from marquee.evaluation.metrics import list_metrics, pooled_errors, rating_errors
from marquee.evaluation.test_set import ModelResult
from marquee.io import as_array
from marquee.referee.lists import Holdout, Lists, find_rows, require_unseen
from marquee.referee.tables import Table, encode
from marquee.referee.variants import VARIANTS


@dataclass(frozen=True)
class Verdict:
    """What was found of one file.

    result  metrics and per-user values, to be compared with those of other files
    notes   one line for each thing that the reader should know
    theirs  the names and figures that the library asked for would print
    """

    result: ModelResult
    notes: list[str]
    theirs: Mapping[str, float]


def judge_lists(split: Holdout, lists: Lists, name: str, k: int, variant: str | None = None) -> Verdict:
    """Return the metrics at k over the test users; one without a list counts 0.

    Popularity, novelty and coverage are those of listed items that the split knows. With candidates, accuracy
    has the prefix `sampled_`, since a ranking among a few items is another question.
    """
    relevant = split.relevant()
    hits = np.zeros(lists.items.shape, bool)
    row, rank = np.nonzero(lists.items >= 0)
    keys = split.keys(split.users[row], lists.items[row, rank])
    hits[row, rank] = find_rows(keys, split.keys(split.test.user, split.test.item))
    columns = list_metrics(hits, relevant.lengths, [k])
    if split.candidates is not None:
        columns = {f"sampled_{metric}": values for metric, values in columns.items()}
    catalogue = Catalogue.of(len(split.user_ids), split.n_items)
    columns |= beyond_accuracy(lists.items, split.users, relevant, split.train, catalogue, [k])
    metrics = {metric: float(np.nanmean(x)) for metric, x in columns.items() if not np.isnan(x).all()}
    metrics |= coverage(lists.items, split.n_items, [k])
    theirs = VARIANTS[variant].figures(hits, relevant.lengths, lists.lengths, k) if variant else {}
    listed = {"user": split.users, "item": lists.items}
    result = ModelResult(name, "ranking", metrics, {"user": split.users} | columns, listed)
    return Verdict(result, lists.notes, theirs)


def judge_predictions(train: Table, test: Table, table: Table, name: str, path: Path) -> Verdict:
    """Return RMSE, MSE and MAE over all test ratings, of predictions clipped to the scale.

    A test pair without a prediction counts as predicted with the mean of `train`, and is counted. Raises
    MarqueeError where test has no ratings or shares a pair with train, a pair is predicted twice, or no test
    pair is predicted.
    """
    if "rating" not in train or "rating" not in test:
        raise MarqueeError(
            "predicted ratings are judged against ratings: train and test need a column rating"
        )
    # Of the ids as they are in test: as text they sort otherwise, and files are compared user by user.
    users = np.unique(np.asarray(test["user"]), return_inverse=True)[1]
    given, ids = encode(table, test, train)
    pairs, wanted, seen = (user * np.int64(len(ids[1])) + item for user, item in given)
    require_unseen(wanted, np.sort(seen), *ids)
    order = np.argsort(pairs, kind="stable")
    pairs, predicted = pairs[order], as_array(table["score"])[order]
    if (np.diff(pairs) == 0).any():
        raise MarqueeError(
            f"{path}: {int((np.diff(pairs) == 0).sum()):,} pairs stand twice: predict each once"
        )
    place = np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)
    found = pairs[place] == wanted
    if not found.any():
        raise MarqueeError(f"{path}: no test pair is among its pairs: write the ids of the test file")
    rating, known = as_array(test["rating"]), as_array(train["rating"])
    low = float(min(known.min(), rating.min()))
    high = float(max(known.max(), rating.max()))
    values = np.where(found, predicted[place], known.mean())
    notes = []
    if not found.all():
        missing, fallback = int((~found).sum()), f"{known.mean():.3f}"
        notes.append(f"{missing:,} of {len(found):,} test pairs have no prediction and count as {fallback}")
    if outside := int(((values < low) | (values > high)).sum()):
        notes.append(f"{outside:,} predictions are clipped to {low:g}..{high:g}")
    if extra := len(pairs) - len(np.unique(place[found])):
        notes.append(f"{extra:,} predicted pairs are not in the test and are left out")
    per_user = rating_errors(users, rating, values, low, high)
    return Verdict(ModelResult(name, "rating", pooled_errors(per_user), per_user), notes, {})
