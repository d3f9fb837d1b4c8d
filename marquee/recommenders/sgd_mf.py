"""Matrix factorization for ratings by stochastic gradient descent, one rating at a time."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from marquee.config import option
from marquee.data.ratings import Catalogue, Ratings
from marquee.recommenders.base import Arrays, Cost, DataShape, Progress, Recommender


@dataclass(frozen=True)
class Options:
    dim: int = option(5, low=1)  # length of a factor; multiples of 8 are fastest
    use_biases: bool = False  # learn μ + b_u + b_i beside the product
    regularization: float = option(0.0, low=0)  # λ: pull towards 0 of all that a rating touches
    learning_rate: float = option(0.001, above=0)  # step of the first epoch
    learning_rate_decay: float = option(
        1.0, above=0, high=1
    )  # what the step is multiplied by after each epoch
    init_std: float = option(0.1, above=0)  # spread of the factors before training
    epochs: int = option(100, low=1)  # at most so many passes
    patience: int = option(5, low=1)  # epochs without a better validation before it stops


class Model(Recommender):
    """r̂(u, i) = μ + b_u + b_i + p_u · q_i (Funk 2006; Koren et al. 2009), without `use_biases` p_u · q_i alone:

        min  ½ Σ over ratings of  (r_ui - r̂(u, i))² + λ (b_u² + b_i² + |p_u|² + |q_i|²)

    by a gradient step for each rating (docs/explanation/derivation.md). Factors start at N(0, init_std²),
    without `use_biases` around √(μ / dim), so that the first prediction is about μ in either case.
    An epoch goes through blocks of users x items, those of one diagonal at once (`marquee.kernels.sgd`),
    in an order drawn once but for the diagonals', which take turns anew: the error of a free order at a small
    part of its time, and the same bytes for any number of threads.
    A movie or user without a rating keeps the center of the start: the bias alone, or an average taste.
    Folding in descends by the same steps for as many epochs as training kept, the movies being fixed: near,
    not equal to, where the user was when the movies moved too.
    Time of an epoch: n_ratings dim. Memory: 4 (n_users + n_items) (dim + 1) bytes, thrice that and
    12 n_ratings while training.
    """

    tasks = frozenset({"rating"})
    mean: float  # μ
    passes: int  # epochs behind these weights
    users: np.ndarray  # float32 [n_users, dim]: p
    items: np.ndarray  # float32 [n_items, dim]: q
    user_bias: np.ndarray  # float32 [n_users]; zeros without `use_biases`
    item_bias: np.ndarray  # float32 [n_items]; zeros without `use_biases`

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        factors = shape.rows * (options.dim + 1)
        return Cost(
            model_bytes=4 * factors,
            training_bytes={"order being drawn": 32 * shape.train, "first factors in float64": 16 * factors},
            epochs=options.epochs,
            reduce_with=("dim",),
        )

    def fit(
        self,
        train: Ratings,
        validation: Ratings,
        catalogue: Catalogue,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        from marquee.evaluation.evaluate import validation_rmse
        from marquee.training.loop import train_epochs

        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        self.mean = float(train.rating.mean(dtype=np.float64))
        self.users, self.items = self._center(self.n_users), self._center(self.n_items)
        for factors, index in ((self.users, train.user), (self.items, train.item)):
            noise = rng.normal(0, self.options.init_std, factors.shape)
            factors += noise * (np.bincount(index, minlength=len(factors)) > 0)[:, None]
        self.user_bias, self.item_bias = (
            np.zeros(self.n_users, np.float32),
            np.zeros(self.n_items, np.float32),
        )
        self.passes = train_epochs(
            SGDTrainer(self, train, rng),
            self.options.epochs,
            self.options.patience,
            partial(validation_rmse, self, validation) if len(validation) else None,
            progress,
            higher_is_better=False,
        )
        return self

    def _center(self, n: int) -> np.ndarray:
        """float32 [n, dim]: what knows nothing; times another of its kind, plus the offset, it is μ."""
        level = 0.0 if self.options.use_biases else np.sqrt(abs(self.mean) / self.options.dim)
        return np.full((n, self.options.dim), level, np.float32)

    def _offset(self) -> np.float32:
        return np.float32(self.mean if self.options.use_biases else 0)

    def _step(self, epoch: int) -> tuple[np.float32, np.float32, bool]:
        """Of `epoch` (from 0): its length, the penalty, and whether biases take it too."""
        o = self.options
        return (
            np.float32(o.learning_rate * o.learning_rate_decay**epoch),
            np.float32(o.regularization),
            o.use_biases,
        )

    def scores(self, users: np.ndarray) -> np.ndarray:
        bias = self._offset() + self.user_bias[users][:, None] + self.item_bias  # (n, n_items)
        return bias + self.users[users] @ self.items.T

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        level, one = self._offset() + self.user_bias, np.ones_like
        left = np.column_stack([level, one(level), self.users])
        return left, np.column_stack([one(self.item_bias), self.item_bias, self.items])

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        product = np.einsum("nk,nk->n", self.users[users], self.items[items])
        return self._offset() + self.user_bias[users] + self.item_bias[items] + product

    def fold_in(self, histories: Ratings) -> Recommender:
        from marquee.kernels.sgd import descend

        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        view.users, view.user_bias = self._center(view.n_users), np.zeros(view.n_users, np.float32)
        rows = np.lexsort((histories.item, histories.user))  # nothing drawn: a person has one answer
        columns = histories.user[rows], histories.item[rows], histories.rating[rows]
        for epoch in range(self.passes):
            step, penalty, biases = view._step(epoch)
            arrays = (view.users, view.items, view.user_bias, view.item_bias)
            descend(*columns, view._offset(), *arrays, step, penalty, biases, False)
        return view

    def item_biases(self) -> np.ndarray | None:
        return self.item_bias if self.options.use_biases else None

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return _weights(self), {"mean": self.mean, "passes": self.passes}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = cls(options)
        vars(model).update(arrays)
        model.mean, model.passes = metadata["mean"], metadata["passes"]
        return model


class SGDTrainer:
    """A `Trainee`: moves a model's arrays by one pass over `train` for each epoch."""

    def __init__(self, model: Model, train: Ratings, rng: np.random.Generator) -> None:
        from marquee.kernels.sgd import ratings_in_blocks

        self.model, self.rng = model, rng
        self.blocks = ratings_in_blocks(train.user, train.item, train.rating, rng)
        self.epoch = 0

    def train_epoch(self) -> dict[str, float]:
        from marquee.kernels.sgd import GROUPS, pass_over

        m, shifts = self.model, self.rng.permutation(GROUPS)
        step, penalty, biases = m._step(self.epoch)
        arrays = (m.users, m.items, m.user_bias, m.item_bias)
        total = pass_over(self.blocks, shifts, m._offset(), *arrays, step, penalty, biases)
        self.epoch += 1
        loss = total / len(self.blocks.user)
        return {"loss": loss, "train": loss**0.5}  # of the errors on the way: no pass of its own

    def weights(self) -> Arrays:
        return {name: array.copy() for name, array in _weights(self.model).items()}

    def load_weights(self, arrays: Arrays) -> None:
        vars(self.model).update(arrays)

    def optimizer_state(self) -> tuple[Arrays, dict[str, Any]]:
        return {}, {"epoch": self.epoch, "rng": self.rng.bit_generator.state}

    def load_optimizer_state(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        self.epoch, self.rng.bit_generator.state = metadata["epoch"], metadata["rng"]


def _weights(model: Model) -> Arrays:
    return {name: getattr(model, name) for name in ("users", "items", "user_bias", "item_bias")}
