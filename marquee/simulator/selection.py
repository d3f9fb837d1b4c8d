"""Choose what simulated users rate: weighted sampling without replacement, for any number of users."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from marquee.simulator.ground_truth import GroundTruth

BLOCK = 1 << 20  # ratings that are sampled together
FEW = 1 << 21  # users x movies whose chances are quickly computed one and all
DEARER = 16  # a movie that is proposed costs as much as the chances of so many


def choose(truth: GroundTruth, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose the movies that users 0, 1, ... rate, `counts` [n_users] of them, int32 [n], in order of choice.

    One after the other by P(i | u) among the movies not chosen yet (successive sampling, Rosén 1972).
    No more than a block of users is ever looked at together.
    """
    tables = _steps(truth.user_moods), _steps(truth.mood_movies)
    return np.concatenate([_choose(truth, users, counts, tables, rng) for users in _blocks(counts)])


def _choose(
    truth: GroundTruth,
    users: np.ndarray,
    counts: np.ndarray,
    tables: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Choose for some consecutive `users`."""
    n_moods, n_movies = truth.mood_movies.shape
    pair = np.empty(0, np.int64)  # user * n_movies + movie, by user and then in the order of choice
    while True:
        lacking = counts[users] - np.bincount(pair // n_movies - users[0], minlength=len(users))
        short, lacking = users[lacking > 0], lacking[lacking > 0]
        if not len(short):
            return (pair % n_movies).astype(np.int32)
        if len(short) * n_movies <= max(FEW, DEARER * lacking.sum()):
            more = _race(truth, short, lacking, pair, rng)
        else:
            user = np.repeat(short, lacking * 3 // 2 + 8)  # more than are lacking: some come up twice
            mood = _sample(tables[0], user, n_moods, rng)
            more = user * n_movies + _sample(tables[1], mood, n_movies, rng)
        pair = _first_choices(np.append(pair, more), counts, n_movies)


def _race(
    truth: GroundTruth, users: np.ndarray, lacking: np.ndarray, pair: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Make all `lacking` choices of `users`: movies arrive at rates P(i | u), and the first ones count."""
    n_movies = truth.mood_movies.shape[1]
    arrival = rng.standard_exponential((len(users), n_movies), np.float32) / truth.chances(users)
    row = np.searchsorted(users, pair // n_movies).clip(max=len(users) - 1)
    chosen = users[row] == pair // n_movies
    arrival[row[chosen], pair[chosen] % n_movies] = np.inf
    first = np.arange(n_movies) < lacking[:, None]  # (len(users), n_movies)
    return np.repeat(users, lacking) * n_movies + arrival.argsort(1, kind="stable")[first]


def _first_choices(pair: np.ndarray, counts: np.ndarray, n_movies: int) -> np.ndarray:
    """Return `pair` [n] without repetitions, by user, in the order given, at most `counts` of each user."""
    _, first = np.unique(pair, return_index=True)
    pair = pair[np.sort(first)]
    pair = pair[np.argsort(pair // n_movies, kind="stable")]
    user = pair // n_movies
    rank = np.arange(len(pair)) - np.searchsorted(user, user)
    return pair[rank < counts[user]]


def _steps(weights: np.ndarray) -> np.ndarray:
    """Return float64 [weights.size]: the cumulative fractions of each row r, on top of r."""
    steps = weights.cumsum(1, dtype=np.float64)
    return (steps / steps[:, -1:] + np.arange(len(weights))[:, None]).reshape(-1)


def _sample(steps: np.ndarray, row: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return int64 [n]: for each `row` [n] one of its columns, by the weights that `steps` was made of."""
    height = np.minimum(row + rng.random(len(row)), np.nextafter(row + 1.0, 0))
    return np.searchsorted(steps, height, side="right") - row * width


def _blocks(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Yield consecutive users with about BLOCK ratings."""
    ends = np.cumsum(counts)
    bounds = np.searchsorted(ends, np.arange(BLOCK, ends[-1], BLOCK))
    return (block for block in np.split(np.arange(len(counts)), bounds) if len(block))


def rate_the_unrated(movie: np.ndarray, n_movies: int, rng: np.random.Generator) -> None:
    """Let every movie that nobody chose take, in place, the place of one that is chosen elsewhere too."""
    chosen, first = np.unique(movie, return_index=True)
    unrated = np.setdiff1d(np.arange(n_movies, dtype=movie.dtype), chosen)
    movie[rng.choice(np.delete(np.arange(len(movie)), first), len(unrated), replace=False)] = unrated
