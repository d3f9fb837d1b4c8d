"""Tables of where a model's predicted ratings err: by prediction, by user and by movie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

Rows = list[tuple[float, ...]]
PARTS = {
    "calibration": ("predicted", "rating", "low", "high", "pairs"),
    "by_user": ("from", "to", "ratings", "rmse", "low", "high", "pairs"),
    "by_movie": ("from", "to", "ratings", "rmse", "low", "high", "pairs"),
}
Z = NormalDist().inv_cdf(0.975)  # of a 95 % interval
TENTHS, FIFTHS = 10, 5
MOST_BINS = 50  # of the histogram on either side of 0, whatever the errors are
BINS = 4  # of the histogram in each fifth of the scale: a quarter of a star


def tables(
    pairs: Mapping[str, np.ndarray],
    known_user: np.ndarray,
    known_item: np.ndarray,
    scale: Mapping[str, float],
) -> dict[str, Any]:
    """Describe the errors of one model by tables that JSON can hold.

    pairs       `user`, `item`, `rating` and `predicted` [n] of the test pairs
    known_user  int [n_users]: ratings of each user that the model knew
    known_item  int [n_items]: and of each movie
    scale       `low` and `high` of the ratings

    Returns `scale` [2]; `rmse` and `mean_error` (predicted - rating); `histogram`, the `counts` of the errors
    between `edges`; `within`, the `fraction` of absolute errors up to `limit`; and the rows of PARTS.
    """
    user, rating, predicted = pairs["user"], pairs["rating"], pairs["predicted"]
    error = (predicted - rating).astype(np.float64)
    step = max(round((scale["high"] - scale["low"]) / FIFTHS), 1) / BINS
    step *= np.ceil(np.abs(error).max() / (step * MOST_BINS)).clip(1)  # 1 where all lie on the scale
    edge = step * (np.ceil(np.abs(error).max() / step) + 0.5)  # half a bin puts 0 in the middle of one
    counts, edges = np.histogram(error, np.arange(-edge, edge + step / 2, step))
    rmse, mean = _rounded(np.sqrt(np.square(error).mean()), error.mean())
    return {
        "scale": [scale["low"], scale["high"]],
        "rmse": rmse,
        "mean_error": mean,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        "within": {"limit": BINS * step, "fraction": float(np.mean(np.abs(error) <= BINS * step))},
        "calibration": calibration(user, rating, predicted),
        "by_user": error_by_known(user, error, known_user[user]),
        "by_movie": error_by_known(user, error, known_item[pairs["item"]]),
    }


def concat_tables(models: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[list[str], list[list[object]]]]:
    """Return header and rows of each of PARTS, the `tables` of all models together and the model first."""
    return {
        part: (["model", *header], [[name, *row] for name, found in models.items() for row in found[part]])
        for part, header in PARTS.items()
    }


def calibration(user: np.ndarray, rating: np.ndarray, predicted: np.ndarray) -> Rows:
    """Return a row for each tenth of the test pairs [n], ordered by prediction.

    `rating` is the mean true one, from `low` to `high` its 95 % interval. Equal predictions share a row.
    """
    rows: Rows = []
    for part in parts(predicted, TENTHS):
        mean, half = pooled_mean(rating[part], user[part])
        level = predicted[part].mean(dtype=np.float64)
        rows.append((*_rounded(level, mean, mean - half, mean + half), len(part)))
    return rows


def error_by_known(user: np.ndarray, error: np.ndarray, known: np.ndarray) -> Rows:
    """Return a row for the test pairs without training ratings, and one for each fifth of the others.

    user, error   [n]: of the test pairs
    known         int [n]: training ratings of each pair's user, or of its movie

    `from` and `to` are the fewest and the most training ratings in a row and `ratings` their mean; `low` to
    `high` is the 95 % interval of `rmse`.
    """
    rows: Rows = []
    for level in (np.flatnonzero(known == 0), np.flatnonzero(known > 0)):
        for part in (level[within] for within in parts(known[level], FIFTHS)):
            count = known[part]
            mean, half = pooled_mean(np.square(error[part], dtype=np.float64), user[part])
            rmse = np.sqrt(np.maximum([mean, mean - half, mean + half], 0))
            rows.append((int(count.min()), int(count.max()), *_rounded(count.mean(), *rmse), len(part)))
    return rows


def parts(values: np.ndarray, n: int) -> list[np.ndarray]:
    """Cut the indices of `values` [m] into up to `n` ascending parts of similar size; ties share one."""
    if not len(values):
        return []
    cuts = np.unique(np.quantile(values, np.arange(1, n) / n, method="higher"))
    part = np.searchsorted(cuts, values, side="right")
    return [np.flatnonzero(part == one) for one in np.unique(part)]


def pooled_mean(values: np.ndarray, user: np.ndarray) -> tuple[float, float]:
    """Return the mean of `values` [n] and half its 95 % interval by a normal law; 0 for a single user.

    Users are sampled, as in every interval of the pipeline: the variance is that of a ratio of two
    sums over users (Cochran 1977, section 6.3). A bootstrap of many users converges to it.
    """
    mean = values.mean(dtype=np.float64)
    sums = np.bincount(user, values - mean)  # (n_users,)
    n_users = np.count_nonzero(np.bincount(user))
    variance = np.square(sums).sum() * n_users / max(n_users - 1, 1)
    return float(mean), float(Z * np.sqrt(variance) / len(values))


def _rounded(*values: float) -> Sequence[float]:
    """Six digits are more than a sample settles, and the same on every processor."""
    return [round(float(value), 6) for value in values]
