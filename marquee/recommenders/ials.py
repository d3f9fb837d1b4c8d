"""Implicit alternating least squares: every unrated movie counts as a weak 0."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.config import option
from marquee.data.ratings import Catalogue, Ratings, csr_arrays
from marquee.recommenders.base import CSR_BYTES, Arrays, Cost, DataShape, Progress, Recommender

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Options:
    dim: int = option(64, low=1)  # length of a factor
    regularization: float = option(0.003, above=0)  # λ: pull of all factors towards 0
    unobserved_weight: float = option(0.1, above=0)  # α: what an unrated movie counts, a rated one counts 1
    frequency_exponent: float = option(1.0, low=0, high=1)  # ν: 0 pulls all alike, 1 as their weights add up
    epochs: int = option(16, low=1)  # at most so many sweeps
    patience: int = option(3, low=1)  # sweeps without a better validation before it stops
    init_std: float = option(0.1, above=0)  # of a starting factor's length, on average


class Model(Recommender):
    """s(u, i) = p_u · q_i (Hu, Koren and Volinsky 2008, with the penalty of Rendle et al. 2021):

        min  Σ over positives (1 - s(u, i))² + α Σ over all pairs s(u, i)²
             + λ (Σ_u (n_u + α n_items)^ν |p_u|² + Σ_i (n_i + α n_users)^ν |q_i|²)

    A sweep solves for all q_i, then for all p_u, each exactly with the others fixed; Σ over all pairs is one
    dim x dim matrix for everyone. The users come last: folding in a training user's own history is
    that very solve, equal to the bit. `loss` is the objective for each positive.
    Time of a sweep: about 20 n_positives dim + 2 (n_users + n_items) dim². Memory: 4 (n_users + n_items) dim
    bytes kept; while fitting twice as much and 16 n_positives.
    """

    tasks = frozenset({"ranking"})
    users: np.ndarray  # float32 [n_users, dim]
    items: np.ndarray  # float32 [n_items, dim]

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

    def fit(
        self,
        train: Ratings,
        validation: Ratings,
        catalogue: Catalogue,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        from marquee.evaluation.evaluate import validation_ndcg
        from marquee.training.loop import train_epochs

        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        o = self.options
        self.users = rng.normal(0, o.init_std / np.sqrt(o.dim), (self.n_users, o.dim)).astype(np.float32)
        self.items = np.zeros((self.n_items, o.dim), np.float32)

        def validate() -> float:
            return validation_ndcg(self, train, validation, self.n_items)

        sweeps = ALSTrainer(self, train.matrix(self.n_users, self.n_items, binary=True))
        train_epochs(sweeps, o.epochs, o.patience, validate if len(validation) else None, progress)
        return self

    def scores(self, users: np.ndarray) -> np.ndarray:
        return self.users[users] @ self.items.T  # (n, n_items)

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        return self.users, self.items

    def fold_in(self, histories: Ratings) -> Recommender:
        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        positives = histories.matrix(view.n_users, self.n_items, binary=True)
        view.users, _ = solve(positives, self.items, self.options)
        return view

    def explain(self, history: Ratings, items: np.ndarray) -> np.ndarray:
        """p_u = Σ_j W⁻¹ q_j over the history, so each j adds q_j · W⁻¹ q_i (Hu et al. 2008, section 5)."""
        o, own = self.options, self.items[history.item].astype(np.float64)  # (n_positives, dim)
        pull = o.regularization * (len(own) + o.unobserved_weight * self.n_items) ** o.frequency_exponent
        system = own.T @ own + pull * np.eye(o.dim)
        system += o.unobserved_weight * (self.items.T @ self.items)
        return (own @ np.linalg.solve(system, self.items[items].T)).astype(np.float32)

    def item_embeddings(self, items: np.ndarray) -> np.ndarray:
        return self.items[items]

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return {"users": self.users, "items": self.items}, {}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = cls(options)
        model.users, model.items = arrays["users"], arrays["items"]
        return model


def solve(positives: csr_matrix, others: np.ndarray, options: Options) -> tuple[np.ndarray, float]:
    """float32 [n_rows, dim]: the best factors of the rows of `positives`, given those of its columns; and the
    objective without the columns' pull."""
    from marquee.kernels.least_squares import solve_rows

    pull = options.regularization * row_weights(positives, options)[:, None]
    nothing = np.zeros((1, options.dim), np.float32)
    rows, minima = solve_rows(*csr_arrays(positives), others, pull, nothing, options.unobserved_weight)
    return rows, float(minima.sum())


def row_weights(positives: csr_matrix, options: Options) -> np.ndarray:
    """float64 [n_rows]: (n + α n_columns)^ν, how hard each row is pulled to 0."""
    n_columns = positives.shape[1]
    return (np.diff(positives.indptr) + options.unobserved_weight * n_columns) ** options.frequency_exponent


class ALSTrainer:
    """The `Trainee` of `fit_epochs`: an epoch is a sweep, which replaces the model's arrays."""

    def __init__(self, model: Model, positives: csr_matrix) -> None:
        self.model, self.by_user, self.by_item = model, positives, positives.T.tocsr()

    def train_epoch(self) -> dict[str, float]:
        model = self.model
        model.items, _ = solve(self.by_item, model.users, model.options)
        model.users, left = solve(self.by_user, model.items, model.options)
        pull = row_weights(self.by_item, model.options) @ np.square(model.items).sum(1, dtype=np.float64)
        return {"loss": (left + model.options.regularization * pull) / self.by_user.nnz}

    def weights(self) -> Arrays:
        return {"users": self.model.users, "items": self.model.items}

    def load_weights(self, arrays: Arrays) -> None:
        self.model.users, self.model.items = arrays["users"], arrays["items"]

    def optimizer_state(self) -> tuple[Arrays, dict[str, Any]]:
        return {}, {}

    def load_optimizer_state(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        pass
