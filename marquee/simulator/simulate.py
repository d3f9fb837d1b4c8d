"""Simulate a MovieLens: ratings sampled from a known ground truth, in the files of a real release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from marquee.simulator.ground_truth import GroundTruth
from marquee.simulator.names import films
from marquee.simulator.options import GENRES, SimulatorOptions, draw_ground_truth
from marquee.simulator.selection import choose, rate_the_unrated
from marquee.simulator.writers import LAYOUTS, Columns

BLOCK = 1 << 20  # ratings that are looked at together
WHOLE = (6.1, 11.4, 27.1, 34.2, 21.2)  # percent of the ratings from 1 to 5, as in ML-100K,
HALF = (1.6, 3.1, 1.6, 6.6, 5.0, 19.6, 12.7, 26.6, 8.8, 14.4)  # and from 0.5 by halves, as in ML-25M
EAGERNESS = 0.7  # shape of the gamma distribution of what users rate beyond the minimum
START, SPAN = 874_713_600, 215 * 86_400  # Unix seconds: 20 September 1997, and 215 days
RETURN, FAITHFUL = 0.0175, 0.35  # new sessions a rating, and the shape of their gamma distribution over users
AWAY, PAUSE = 10 * 86_400, 75  # mean seconds between two sessions and between two pages
PAGE = 0.5  # fraction of the ratings that are sent together with the one before


def simulate(options: SimulatorOptions, folder: Path, rng: np.random.Generator) -> None:
    """Write the files of `options.format`, and the ground truth as truth.safetensors, into `folder`.

    The same options and generator give the same bytes. Memory: about 40 bytes a rating.
    docs/explanation/simulator.md has the formulas, and the default dataset's figures beside ML-100K's.
    """
    truth, genres = draw_ground_truth(options, rng)
    counts = activity(options, rng)
    movie = choose(truth, counts, rng)
    rate_the_unrated(movie, options.movies, rng)
    user = np.repeat(np.arange(options.users, dtype=np.int32), counts)
    cuts, star = rate(truth, user, movie, HALF if options.half_stars else WHOLE, rng)
    replace(truth, cuts=cuts).save(folder / "truth.safetensors")
    columns = Columns(user, movie, star, moments(counts, rng), truth.stars)
    LAYOUTS[options.format](folder, columns, films(genres, tuple(GENRES), rng), rng)


def activity(options: SimulatorOptions, rng: np.random.Generator) -> np.ndarray:
    """Return int64 [n_users]: how much everyone rates; the sum is `options.ratings`."""
    from scipy.special import gammaincinv

    eager = gammaincinv(EAGERNESS, (rng.permutation(options.users) + 0.5) / options.users)
    wanted = wanted_ratings(options, eager, activity_scale(options, eager))
    counts = wanted.astype(np.int64)
    rest = np.where(counts < options.movies, wanted - counts, -1)
    counts[np.argsort(-rest, kind="stable")[: options.ratings - counts.sum()]] += 1
    return counts


def activity_scale(options: SimulatorOptions, eager: np.ndarray) -> float:
    """Return the scale at which users of eagerness `eager`, float64 [n_users], give `options.ratings`.

    Nobody can rate more than all movies, so the scale has no closed form.
    """
    low, high = 0.0, options.movies / eager.min()
    for _ in range(100):
        scale = (low + high) / 2
        few = wanted_ratings(options, eager, scale).sum() < options.ratings
        low, high = (scale, high) if few else (low, scale)
    return scale


def wanted_ratings(options: SimulatorOptions, eager: np.ndarray, scale: float) -> np.ndarray:
    """Return float64 [n_users]: the ratings of users of eagerness `eager`, not yet whole numbers."""
    return np.minimum(options.min_ratings_per_user + scale * eager, options.movies)


def rate(
    truth: GroundTruth,
    user: np.ndarray,
    movie: np.ndarray,
    percent: tuple[float, ...],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cuts, float32 [n_stars - 1], that give each star its `percent`, and each star, int8 [n]."""
    opinion = opinions(truth, user, movie, rng)
    cuts = cuts_of(opinion, percent)
    star = np.empty(len(user), np.int8)
    for b in _slices(len(user)):
        star[b] = np.searchsorted(cuts, opinion[b])
    return cuts, star


def opinions(truth: GroundTruth, user: np.ndarray, movie: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sample the opinion of each pair of `user` [n] and `movie` [n], float32 [n]."""
    opinion = np.empty(len(user), np.float32)
    for b in _slices(len(user)):
        noise = truth.noise * rng.standard_normal(len(user[b]), np.float32)
        opinion[b] = truth.opinions(user[b], movie[b]) + noise
    return opinion


def cuts_of(opinion: np.ndarray, percent: tuple[float, ...]) -> np.ndarray:
    """Return the cuts, float32 [n_stars - 1], at which each star has its `percent` of `opinion` [n]."""
    some = opinion[:: len(opinion) // BLOCK + 1]
    return np.quantile(some, np.cumsum(percent)[:-1] / 100).astype(np.float32)


def _slices(n: int) -> list[slice]:
    return [slice(first, first + BLOCK) for first in range(0, n, BLOCK)]


def moments(counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sample Unix seconds, int64 [n], in each user's order of choice, by pages and sessions."""
    n, first = counts.sum(), np.cumsum(counts) - counts
    returning = (RETURN * rng.gamma(FAITHFUL, 1 / FAITHFUL, len(counts))).astype(np.float32)
    gap = rng.standard_exponential(n, np.float32) * PAUSE
    gap[rng.random(n, np.float32) < PAGE] = 0
    again = np.flatnonzero(rng.random(n, np.float32) < np.repeat(returning, counts))
    gap[again] = rng.exponential(AWAY, len(again))
    gap[first] = 0
    length = np.add.reduceat(gap, first, dtype=np.float64)  # (n_users)
    fit = np.minimum(1, 0.98 * SPAN / np.maximum(length, 1))
    begin = START + rng.random(len(counts)) * (SPAN - length * fit)
    since = np.cumsum(gap * np.repeat(fit.astype(np.float32), counts), dtype=np.float64)
    since += np.repeat(begin - since[first], counts)
    return since.astype(np.int64)
