"""Damped biases: a rating is the mean, plus how the movie deviates, plus how the user does."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from marquee.config import option
from marquee.data.ratings import Catalogue, Ratings
from marquee.recommenders.base import Arrays, Cost, DataShape, Progress, Recommender
from marquee.training.damped_biases import damped_biases, user_biases


@dataclass(frozen=True)
class Options:
    user_damping: float = option(5.0, low=0)  # ratings' worth of pull of a user's bias towards 0
    item_damping: float = option(2.0, low=0)  # the same for a movie's bias
    sweeps: int = option(10, low=1)  # turns of the two solves; the biases are settled after a few


class Model(Recommender):
    """r̂(u, i) = μ + b_u + b_i, the baseline predictor of Koren (2008), with μ the mean rating and

        min  Σ (r_ui - μ - b_u - b_i)² + user_damping Σ b_u² + item_damping Σ b_i²

    solved by turns, in closed form each: b_i = Σ_u (r_ui - μ - b_u) / (item_damping + n_i), and b_u alike.
    A movie or user without a rating has bias 0, so a cold pair gets the mean or the other's mean.
    Folding in a training user's own history gives that user's bias, to the bit.
    """

    tasks = frozenset({"rating"})
    mean: float
    item_bias: np.ndarray  # float32 [n_items]
    user_bias: np.ndarray  # float32 [n_users]

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        return Cost(model_bytes=4 * shape.rows, training_bytes={"residuals in float64": 28 * shape.train})

    def fit(
        self,
        train: Ratings,
        validation: Ratings,
        catalogue: Catalogue,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        self.mean, self.user_bias, self.item_bias = damped_biases(
            train,
            self.n_users,
            self.n_items,
            self.options.user_damping,
            self.options.item_damping,
            self.options.sweeps,
        )
        return self

    def scores(self, users: np.ndarray) -> np.ndarray:
        return np.float32(self.mean) + self.user_bias[users][:, None] + self.item_bias  # (n, n_items)

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        level, one = np.float32(self.mean) + self.user_bias, np.ones_like
        return np.column_stack([level, one(level)]), np.column_stack([one(self.item_bias), self.item_bias])

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return np.float32(self.mean) + self.user_bias[users] + self.item_bias[items]

    def fold_in(self, histories: Ratings) -> Recommender:
        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        view.user_bias = user_biases(
            histories, self.mean, self.item_bias, self.options.user_damping, view.n_users
        )
        return view

    def item_biases(self) -> np.ndarray:
        return self.item_bias

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return {"item_bias": self.item_bias, "user_bias": self.user_bias}, {"mean": self.mean}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = cls(options)
        model.mean, model.item_bias, model.user_bias = (
            metadata["mean"],
            arrays["item_bias"],
            arrays["user_bias"],
        )
        return model
