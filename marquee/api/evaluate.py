"""Evaluation of a model on a part of a split: the pipeline's own metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from marquee.api.models import Model
from marquee.api.split import Part
from marquee.config import CandidateOptions, EvaluateOptions, parse
from marquee.data.ratings import Ratings
from marquee.data.sampling import sample_candidates
from marquee.errors import MarqueeError
from marquee.evaluation.evaluate import Evaluation
from marquee.evaluation.test_set import TestSet

if TYPE_CHECKING:
    import pandas as pd


class Result(Mapping[str, float]):
    """Metrics by name, such as result["ndcg@10"]. It prints as a table.

    counts       test_users (the denominator), relevant_pairs, ...
    per_user     a DataFrame: user_id, and each metric; NaN where it is not defined for the user
    predictions  of a rating model, a DataFrame: user_id, movie_id, rating, predicted
    """

    def __init__(self, title: str, part: Part, evaluation: Evaluation) -> None:
        self.title, self.counts = title, evaluation.counts
        self._part, self._evaluation = part, evaluation

    def __getitem__(self, name: str) -> float:
        return self._evaluation.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._evaluation.metrics)

    def __len__(self) -> int:
        return len(self._evaluation.metrics)

    @property
    def per_user(self) -> pd.DataFrame:
        return self._with_ids(self._evaluation.per_user)

    @property
    def predictions(self) -> pd.DataFrame:
        return self._with_ids(self._evaluation.pairs)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each metric and a column for each list length k; k is "" where there is none."""
        import pandas as pd

        cells = [(*name.partition("@")[::2], value) for name, value in self.items()]
        frame = pd.DataFrame(cells, columns=["metric", "k", "value"])
        frame = frame.sort_values("k", key=lambda ks: ks != "", kind="stable")  # rmse first
        order, ks = frame["metric"].unique(), sorted(frame["k"].unique(), key=lambda k: int(k or 0))
        return frame.pivot_table(index="metric", columns="k", values="value").loc[order, ks]

    def __repr__(self) -> str:
        table = self.to_frame()
        text = table.rename(columns=lambda k: f"@{k}" if k else "").to_string(
            float_format="{:.4f}".format, na_rep="", index_names=False
        )
        return f"{self.title}\n{text}"

    def _with_ids(self, columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
        import pandas as pd

        dataset, own = self._part.dataset, dict(columns)
        ids: dict[str, Any] = {"user_id": dataset.user_ids[own.pop("user")]}
        if "item" in own:
            ids["movie_id"] = dataset.movie_ids[own.pop("item")]
        return pd.DataFrame(ids | own)


def evaluate(
    model: Model,
    part: Part,
    ks: Sequence[int] = (5, 10, 20),
    *,
    candidates: int = 99,
    positive_threshold: float | str = "auto",
    mask: Literal["positives", "rated"] = "positives",
) -> Result:
    """Return the metrics of `model` on the test part of a split, or on its validation part.

    ks                  lengths of the lists
    candidates          items that each held-out item is ranked among, for the `sampled_` metrics
    positive_threshold  of a rating model: the rating from which a test rating is relevant; "75%" is 0.75
                        of the way up the scale, and so is "auto"
    mask                what lists and candidates of a ranking model leave out: "positives" of training and
                        validation, as papers do, or "rated": movies rated below the threshold, too

    docs/reference/metrics.md defines each metric. Choose settings on validation, and look at test once.
    Raises MarqueeError where the model has another task or data, or was trained on rows of `part`.
    """
    if mask not in ("positives", "rated"):
        raise MarqueeError(f"mask is {mask!r}, but must be positives or rated")
    if part.name == "train":
        raise MarqueeError("the train part shows only how well a model remembers: evaluate on test")
    model.require_data(part)
    if model.task != part.task:
        raise MarqueeError(
            f"{model.name} is a {model.task} model, and this split is for {part.task}: "
            "positive_threshold= makes a ranking split, no threshold a rating split"
        )
    if not isinstance(ks, int) and not len(ks):
        raise MarqueeError("ks is empty: give the lengths of the lists")
    ks, least = parse(EvaluateOptions, {"ks": ks}, "").ks, part.dataset.lowest_positive(positive_threshold)
    candidates = parse(CandidateOptions, {"per_user": candidates}, "").per_user
    if overlap := _overlap(model.trained_on, part.rows):
        raise MarqueeError(
            f"{model.name} was trained on {overlap:,} of the {len(part):,} rows of this {part.name} part: "
            "fit it on the train part of the same split"
        )
    parts, dataset, none = part.parts, part.dataset, Ratings.empty()
    validation, fold_in = (parts.validation, parts.fold_in) if part.name == "test" else (none, none)
    n_users, n_items = dataset.catalogue.n_users, dataset.catalogue.n_items
    low_rated = parts.low_rated if mask == "rated" else none
    random = dataset.random(part.seed, f"candidates@{part.task}")
    test_set = TestSet(
        part.task,
        parts.train,
        validation,
        fold_in,
        part.rows,
        sample_candidates(
            (parts.train, validation, fold_in, low_rated), part.rows, n_users, n_items, candidates, random
        ),
        dataset.catalogue,
        (dataset.scale.low, dataset.scale.high),
        least,
        tuple(min(k, n_items) for k in ks),
        low_rated,
    )
    result = test_set.evaluate(model.recommender)
    users = result.counts.get("rating_users", result.counts["test_users"])
    return Result(f"{model.name} on {part.name}: {len(part):,} rows of {users:,} users", part, result)


def _overlap(one: Ratings, other: Ratings) -> int:
    """Return how many pairs of `other` are in `one`."""
    width = 1 + max(int(part.item.max(initial=0)) for part in (one, other))
    keys = [part.user.astype(np.int64) * width + part.item for part in (one, other)]
    return int(np.isin(keys[1], keys[0]).sum())
