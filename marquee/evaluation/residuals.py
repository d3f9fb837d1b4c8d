"""Where predicted ratings err: by what was predicted, by how much is known of the person and of the movie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np

Rows = list[tuple[float, ...]]
CALIBRATION = ("predicted", "rating", "low", "high", "pairs")
KNOWN = ("from", "to", "ratings", "rmse", "low", "high", "pairs")
Z = NormalDist().inv_cdf(0.975)  # of a 95 % interval
TENTHS, FIFTHS = 10, 5


@dataclass(frozen=True)
class Residuals:
    """error        float32 [n]: predicted - true of each test pair, stars
    calibration  what was rated where so much was predicted: CALIBRATION, see `calibration`
    by_user      RMSE by the training ratings of the person: KNOWN, see `error_by_known`
    by_movie     and by those of the movie
    """

    error: np.ndarray
    calibration: Rows
    by_user: Rows
    by_movie: Rows

    @classmethod
    def of(cls, pairs: Mapping[str, np.ndarray], users: np.ndarray, items: np.ndarray) -> Self:
        """From an `Evaluation`'s pairs, and how many ratings the model knew of each user and item."""
        user, rating, predicted = pairs["user"], pairs["rating"], pairs["predicted"]
        error = predicted - rating
        by_user, by_movie = (
            error_by_known(user, error, known) for known in (users[user], items[pairs["item"]])
        )
        return cls(error, calibration(user, rating, predicted), by_user, by_movie)


def tables(models: Mapping[str, Residuals]) -> dict[str, tuple[list[str], list[list[object]]]]:
    """`calibration`, `by_user` and `by_movie` of all models together: header and rows, the model first."""
    return {
        part: (
            ["model", *header],
            [[name, *row] for name, found in models.items() for row in getattr(found, part)],
        )
        for part, header in (("calibration", CALIBRATION), ("by_user", KNOWN), ("by_movie", KNOWN))
    }


def calibration(user: np.ndarray, rating: np.ndarray, predicted: np.ndarray) -> Rows:
    """A row of CALIBRATION for each tenth of the test pairs [n], by what was predicted.

    `rating` is the mean true one, from `low` to `high` its 95 % interval. Equal predictions stay together.
    """
    rows: Rows = []
    for part in parts(predicted, TENTHS):
        mean, half = pooled_mean(rating[part], user[part])
        level = predicted[part].mean(dtype=np.float64)
        rows.append((*_rounded(level, mean, mean - half, mean + half), len(part)))
    return rows


def error_by_known(user: np.ndarray, error: np.ndarray, known: np.ndarray) -> Rows:
    """A row of KNOWN for test pairs with no training rating, and for each fifth of the others.

    user, error   [n]: of the test pairs
    known         int [n]: training ratings of each pair's user, or of its movie

    `from` and `to` are the fewest and the most in a row and `ratings` their mean; `low` to `high` is the
    95 % interval of `rmse`.
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
    """Rows of `values` [m] in up to `n` parts of about equal size, ascending; equal values share a part."""
    if not len(values):
        return []
    cuts = np.unique(np.quantile(values, np.arange(1, n) / n, method="higher"))
    part = np.searchsorted(cuts, values, side="right")
    return [np.flatnonzero(part == one) for one in np.unique(part)]


def pooled_mean(values: np.ndarray, user: np.ndarray) -> tuple[float, float]:
    """The mean of `values` [n] and half its 95 % interval, by a normal law; 0 where there is but one user.

    It is people who are drawn, as in every interval of the pipeline: the variance is that of a ratio of two
    sums over users (Cochran 1977, section 6.3), which a bootstrap of many users comes to.
    """
    mean = values.mean(dtype=np.float64)
    sums = np.bincount(user, values - mean)  # (n_users,)
    drawn = np.count_nonzero(np.bincount(user))
    spread = np.square(sums).sum() * drawn / max(drawn - 1, 1)
    return float(mean), float(Z * np.sqrt(spread) / len(values))


def _rounded(*values: float) -> list[float]:
    """Six digits are more than a sample settles, and the same on every processor."""
    return [round(float(value), 6) for value in values]
