"""Compute every metric of docs/reference/metrics.md for a model, per user and on average.

Only `scores`, `predict` and, where there are, `factors` are used of a model: an oracle will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from marquee.data.ratings import Catalogue, Ratings, pairs_of
from marquee.data.user_items import UserItems
from marquee.engine import on_spark, share
from marquee.errors import MarqueeError
from marquee.evaluation.beyond_accuracy import ItemValues, coverage
from marquee.evaluation.distributed import ndcg, predictions, rank
from marquee.evaluation.inner_product import FactorScores
from marquee.evaluation.metrics import Columns, pooled_errors, rating_errors
from marquee.evaluation.topk import Scores
from marquee.evaluation.user_blocks import ROWS, RankedUsers, RankingOptions
from marquee.io import as_column
from marquee.parallel import is_among, single_threaded_blas

if TYPE_CHECKING:
    import pyarrow as pa

    from marquee.data.sampling import Candidates


class Ranker(Protocol):
    def scores(self, users: np.ndarray) -> np.ndarray: ...


class Rater(Ranker, Protocol):
    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Evaluation:
    """Hold the result of one evaluation.

    metrics   ndcg@10, sampled_ndcg@10, rmse, rmse_cold, coverage@10, ...; what has no data is absent
    counts    test_users (the denominator), relevant_pairs, test_pairs, users_without_list, ...
    per_user  `user` int32 [m], ascending, and float64 [m] for each metric; NaN where it is not defined
    lists     `user` int32 [n], `item` int32 [n, k_max] and `score` float32 [n, k_max]; -1 and -inf: no more
    pairs     of a rating model, each test pair in its order: `user`, `item`, `rating` and the `predicted`
              rating, float32 [test_pairs], clipped to the scale; of a ranking model nothing
    """

    metrics: dict[str, float]
    counts: dict[str, int]
    per_user: Columns
    lists: Columns
    pairs: Columns = field(default_factory=dict)

    def lists_table(self) -> pa.Table:
        """Return one row per list: user int32, item and score as lists of fixed length."""
        import pyarrow as pa

        def column(name: str) -> pa.Array:
            rows = self.lists[name]
            return pa.FixedSizeListArray.from_arrays(as_column(rows.reshape(-1)), rows.shape[1])

        columns = [as_column(self.lists["user"]), column("item"), column("score")]
        return pa.table(columns, names=["user", "item", "score"])


def evaluate_ranking(
    model: Ranker,
    seen: Ratings,
    relevant: Ratings,
    candidates: Candidates | None,
    catalogue: Catalogue,
    ks: Sequence[int],
    train: Ratings,
    low_rated: Ratings | None = None,
    variants: Sequence[str] = (),
) -> Evaluation:
    """Evaluate how well `model` ranks for every user with a pair in `relevant`, at each k of `ks`.

    seen        pairs that are not recommended again: train and validation at test time
    candidates  for the sampled figures: each relevant item is ranked among its user's, without itself, and
                the user's ranks are averaged
    train       what popularity is counted in, and who is known
    low_rated   pairs that are not recommended either, and are no part of the user's history
    variants    further metrics: "capped_recall", and "midrank" for `sampled_midrank_...`: ties in the middle,
                candidates as they are given, where the relevant item itself may be one and ties

    Raises MarqueeError where nothing is relevant, k exceeds the catalogue, or a score is not finite.
    """
    if not len(relevant):
        raise MarqueeError("no test rating counts as relevant: lower tasks.ranking.positive_threshold")
    users, wanted = _by_user(relevant)
    known = UserItems.of(seen.user, seen.item, catalogue.n_users)
    pool = UserItems(*candidates).take(users) if candidates is not None else None
    hidden = known
    if low_rated is not None and len(low_rated):
        both = pairs_of(seen, low_rated)
        hidden = UserItems.of(both.user, both.item, catalogue.n_users)
    options = RankingOptions(ItemValues.of(train, catalogue), tuple(ks), tuple(variants), _name(model))
    items, values, columns = rank(RankedUsers(users, wanted, pool, hidden, known), _scores(model), options)
    counts = {
        "test_users": len(users),
        "relevant_pairs": len(wanted.items),
        "cold_relevant_pairs": int(_is_cold(relevant, train).sum()),
        "users_without_train": int((~is_among(users, train.user)).sum()),
        "users_without_list": int((items[:, 0] < 0).sum()),
    }
    if pool:
        counts["users_without_candidates"] = int((pool.lengths == 0).sum())
    metrics = {name: float(np.nanmean(x)) for name, x in columns.items() if not np.isnan(x).all()}
    metrics |= coverage(items, catalogue.n_items, ks)
    return Evaluation(
        metrics, counts, {"user": users} | columns, {"user": users, "item": items, "score": values}
    )


def evaluate_rating(
    model: Rater,
    train: Ratings,
    test: Ratings,
    scale_low: float,
    scale_high: float,
    seen: Ratings,
    positive_threshold: float,
    candidates: Candidates | None,
    catalogue: Catalogue,
    ks: Sequence[int],
) -> Evaluation:
    """Evaluate how well `model` predicts all of `test`, and ranks ratings of `positive_threshold` or more.

    Errors are pooled over pairs; `..._warm` and `..._cold` divide them by whether user and item both
    have a rating in `train`. A user without a relevant test item has NaN in the ranking columns, which
    are all absent where no user has one. Raises MarqueeError for a prediction that is not finite, for an
    empty `test`, and as `evaluate_ranking` does.
    """
    if not len(test):
        raise MarqueeError("the rating task has no test ratings: raise tasks.rating.test")
    predicted = np.clip(_predictions(model, test), scale_low, scale_high)
    pairs = {"user": test.user, "item": test.item, "rating": test.rating}
    pairs["predicted"] = predicted.astype(np.float32)
    cold = _is_cold(test, train)

    def errors(rows: np.ndarray) -> Columns:
        return rating_errors(test.user[rows], test.rating[rows], predicted[rows], scale_low, scale_high)

    per_user = errors(np.full(len(test), True))
    metrics = pooled_errors(per_user)
    for suffix, rows in (("warm", ~cold), ("cold", cold)):
        metrics |= {f"{name}_{suffix}": value for name, value in pooled_errors(errors(rows)).items()}
    counts = {
        "rating_users": len(per_user["user"]),
        "test_pairs": len(test),
        "warm_pairs": int((~cold).sum()),
        "cold_pairs": int(cold.sum()),
    }
    relevant = test.take(test.rating >= positive_threshold)
    if not len(relevant):
        lists = {"user": relevant.user, "item": np.empty((0, max(ks)), np.int32)}
        lists["score"] = lists["item"].astype(np.float32)
        return Evaluation(metrics, counts | {"test_users": 0}, per_user, lists, pairs)
    ranking = evaluate_ranking(model, seen, relevant, candidates, catalogue, ks, train)
    row = np.searchsorted(per_user["user"], ranking.per_user["user"])
    for name, values in ranking.per_user.items():
        if name != "user":
            per_user[name] = np.full(len(per_user["user"]), np.nan)
            per_user[name][row] = values
    return Evaluation(ranking.metrics | metrics, ranking.counts | counts, per_user, ranking.lists, pairs)


class ValidationUsers:
    """Hold what a ranking is validated on, prepared once for all epochs of a fit.

    seen        what is not listed
    validation  the pairs to find, not empty
    candidates  what they are ranked among, as for `sampled_ndcg@k`; None: the whole catalogue
    """

    def __init__(self, seen: Ratings, validation: Ratings, candidates: Candidates | None = None) -> None:
        n_users = 1 + max(int(part.user.max(initial=0)) for part in (seen, validation))
        known = UserItems.of(seen.user, seen.item, n_users)
        users, wanted = _by_user(validation)
        pool = None if candidates is None else UserItems(*candidates).take(users)
        self.block = RankedUsers(users, wanted, pool, known, known)
        self.held = share(block=self.block)

    def ndcg(self, model: Ranker, n_items: int, k: int = 10) -> np.ndarray:
        """Return NDCG@k without what is known, float64 [users of the validation]."""
        return ndcg(self.block, self.held, _scores(model), n_items, min(k, n_items), _name(model))


def validation_ndcg(model: Ranker, seen: Ratings, validation: Ratings, n_items: int, k: int = 10) -> float:
    """Return the mean NDCG@k over the catalogue without `seen`, of the users of `validation` (not empty)."""
    return float(ValidationUsers(seen, validation).ndcg(model, n_items, k).mean())


def validation_errors(model: Rater, validation: Ratings) -> Columns:
    """Return `rating_errors` over `validation` (not empty), of unclipped predictions."""
    predicted = _predictions(model, validation)
    return rating_errors(validation.user, validation.rating, predicted, -np.inf, np.inf)


def validation_rmse(model: Rater, validation: Ratings) -> float:
    """Return the root mean squared error over `validation` (not empty), of unclipped predictions."""
    error = _predictions(model, validation) - validation.rating
    return float(np.sqrt(np.mean(error * error)))


def _by_user(pairs: Ratings) -> tuple[np.ndarray, UserItems]:
    """Return the users who have a pair, ascending, and the items of each, once and ascending."""
    n_items = int(pairs.item.max()) + 1
    keys = np.sort(pairs.user * np.int64(n_items) + pairs.item)
    keys = keys[np.diff(keys, prepend=-1) > 0]
    user, item = np.divmod(keys, n_items)
    starts = np.flatnonzero(np.diff(user, prepend=-1))
    return user[starts].astype(np.int32), UserItems(np.append(starts, len(keys)), item.astype(np.int32))


def _scores(model: Ranker) -> Scores:
    """Return what ranks: the model's two factors where scores are their product, else its scores."""
    pair = model.factors() if hasattr(model, "factors") else None
    return model.scores if pair is None else FactorScores(*pair)


