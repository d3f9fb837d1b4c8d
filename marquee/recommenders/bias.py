"""Damped biases: a rating is the mean, plus how the movie deviates, plus how the user does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings
from marquee.recommenders.base import Cost, DataShape, Recommender, TrainingData, biased_factors
from marquee.training.damped_biases import damped_biases, user_biases
from marquee.training.progress import Progress


@dataclass(frozen=True)
class Options:
    user_damping: float = option(5.0, low=0)  # ratings of 0 deviation added to each user's
    item_damping: float = option(2.0, low=0)  # the same for a movie
    sweeps: int = option(10, low=1, high=1000)  # turns of the two solves; the biases settle after a few


SPACE = {
    "user_damping": Range(0.5, 50, log=True),
    "item_damping": Range(0.5, 50, log=True),
}


class Model(Recommender):
    """r̂(u, i) = μ + b_u + b_i, the baseline predictor of Koren (2008), with μ the mean rating and

        min  Σ (r_ui - μ - b_u - b_i)² + user_damping Σ b_u² + item_damping Σ b_i²

    solved in turns, each in closed form: b_i = Σ_u (r_ui - μ - b_u) / (item_damping + n_i), then b_u.
    A movie or user without ratings has bias 0, so a cold pair gets the mean of what is known.
    Folding in a training user's own history returns that user's bias, to the bit.
    An update takes all sweeps again, which are sums over the ratings: the bytes of a fit on all of them.
    """

    tasks = frozenset({"rating"})
    arrays, values = ("item_bias", "user_bias"), ("mean",)
    mean: float
    item_bias: np.ndarray  # float32 [n_items]
    user_bias: np.ndarray  # float32 [n_users]

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        return Cost(model_bytes=4 * shape.rows, training_bytes={"residuals in float64": 28 * shape.train})

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        self._sum_up(data.train)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        self._sum_up(data.changes.after)

    def _sum_up(self, train: Ratings) -> None:
        o = self.options
        self.mean, self.user_bias, self.item_bias = damped_biases(
            train, self.n_users, self.n_items, o.user_damping, o.item_damping, o.sweeps
        )

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        return biased_factors(np.float32(self.mean) + self.user_bias[users], self.item_bias)

    def _fold_users(self, histories: Ratings) -> None:
        damping = self.options.user_damping
        self.user_bias = user_biases(histories, self.mean, self.item_bias, damping, self.n_users)

    def item_biases(self) -> np.ndarray:
        return self.item_bias
