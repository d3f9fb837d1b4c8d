"""The ground truth of simulated ratings, and the oracle: the best that any model could do."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from marquee.io import read_arrays, write_arrays

if TYPE_CHECKING:
    from marquee.data.ratings import Ratings

BLOCK = 1 << 20  # pairs that are looked at together


@dataclass(frozen=True)
class GroundTruth:
    """The law of simulated ratings. Row u is user_id u + 1, row i is movie_id i + 1; all float32.

    user_factors   [n_users, n_factors]   p
    movie_factors  [n_movies, n_factors]  v
    user_bias      [n_users]
    movie_bias     [n_movies]
    noise          [1]                    standard deviation of an opinion around its mean
    cuts           [n_stars - 1]          an opinion above cuts[k] earns at least stars[k + 1]
    stars          [n_stars]              what can be given, ascending
    user_moods     [n_users, n_moods]     how often a user is in a mood; rows sum to 1
    mood_movies    [n_moods, n_movies]    what is chosen in a mood; rows sum to 1
    """

    user_factors: np.ndarray
    movie_factors: np.ndarray
    user_bias: np.ndarray
    movie_bias: np.ndarray
    noise: np.ndarray
    cuts: np.ndarray
    stars: np.ndarray
    user_moods: np.ndarray
    mood_movies: np.ndarray

    def opinions(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the mean opinion b_u + b_i + p_u · v_i of each pair (users[i], items[i]), float32 [n]."""
        taste = np.einsum("nk,nk->n", self.user_factors[users], self.movie_factors[items])
        return self.user_bias[users] + self.movie_bias[items] + taste

    def expected_ratings(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the mean rating of each pair (users[i], items[i]), float32 [n]."""
        expected = np.empty(len(users), np.float32)
        for first in range(0, len(users), BLOCK):
            block = slice(first, first + BLOCK)
            above = self._above(self.opinions(users[block], items[block])[:, None], self.cuts)
            expected[block] = self.stars[0] + above @ np.diff(self.stars)  # (n, n_stars - 1) @ (n_stars - 1)
        return expected

    def chances(self, users: np.ndarray) -> np.ndarray:
        """Return P(i | u), the chance that i is the first movie rated, float32 [len(users), n_movies]."""
        return np.einsum("uc,ci->ui", self.user_moods[users], self.mood_movies)

    def scores(self, users: np.ndarray, positive_threshold: float) -> np.ndarray:
        """Return P(i is the next movie, and a positive), float32 [len(users), n_movies].

        No other ranking of a user's unrated movies guesses the next positive better.
        """
        scores = self.chances(users)
        needed = int(np.searchsorted(self.stars, positive_threshold))
        if needed == len(self.stars):
            return np.zeros_like(scores)
        if needed:
            opinions = np.einsum("uk,ik->ui", self.user_factors[users], self.movie_factors)
            opinions += self.user_bias[users][:, None] + self.movie_bias
            scores *= self._above(opinions, self.cuts[needed - 1])
        return scores

    def _above(self, opinions: np.ndarray, cuts: np.ndarray) -> np.ndarray:
        """Return the chance that an opinion with mean `opinions` exceeds `cuts`."""
        from scipy.special import ndtr

        return ndtr((opinions - cuts) / self.noise)

    def save(self, path: Path) -> None:
        write_arrays(path, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` stored. Raises FileNotFoundError where the data was not simulated."""
        return cls(**read_arrays(path)[0])


@dataclass(frozen=True)
class Oracle:
    """Rank by the chance of being the next positive, and predict the mean of each rating's own law.

    user_ids            int [n_users]: the release's number of each user, from 1
    movie_ids           int [n_items]: the release's number of each item, from 1
    positive_threshold  ratings from here on are positives
    """

    truth: GroundTruth
    user_ids: np.ndarray
    movie_ids: np.ndarray
    positive_threshold: float

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return float32 [len(users), n_items]."""
        return self.truth.scores(self.user_ids[users] - 1, self.positive_threshold)[:, self.movie_ids - 1]

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float32 [n]."""
        return self.truth.expected_ratings(self.user_ids[users] - 1, self.movie_ids[items] - 1)

    def fold_in(self, histories: Ratings) -> Oracle:
        """Return itself: it knows every user already."""
        return self
