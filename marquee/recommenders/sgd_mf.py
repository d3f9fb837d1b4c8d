"""Matrix factorization for ratings by stochastic gradient descent, one rating at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings, replaced, with_rows
from marquee.kernels.rating_blocks import GROUPS
from marquee.recommenders.base import Cost, DataShape, Recommender, TrainingData, biased_factors
from marquee.training.loop import Trainer
from marquee.training.progress import Arrays, Progress

FURTHER_EPOCHS = 3  # of an update, over all ratings of the users who rated
WIDEST = 4.5  # of the scales that a rating is learned on as it is: MovieLens' half stars


@dataclass(frozen=True)
class Options:
    dim: int = option(5, low=1)  # length of a factor; multiples of 8 are fastest
    use_biases: bool = False  # learn μ + b_u + b_i beside the product
    regularization: float = option(0.0, low=0)  # λ: of all that a rating touches, towards 0
    learning_rate: float = option(0.001, above=0)  # step of the first epoch
    learning_rate_decay: float = option(1.0, above=0, high=1)  # factor on the step after each epoch
    init_std: float = option(0.1, above=0)  # standard deviation of the factors before training
    epochs: int = option(100, low=1)  # at most
    patience: int = option(5, low=1)  # epochs without a better validation before it stops
    kernel: str = option(
        "compiled", choices=("compiled", "numpy")
    )  # the loop over ratings; numpy is readable


SPACE = {
    "dim": Range(4, 64, log=True),
    "regularization": Range(0, 0.2),
    "learning_rate": Range(5e-4, 0.05, log=True),
    "learning_rate_decay": Range(0.9, 1),
    "init_std": Range(0.003, 0.3, log=True),
}


class Model(Recommender):
    """r̂(u, i) = μ + b_u + b_i + p_u · q_i (Funk 2006; Koren et al. 2009); without `use_biases` p_u · q_i:

        min  ½ Σ over ratings of  (r_ui - r̂(u, i))² + λ (b_u² + b_i² + |p_u|² + |q_i|²)

    by a gradient step for each rating (docs/explanation/derivation.md). Factors start at N(0, init_std²),
    without `use_biases` around √(μ / dim), so that the first prediction is about μ in either case.
    An epoch visits blocks of users x items, those of one diagonal at once (`marquee.kernels.sgd`). The order
    within blocks is shuffled once, that of the diagonals in each epoch: the error of a free order in a
    fraction of its time, and the same bytes for any number of threads. Under `kernel: numpy` the same steps
    are taken by the readable loop of `marquee.training.sgd_numpy`, hundreds of times slower.
    On a scale wider than 4.5, ratings are divided by `unit`, so that the widest step is no larger than on
    MovieLens: a step that suits 1 to 5 does not diverge on 0 to 100.
    A movie or user without ratings stays at the center of the start: its bias is 0, its taste average.
    Folding in takes the same steps for as many epochs as the best checkpoint had, with the movies fixed:
    near, not equal to, where training arrived while the movies moved too.
    An update folds in new users, and takes `FURTHER_EPOCHS` epochs over all ratings of the users who rated,
    with the step of the epoch after the best; the users and movies of the new ratings move.
    Time of an epoch: n_ratings dim. Memory: 4 (n_users + n_items) (dim + 1) bytes, three times that and
    12 n_ratings while training.
    """

    tasks = frozenset({"rating"})
    arrays, values = ("users", "items", "user_bias", "item_bias"), ("mean", "n_epochs", "unit")
    mean: float  # μ, in units
    unit: float = 1.0  # what ratings are divided by
    n_epochs: int  # behind these weights
    users: np.ndarray  # float32 [n_users, dim]: p
    items: np.ndarray  # float32 [n_items, dim]: q
    user_bias: np.ndarray  # float32 [n_users]; zeros without `use_biases`
    item_bias: np.ndarray  # float32 [n_items]; zeros without `use_biases`

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        factors = shape.rows * (options.dim + 1)
        return Cost(
            model_bytes=4 * factors,
            training_bytes={
                "order being shuffled": 32 * shape.train,
                "first factors in float64": 16 * factors,
            },
            epochs=options.epochs,
            reduce_with=("dim",),
        )

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        spread = float(np.ptp(data.train.rating))
        self.unit = max(1.0, spread / WIDEST)
        train = self._in_units(data.train)
        self.mean = float(train.rating.mean(dtype=np.float64))
        self.users, self.items = self._center(self.n_users), self._center(self.n_items)
        for factors, index in ((self.users, train.user), (self.items, train.item)):
            noise = rng.normal(0, self.options.init_std, factors.shape)
            factors += noise * (np.bincount(index, minlength=len(factors)) > 0)[:, None]
        self.user_bias, self.item_bias = (np.zeros(n, np.float32) for n in (self.n_users, self.n_items))
        self.n_epochs = self._train(SGDTrainer(self, train, rng), data, progress)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        changes, n_known = data.changes, len(self.users)
        train = self._in_units(changes.of_users())
        new = changes.users[changes.users >= n_known]
        rows = changes.of_users(new)
        view = self.fold_in(replace(rows, user=np.searchsorted(new, rows.user).astype(np.int32)))
        began = {name: getattr(self, name) for name in self.arrays}
        for name in ("users", "user_bias"):
            began[name] = replaced(with_rows(began[name], self.n_users), new, getattr(view, name))
        vars(self).update({name: array.copy() for name, array in began.items()})
        trainer = SGDTrainer(self, train, rng)
        trainer.epoch = self.n_epochs
        for _ in range(FURTHER_EPOCHS):
            trainer.train_epoch()
        touched = {"users": changes.users, "items": changes.items}
        touched |= {"user_bias": changes.users, "item_bias": changes.items}
        for name, own in touched.items():
            setattr(self, name, replaced(began[name], own, getattr(self, name)[own]))

    def _in_units(self, ratings: Ratings) -> Ratings:
        return ratings if self.unit == 1 else replace(ratings, rating=ratings.rating / np.float32(self.unit))

    def _center(self, n: int) -> np.ndarray:
        """Return float32 [n, dim]: uninformed factors, whose product is μ where no bias contains it."""
        level = 0.0 if self.options.use_biases else np.sqrt(abs(self.mean) / self.options.dim)
        return np.full((n, self.options.dim), level, np.float32)

    def _offset(self) -> np.float32:
        return np.float32(self.mean if self.options.use_biases else 0)

    def _step(self, epoch: int) -> tuple[np.float32, np.float32, bool]:
        """Return the step in `epoch` (from 0), the regularization, and whether biases are learned."""
        o = self.options
        length = np.float32(o.learning_rate * o.learning_rate_decay**epoch)
        return length, np.float32(o.regularization), o.use_biases

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        unit, level = np.float32(self.unit), self._offset() + self.user_bias[users]
        return biased_factors(unit * level, unit * self.item_bias, unit * self.users[users], self.items)

    def _fold_users(self, histories: Ratings) -> None:
        descend = kernel(self.options).descend
        self.users, self.user_bias = self._center(self.n_users), np.zeros(self.n_users, np.float32)
        histories = self._in_units(histories)
        rows = np.lexsort((histories.item, histories.user))  # an order without chance: one answer for a user
        columns = histories.user[rows], histories.item[rows], histories.rating[rows]
        weights = self.users, self.items, self.user_bias, self.item_bias
        for epoch in range(self.n_epochs):
            descend(*columns, self._offset(), *weights, *self._step(epoch), False)

    def item_biases(self) -> np.ndarray | None:
        return np.float32(self.unit) * self.item_bias if self.options.use_biases else None


class SGDTrainer(Trainer):
    """Train a model by one pass over all ratings an epoch."""

    def __init__(self, model: Model, train: Ratings, rng: np.random.Generator) -> None:
        super().__init__(model)
        self.rng, self.epoch, self.kernel = rng, 0, kernel(model.options)
        self.blocks = self.kernel.ratings_in_blocks(train.user, train.item, train.rating, rng)

    def train_epoch(self) -> dict[str, float]:
        m, shifts = self.model, self.rng.permutation(GROUPS)
        weights = m.users, m.items, m.user_bias, m.item_bias
        total = self.kernel.pass_over(self.blocks, shifts, m._offset(), *weights, *m._step(self.epoch))
        self.epoch += 1
        loss = m.unit**2 * total / len(self.blocks.user)
        return {"loss": loss, "train": loss**0.5}  # of the errors before each step: no pass of its own

    def optimizer_state(self) -> tuple[Arrays, dict[str, Any]]:
        return {}, {"epoch": self.epoch, "rng": self.rng.bit_generator.state}

    def load_optimizer_state(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        self.epoch, self.rng.bit_generator.state = metadata["epoch"], metadata["rng"]


def kernel(options: Options) -> ModuleType:
    """Return the module with the loop over ratings; importing the compiled one imports numba."""
    name = "marquee.kernels.sgd" if options.kernel == "compiled" else "marquee.training.sgd_numpy"
    return import_module(name)
