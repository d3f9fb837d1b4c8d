"""Compute each metric of a list, a rank or a rating, as docs/reference/metrics.md defines it.

Everything is per user in float64, so that a figure is a mean of one column and an interval can be
computed over users. Relevance is binary throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Columns = dict[str, np.ndarray]
Ties = Literal["expected", "middle"]


def list_metrics(hits: np.ndarray, n_relevant: np.ndarray, ks: Sequence[int]) -> Columns:
    """Compute `hit@k, precision@k, recall@k, ndcg@k, map@k, mrr@k` of ranked lists, each float64 [n_users].

    hits        bool [n_users, k_max]: is the item at this rank relevant; False where a list has ended
    n_relevant  int [n_users]: relevant items of the user, in the list or not

    NDCG has gain 1 and discount 1 / log2(rank + 1) (Järvelin and Kekäläinen, 2002) and, like MAP, is
    taken relative to the best list of length k. An empty list gets 0 for everything. Raises ValueError
    for a user without a relevant item, for whom nothing here is defined.
    """
    if (n_relevant < 1).any():
        raise ValueError("a user without a relevant item is no test user")
    gain = hits.astype(np.float64)  # (n_users, k_max), as are the sums up to each rank:
    rank = np.arange(1, hits.shape[1] + 1)
    discount = 1 / np.log2(rank + 1)
    found = gain.cumsum(1)
    dcg, ideal = (gain * discount).cumsum(1), discount.cumsum()
    precisions = (gain * found / rank).cumsum(1)
    reciprocal = np.maximum.accumulate(gain / rank, axis=1)
    columns: Columns = {}
    for k in ks:
        possible = np.minimum(n_relevant, k)
        columns[f"hit@{k}"] = (found[:, k - 1] > 0).astype(np.float64)
        columns[f"precision@{k}"] = found[:, k - 1] / k
        columns[f"recall@{k}"] = found[:, k - 1] / n_relevant
        columns[f"ndcg@{k}"] = dcg[:, k - 1] / ideal[possible - 1]
        columns[f"map@{k}"] = precisions[:, k - 1] / possible
        columns[f"mrr@{k}"] = reciprocal[:, k - 1]
    return columns


def capped_recall(recall: Columns, n_relevant: np.ndarray, ks: Sequence[int]) -> Columns:
    """Compute `capped_recall@k`: hits over min(k, relevant items), of `recall@k` (Liang et al., 2018)."""
    return {f"capped_recall@{k}": recall[f"recall@{k}"] * n_relevant / np.minimum(n_relevant, k) for k in ks}


def target_metrics(
    greater: np.ndarray, equal: np.ndarray, ks: Sequence[int], ties: Ties = "expected"
) -> Columns:
    """Compute `hit@k, ndcg@k` of single targets, float64 [n]; each is its candidates' only relevant item.

    greater  int [n]: candidates that score higher than the target
    equal    int [n]: other candidates that score the same
    ties     "expected": the mean over all orders of the tied (McSherry and Najork, 2008), so that a
             constant scorer gets k / n; "middle": rank 1 + greater + equal / 2, as some papers have it
    """
    columns: Columns = {}
    for k in ks:
        if ties == "middle":
            rank = 1 + greater + equal / 2
            hit = (rank <= k).astype(np.float64)
            ndcg = hit / np.log2(rank + 1)
        else:  # each rank from greater + 1 to greater + 1 + equal is as likely
            dcg = np.append(0, (1 / np.log2(np.arange(2, k + 2))).cumsum())  # (k + 1): up to each rank
            above, through = np.minimum(greater, k), np.minimum(greater + equal + 1, k)
            hit = (through - above) / (equal + 1)
            ndcg = (dcg[through] - dcg[above]) / (equal + 1)
        columns[f"hit@{k}"], columns[f"ndcg@{k}"] = hit, ndcg
    return columns


def rating_errors(
    user: np.ndarray, rating: np.ndarray, predicted: np.ndarray, low: float, high: float
) -> Columns:
    """Sum over each user's pairs, of predictions clipped to `low`..`high`.

    Returns `user` int32 [m], ascending, and float64 [m] of `n, squared_error, absolute_error`.
    """
    users, row = np.unique(user, return_inverse=True)
    error = np.clip(predicted.astype(np.float64), low, high) - rating
    sums = {"n": np.ones(len(error)), "squared_error": error**2, "absolute_error": abs(error)}
    return {"user": users} | {name: np.bincount(row, x, len(users)) for name, x in sums.items()}


def pooled_errors(errors: Columns) -> dict[str, float]:
    """Compute `rmse, mse, mae` over all pairs that `rating_errors` summed; nothing where there was none."""
    n = errors["n"].sum()
    if not n:
        return {}
    mse, mae = errors["squared_error"].sum() / n, errors["absolute_error"].sum() / n
    return {"rmse": float(np.sqrt(mse)), "mse": float(mse), "mae": float(mae)}
