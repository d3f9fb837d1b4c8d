"""How certain a metric is: the bootstrap over users, paired comparisons, and Holm's correction.

Users are the sampling unit: ratings of one user depend on each other, users hardly do. So whole users are
sampled, with all their values. Every metric is one ratio of two sums over users,

    mean of x   Σ x / Σ [x is defined]        MSE, MAE   Σ error / Σ n        RMSE   √(Σ squared error / Σ n)

so resampling is multiplying by counts: if C [B, users] says how often each resample contains each user, then
C @ numerators / C @ denominators are all metrics of all models in all resamples. They share C, which pairs
them: two models are compared on the same users each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

CELLS = 1 << 21  # resamples x users whose counts are held at a time: about 70 MB, for any number of users
SLACK = 1e-12  # far below what a user can change, above the rounding of a quotient


@dataclass(frozen=True)
class Ratio:
    """Σ total / Σ count over the users, or its square root.

    total  float64 [n_users]; NaN leaves the user out of both sums
    count  float64 [n_users]; None counts each user once
    """

    total: np.ndarray
    count: np.ndarray | None = None
    root: bool = False

    @property
    def value(self) -> float:
        """The ratio in the sample itself; NaN where no user counts."""
        total, count = (float(part.sum()) for part in _sums(self))
        value = total / count if count else np.nan
        return value**0.5 if self.root else value


def bootstrap(
    ratios: Sequence[Ratio],
    n_resamples: int,
    rng: np.random.Generator,
    watch: Callable[[slice, np.ndarray], None] | None = None,
) -> np.ndarray:
    """Return every ratio in the sample and in `n_resamples` resamples of its users (Efron, 1979).

    Returns float64 [1 + n_resamples, len(ratios)], the sample itself in row 0. All columns share the
    resamples, which depend on `rng` and the number of users and not on the ratios. NaN: no user counted.
    `watch` gets each block of users, and how often each resample contains each of them.

    Sums are exact: values are rounded to multiples of a power of two, at most 2^-51 of n_users times the
    largest value (1e-10 of it with 200,000 users), whose sums a float64 holds without error. So neither the
    order in which a BLAS adds nor its number of threads shows in the result, and equal columns stay equal.
    """
    n_users = len(ratios[0].total)
    largest = np.array([[abs(x).max() for x in _sums(ratio)] for ratio in ratios])  # (c, 2)
    exponent = 52 - np.frexp(largest * n_users)[1]
    sums = np.zeros((1 + n_resamples, len(ratios), 2))
    for rows, counts in _resamples(n_users, n_resamples, rng):
        block = np.stack([_sums(ratio, rows) for ratio in ratios])  # (c, 2, b)
        whole = np.rint(np.ldexp(block, exponent[:, :, None])).reshape(-1, block.shape[2])  # (2 c, b)
        sums[0] += whole.sum(1).reshape(-1, 2)
        sums[1:] += (counts @ whole.T).reshape(n_resamples, -1, 2)
        if watch:
            watch(rows, counts)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        figures = np.divide(*np.moveaxis(np.ldexp(sums, -exponent), 2, 0))
    root = [ratio.root for ratio in ratios]
    figures[:, root] = np.sqrt(figures[:, root])
    return figures


def interval(figures: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the percentile interval of a column [1 + B] of `bootstrap`, or of a difference (Efron, 1979)."""
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(figures[1:], [tail, 1 - tail])
    return float(low), float(high)


def p_value(difference: np.ndarray) -> float:
    """Return the two-sided p of "no difference", from a paired difference [1 + B] of `bootstrap` columns.

    The shift method (Efron and Tibshirani, 1993; for retrieval, Smucker, Allan and Carterette, 2007): the
    resamples scatter around the observed d as they would around 0 if there were no difference, so

        p = (1 + b) / (1 + B),   b = how many resamples have |d* - d| >= |d|.

    The sample counts as one more resample, so p is never 0 (Davison and Hinkley, 1997).
    """
    observed, resampled = difference[0], difference[1:]
    closer = abs(resampled - observed) < abs(observed) - SLACK  # NaN is not closer
    return float(1 + np.sum(~closer)) / len(difference)


def holm(p: Sequence[float]) -> np.ndarray:
    """Return adjusted p-values, float64 [m]; a false one is below α with probability α (Holm, 1979).

    The i-th smallest (from 0) becomes the largest of (m - j) p_j over j <= i, and 1 at most.
    """
    ordered = np.argsort(p, kind="stable")
    m = len(ordered)
    adjusted = np.empty(m)
    adjusted[ordered] = np.maximum.accumulate((m - np.arange(m)) * np.asarray(p, float)[ordered])
    return np.minimum(adjusted, 1)


def least_p(n_tests: int, n_resamples: int) -> float:
    """Return the least p that `holm` can give `n_tests` of `p_value`: m / (1 + B), 1 at most.

    A p of that size is an upper bound: more resamples could only lower it.
    """
    return min(n_tests / (1 + n_resamples), 1.0)


def _sums(ratio: Ratio, rows: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """Return the terms of the numerator and of the denominator, both float64 [b]."""
    total = ratio.total[rows]
    defined = ~np.isnan(total)
    return np.where(defined, total, 0), defined * (1.0 if ratio.count is None else ratio.count[rows])


def _resamples(
    n_users: int, n_resamples: int, rng: np.random.Generator
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of users, and how often each resample contains each of them, float64 [n_resamples, b].

    Over all blocks a resample's counts are multinomial: n_users samples with replacement. A block gets a
    binomial number of the samples that are left, distributed evenly over its users.
    """
    left = np.full(n_resamples, n_users)
    width = max(1, CELLS // n_resamples)
    for first in range(0, n_users, width):
        size = min(width, n_users - first)
        samples = rng.binomial(left, size / (n_users - first))  # (n_resamples)
        left -= samples
        cell = np.repeat(np.arange(n_resamples) * size, samples) + rng.integers(size, size=samples.sum())
        counts = np.bincount(cell, minlength=n_resamples * size).reshape(n_resamples, size)
        yield slice(first, first + size), counts.astype(np.float64)
