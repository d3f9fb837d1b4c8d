"""Train, validation and test of a data set, split as the pipeline does."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.api.dataset import SEED, Dataset, load
from marquee.config import parse
from marquee.data import splits
from marquee.data.ratings import Ratings, count_weights
from marquee.data.splits import Split, SplitOptions
from marquee.data.time_cuts import BY_TIME
from marquee.data.time_order import time_warnings
from marquee.errors import MarqueeError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class Part:
    """One part of a split.

    name                train, validation or test
    dataset             what was split
    parts               all parts: a test needs to know what was trained on
    positive_threshold  the least rating that counts as a positive; None: ratings are kept as they are
    """

    name: str
    dataset: Dataset
    parts: Split
    positive_threshold: float | None
    seed: int

    @property
    def task(self) -> str:
        """`ranking` where rows are positives, `rating` where they have ratings."""
        return "ranking" if self.dataset.implicit or self.positive_threshold is not None else "rating"

    @property
    def rows(self) -> Ratings:
        return getattr(self.parts, self.name)

    @property
    def ratings(self) -> pd.DataFrame:
        """user_id, movie_id, rating, timestamp; every rating is 1 for ranking, or the weight of a count."""
        return self.dataset.frame(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        what = "positives" if self.task == "ranking" else "ratings"
        users = len(np.unique(self.rows.user))
        return f"{self.name} part of {self.dataset.name!r}: {len(self):,} {what} of {users:,} users"


def split(
    data: Dataset | pd.DataFrame,
    split: str = "leave_last_out",
    *,
    positive_threshold: float | str | None = None,
    seed: int = SEED,
    **options: Any,
) -> tuple[Part, Part, Part]:
    """Return the train, validation and test parts of `data`.

    split               leave_last_out, leave_random_out, random_per_user, random, per_user_time, global_time,
                        sliding_window, user_holdout or k_fold: docs/reference/splits.md says which question
                        each answers
    positive_threshold  for ranking: ratings of at least this become positives, the others are left out.
                        "75%" is 0.75 of the way up the scale, and so is "auto". None keeps all ratings, to
                        be predicted
    options             validation and test (fractions), rounding ("coin", "floor" or "one"), fold, n_folds,
                        train_days

    A row's part depends on the seed and on the ids of its user and movie, not on other users.
    Raises MarqueeError for an unknown option, for a split by time of ratings without times, and where a part
    would be empty.
    """
    data = data if isinstance(data, Dataset) else load(data)
    how = parse(SplitOptions, {"split": split, "positive_threshold": positive_threshold, **options}, "")
    if how.split == "file":
        raise MarqueeError("split 'file' reads the files of a release: use the pipeline, or another split")
    if how.split in BY_TIME and data.card["first_timestamp"] is None:
        raise MarqueeError(
            f"split {how.split!r} orders ratings by time, and {data.name!r} has no times: "
            "load it with timestamp=, or use random_per_user"
        )
    if data.implicit and positive_threshold is not None:
        raise MarqueeError(
            f"positive_threshold is {positive_threshold}, but every row of {data.name!r} is a positive: "
            "leave it out"
        )
    least = None if how.positive_threshold is None else data.lowest_positive(how.positive_threshold)
    task = "ranking" if data.implicit or least is not None else "rating"
    random = data.random(seed, f"split@{task}")
    lowest = data.scale.low if data.implicit else least
    parts = splits.split(data.rows, replace(how, positive_threshold=lowest), random, implicit=data.implicit)
    for text in time_warnings(data.rows, parts, how.split):
        warnings.warn(text, stacklevel=2)
    train, validation, test = (
        Part(name, data, parts, least, seed) for name in ("train", "validation", "test")
    )
    return train, validation, test


def whole_part(data: Dataset, positive_threshold: float | None, seed: int) -> Part:
    """Return all rows, or all positives, as a training part without validation and test."""
    rows, none = data.rows, Ratings.empty()
    if data.implicit:
        rows = replace(rows, rating=count_weights(rows.rating))
    elif positive_threshold is not None:
        rows = rows.take(rows.rating >= positive_threshold)
        rows = Ratings.of(rows.user, rows.item, 1.0, rows.timestamp)
        if not len(rows):
            raise MarqueeError(f"no rating is at least {positive_threshold:g}: lower the threshold")
    return Part("train", data, Split(rows, none, none, none, {}), positive_threshold, seed)