def _is_cold(pairs: Ratings, train: Ratings) -> np.ndarray:
    """Return bool [n]: the user or the item of a pair has no rating in `train`."""
    return ~(is_among(pairs.user, train.user) & is_among(pairs.item, train.item))


def _predictions(model: Rater, test: Ratings) -> np.ndarray:
    """Return finite float [n], predicted a bounded number of pairs at a time."""
    predicted = np.empty(len(test), np.float64)
    if on_spark() and len(test) > ROWS and getattr(model, "predicts_products", False):
        predicted[:] = predictions(FactorScores(*model.factors()), test.user, test.item, ROWS)  # type: ignore[attr-defined]
    else:
        for first in range(0, len(test), ROWS):
            rows = slice(first, first + ROWS)
            with single_threaded_blas():
                predicted[rows] = model.predict(test.user[rows], test.item[rows])
    odd = np.flatnonzero(~np.isfinite(predicted))
    if len(odd):
        pair = f"user {test.user[odd[0]]} and item {test.item[odd[0]]}"
        raise MarqueeError(
            f"{_name(model)} predicts {predicted[odd[0]]} for {pair}: regularize it more strongly"
        )
    return predicted


def _name(model: object) -> str:
    """Return the algorithm, which is its module's name."""
    return type(model).__module__.rpartition(".")[2]
