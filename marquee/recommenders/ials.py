"""Implicit alternating least squares: every unrated movie counts as a weak 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings, with_rows
from marquee.recommenders.base import CSR_BYTES, Cost, DataShape, Recommender, TrainingData
from marquee.training.loop import Trainer
from marquee.training.progress import Progress
from marquee.training.sparse_rows import SparseRows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from marquee.kernels.least_squares import Rotated


@dataclass(frozen=True)
class Options:
    dim: int = option(64, low=1)  # length of a factor
    regularization: float = option(0.003, above=0)  # λ: of all factors towards 0
    unobserved_weight: float = option(0.1, above=0)  # α: weight of an unrated movie, where a rated one has 1
    frequency_exponent: float = option(1.0, low=0, high=1)  # ν: 0 weighs all rows alike, 1 by their weights
    epochs: int = option(16, low=1)  # sweeps at most
    patience: int = option(3, low=1)  # sweeps without a better validation before it stops
    init_std: float = option(0.1, above=0)  # of a starting factor's length, on average


SPACE = {
    "dim": Range(16, 128, log=True),
    "regularization": Range(3e-4, 0.3, log=True),
    "unobserved_weight": Range(0.01, 1, log=True),
}


class Model(Recommender):
    """s(u, i) = p_u · q_i (Hu, Koren and Volinsky 2008, with the penalty of Rendle et al. 2021):

        min  Σ over positives w_ui (1 - s(u, i))² + α Σ over all pairs s(u, i)²
             + λ (Σ_u (n_u + α n_items)^ν |p_u|² + Σ_i (n_i + α n_users)^ν |q_i|²)

    w_ui is 1, or the weight of a count (`count_weights`), and n is the sum of a row's weights.
    A sweep solves for all q_i, then for all p_u, each exactly with the others fixed; Σ over all pairs is one
    dim x dim matrix for all rows. Users are solved last: folding in a training user's own history is
    that solve, equal to the bit. `loss` is the objective per positive.
    An update solves for the users who rated, the movies that they rated, and these users again.
    Time of a sweep: about 20 n_positives dim + 2 (n_users + n_items) dim². Memory: 4 (n_users + n_items) dim
    bytes; while fitting twice as much and 16 n_positives.
    """

    tasks = frozenset({"ranking"})
    arrays = ("users", "items")
    _rotated: dict[str, Rotated]  # of the items, shared by all views
    users: np.ndarray  # float32 [n_users, dim]
    items: np.ndarray  # float32 [n_items, dim]

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._rotated = {}

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        n, dim = shape.train, options.dim
        return Cost(
            model_bytes=4 * shape.rows * dim,
            training_bytes={
                "positives by user and by item": 2 * CSR_BYTES * n,
                "features in their own axes, and the new factors": 8 * shape.rows * dim,
            },
            epochs=options.epochs,
            reduce_with=("dim",),
        )

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        o = self.options
        self.users = rng.normal(0, o.init_std / np.sqrt(o.dim), (self.n_users, o.dim)).astype(np.float32)
        self.items = np.zeros((self.n_items, o.dim), np.float32)
        positives = data.train.matrix(self.n_users, self.n_items)
        with ALSTrainer(self, positives) as trainer:
            self._train(trainer, data, progress)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        changes = data.changes
        own, theirs = changes.by_user(self.n_items), changes.by_item(self.n_users, self.n_items)
        self.users = with_rows(self.users, self.n_users)
        self.items = self.items.copy()
        self.users[changes.users], _ = solve(own, self.items, self.options)
        self.items[changes.items], _ = solve(theirs, self.users, self.options)
        self.users[changes.users], _ = solve(own, self.items, self.options)

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        return self.users[users], self.items

    def _fold_users(self, histories: Ratings) -> None:
        positives = histories.matrix(self.n_users, self.n_items)
        self.users, _ = solve(positives, self._items(), self.options)

    def _items(self) -> Rotated:
        """Return the items as a solve wants them, prepared once for all users to come."""
        from marquee.kernels.least_squares import Rotated

        known = self._rotated.get("items")
        if known is None or known.features is not self.items:
            known = self._rotated["items"] = Rotated.of(self.items)
        return known

    def explain(self, history: Ratings, items: np.ndarray) -> np.ndarray:
        """p_u = Σ_j w_j W⁻¹ q_j over the history: j adds w_j q_j · W⁻¹ q_i (Hu et al. 2008, section 5)."""
        o, weight = self.options, history.rating.astype(np.float64)
        own = self.items[history.item].astype(np.float64)  # (n_positives, dim)
        weighted = weight[:, None] * own
        ridge = o.regularization * (weight.sum() + o.unobserved_weight * self.n_items) ** o.frequency_exponent
        system = own.T @ weighted + ridge * np.eye(o.dim)
        system += o.unobserved_weight * self._items().gram
        return (weighted @ np.linalg.solve(system, self.items[items].T)).astype(np.float32)

    def item_embeddings(self, items: np.ndarray) -> np.ndarray:
        return self.items[items]


class Side:
    """Hold the users, or the movies: the weights of each as a row, and how strongly it is regularized."""

    def __init__(self, positives: csr_matrix, options: Options) -> None:
        self.options, self.weights = options, row_weights(positives, options)
        self.held = SparseRows(positives, options.regularization * self.weights[:, None], weighted=True)

    def solve(self, others: np.ndarray | Rotated) -> tuple[np.ndarray, float]:
        """Return the best rows, float32 [n_rows, dim], and the objective without the penalty of `others`."""
        prior = np.zeros((1, self.options.dim), np.float32)
        rows, minima = self.held.solve(others, prior, self.options.unobserved_weight)
        return rows, float(minima.sum())


def solve(positives: csr_matrix, others: np.ndarray | Rotated, options: Options) -> tuple[np.ndarray, float]:
    """Return what `Side.solve` does for the rows of `positives`, given the factors of its columns."""
    side = Side(positives, options)
    with side.held:
        return side.solve(others)


def row_weights(positives: csr_matrix, options: Options) -> np.ndarray:
    """Return float64 [n_rows]: (n + α n_columns)^ν, by which each row's regularization is multiplied."""
    n = np.asarray(positives.sum(1, dtype=np.float64)).ravel()  # the sum of the row's weights
    return (n + options.unobserved_weight * positives.shape[1]) ** options.frequency_exponent


class ALSTrainer(Trainer):
    """Train a model in sweeps, each of which replaces its arrays."""

    def __init__(self, model: Model, positives: csr_matrix) -> None:
        super().__init__(model)
        self.users, self.items = Side(positives, model.options), Side(positives.T.tocsr(), model.options)
        self.n_positives = positives.nnz

    def train_epoch(self) -> dict[str, float]:
        model = self.model
        model.items, _ = self.items.solve(model.users)
        model.users, left = self.users.solve(model.items)
        penalty = self.items.weights @ np.square(model.items).sum(1, dtype=np.float64)
        return {"loss": (left + model.options.regularization * penalty) / self.n_positives}

    def close(self) -> None:
        for side in (self.users, self.items):
            side.held.close()
