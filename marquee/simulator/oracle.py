"""Ask the ground truth of a simulated dataset as if it were a model: the best any model could do."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from marquee.data.ratings import Ratings
from marquee.simulator.ground_truth import GroundTruth


class Oracle:
    """Ranks by the chance of being the next positive and predicts the mean of the rating's own law.

    truth          the ground truth that the ratings were simulated from
    user_ids       int [n_users]: the release's number of each user, from 1
    movie_ids      int [n_items]: the release's number of each item, from 1
    positive_threshold  ratings from here on are positives
    """

    def __init__(
        self, truth: GroundTruth, user_ids: np.ndarray, movie_ids: np.ndarray, positive_threshold: float
    ) -> None:
        self.truth, self.positive_threshold = truth, positive_threshold
        self.user_rows, self.movie_rows = user_ids - 1, movie_ids - 1

    @classmethod
    def load(cls, path: Path, user_ids: np.ndarray, movie_ids: np.ndarray, positive_threshold: float) -> Self:
        return cls(GroundTruth.load(path), user_ids, movie_ids, positive_threshold)

    def scores(self, users: np.ndarray) -> np.ndarray:
        """float32 [len(users), n_items]"""
        return self.truth.scores(self.user_rows[users], self.positive_threshold)[:, self.movie_rows]

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float32 [n]"""
        return self.truth.expected_ratings(self.user_rows[users], self.movie_rows[items])

    def fold_in(self, histories: Ratings) -> Oracle:
        """Itself: it knows everyone already."""
        return self
