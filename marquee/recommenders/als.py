"""Matrix factorization for ratings by alternating least squares, with movies that lean on their genres."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.config import option
from marquee.data.ratings import Catalogue, Ratings, csr_arrays
from marquee.parallel import single_threaded_blas
from marquee.recommenders.base import CSR_BYTES, Arrays, Cost, DataShape, Progress, Recommender

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Options:
    dim: int = option(10, low=0)  # length of a factor; 0 leaves the biases alone
    regularization: float = option(14.0, above=0)  # λ: pull of all factors towards their prior
    user_bias_regularization: float = option(5.0, above=0)  # λ_a: the same for the users' biases
    item_bias_regularization: float = option(2.0, above=0)  # λ_b: and for the movies'
    frequency_exponent: float = option(
        0.0, low=0, high=1
    )  # ν: 0 pulls all alike, 1 in proportion to their ratings
    use_genres: bool = False  # a movie's prior comes from its genres instead of being 0
    genre_regularization: float = option(3.0, above=0)  # γ: movies' worth of pull of a genre towards 0
    genre_bias_regularization: float = option(
        0.0, low=0
    )  # ρ: of a movie's bias to its genres', by each rating
    epochs: int = option(40, low=1)  # at most so many sweeps
    patience: int = option(5, low=1)  # sweeps without a better validation before it stops
    init_std: float = option(0.1, above=0)  # spread of the users' factors before the first sweep


class Model(Recommender):
    """r̂(u, i) = μ + a_u + b_i + p_u · q_i with μ the mean rating (Zhou et al. 2008; Koren et al. 2009) and

        min  Σ (r_ui - r̂(u, i))²  +  Σ_u w_u (λ_a a_u² + λ |p_u|²)
             + Σ_i w_i (λ_b (b_i - b̄_i)² + λ |q_i - q̄_i|²)  +  ρ Σ_i n_i (b_i - b̄_i)²
             + γ Σ_g (λ_b c_g² + λ |f_g|²)

    where w = max(n, 1)^ν for someone or something with n ratings, and (b̄_i, q̄_i) is the mean of (c_g, f_g)
    over the genres g of movie i; without `genres` it is 0, and so is ρ. With ρ = 0 a genre's bias is that of
    its typical movie, which few have rated; with more it is what its ratings say.
    A sweep solves for all (c_g, f_g), then all (b_i, q_i), then all (a_u, p_u), each exactly with the others
    fixed, so the objective never rises.
    A movie without a rating is its genres' mean; a user without one has a_u = 0, p_u = 0.
    The users come last: folding in a training user's own history is that very solve, equal to the bit.
    `loss` is the objective for each rating, `train` the RMSE on all of them after the sweep.
    Time of a sweep: about 30 n_ratings dim + 2 (n_users + n_items) dim². Memory: 4 (n_users + n_items)
    (dim + 1) bytes kept; while fitting twice as much and 16 n_ratings.
    """

    tasks = frozenset({"rating"})
    mean: float
    users: np.ndarray  # float32 [n_users, 1 + dim]: a_u, p_u
    items: np.ndarray  # float32 [n_items, 1 + dim]: b_i, q_i
    genres: np.ndarray  # float32 [n_genres, 1 + dim]: c_g, f_g; no row without `genres`

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        n, width = shape.train, 1 + options.dim
        return Cost(
            model_bytes=4 * shape.rows * width,
            training_bytes={
                "ratings by user and by item": 2 * CSR_BYTES * n,
                "features in their own axes, and the new factors": 8 * shape.rows * width,
                "pull of both sides": 16 * shape.rows,
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
        from marquee.evaluation.evaluate import validation_rmse
        from marquee.training.loop import train_epochs

        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        self.mean = float(train.rating.mean(dtype=np.float64))
        epochs, patience, dim = self.options.epochs, self.options.patience, self.options.dim
        shares = genre_shares(catalogue.genres if self.options.use_genres else catalogue.genres[:, :0])
        self.users, self.items, self.genres = (
            np.zeros((n, 1 + dim), np.float32) for n in (self.n_users, self.n_items, shares.shape[1])
        )
        self.users[:, 1:] = rng.normal(0, self.options.init_std, (self.n_users, dim))
        validate = partial(validation_rmse, self, validation) if len(validation) else None
        sweeps = ALSTrainer(self, train, shares)
        train_epochs(sweeps, epochs, patience, validate, progress, higher_is_better=False)
        return self

    def scores(self, users: np.ndarray) -> np.ndarray:
        rows = self.users[users]  # (n, 1 + dim)
        return np.float32(self.mean) + rows[:, :1] + self.items[:, 0] + rows[:, 1:] @ self.items[:, 1:].T

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        level, ones = np.float32(self.mean) + self.users[:, 0], np.ones_like
        left = np.column_stack([level, ones(level), self.users[:, 1:]])
        return left, np.column_stack([ones(self.items[:, 0]), self.items])

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        user, item = self.users[users], self.items[items]
        factors = np.einsum("nk,nk->n", user[:, 1:], item[:, 1:])
        return np.float32(self.mean) + user[:, 0] + item[:, 0] + factors

    def fold_in(self, histories: Ratings) -> Recommender:
        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        people = Side.users(histories.matrix(view.n_users, self.n_items), self.options)
        view.users, _ = people.solve(self.mean, self.items, self._nobody())
        return view

    def _nobody(self) -> np.ndarray:
        """float32 [1, 1 + dim]: the prior of every user."""
        return np.zeros((1, 1 + self.options.dim), np.float32)

    def item_biases(self) -> np.ndarray:
        return self.items[:, 0]

    def genre_embeddings(self) -> np.ndarray | None:
        return self.genres[:, 1:] if self.options.use_genres and self.options.dim else None

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return {"users": self.users, "items": self.items, "genres": self.genres}, {"mean": self.mean}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = cls(options)
        model.mean = metadata["mean"]
        model.users, model.items, model.genres = arrays["users"], arrays["items"], arrays["genres"]
        return model


@dataclass(frozen=True)
class Side:
    """Users, or movies: the ratings of each as a row, and how hard each row is pulled to its prior."""

    ratings: csr_matrix  # float32 [n_rows, n_columns]
    pull: np.ndarray  # float64 [n_rows, 2]: of the bias, and of each number of the factor

    @classmethod
    def users(cls, ratings: csr_matrix, options: Options) -> Self:
        return cls._of(ratings, options.user_bias_regularization, 0.0, options)

    @classmethod
    def items(cls, ratings: csr_matrix, options: Options) -> Self:
        each = options.genre_bias_regularization if options.use_genres else 0.0
        return cls._of(ratings, options.item_bias_regularization, each, options)

    @classmethod
    def _of(cls, ratings: csr_matrix, bias_pull: float, each: float, options: Options) -> Self:
        counts = np.diff(ratings.indptr)
        weight = np.maximum(counts, 1.0) ** options.frequency_exponent
        pull = np.outer(weight, [bias_pull, options.regularization])
        pull[:, 0] += each * counts
        return cls(ratings, pull)

    def solve(self, mean: float, others: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, float]:
        """float32 [n_rows, 1 + dim]: the best biases and factors, given the `others` [n_columns, 1 + dim];
        and what is left: the squared errors and the rows' pull.

        What a column's bias explains is taken off the rating; the row's own then multiplies a constant 1.
        """
        from marquee.kernels.least_squares import solve_rows

        features = others.copy()
        features[:, 0] = 1
        shift = (others[:, 0] + mean).astype(np.float32)
        rows, minima = solve_rows(*csr_arrays(self.ratings), features, self.pull, prior, shift=shift)
        return rows, float(minima.sum())

    def cost(self, rows: np.ndarray, prior: np.ndarray) -> float:
        """The objective's pull: Σ_rk pull_rk (rows_rk - prior_rk)²."""
        squares = np.square(rows - prior)
        bias, factor = squares[:, 0], squares[:, 1:].sum(1, dtype=np.float64)
        return float(self.pull[:, 0] @ bias + self.pull[:, 1] @ factor)


def genre_shares(genres: np.ndarray) -> np.ndarray:
    """float64 [n_items, n_genres]: what part of a movie each of its genres is; no genre, no part."""
    return genres / np.maximum(genres.sum(axis=1, keepdims=True), 1)


def solve_genres(items: np.ndarray, shares: np.ndarray, pull: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """float32 [n_genres, 1 + dim]: ridge regressions of movies on genres, one for each number of a row:

    f_k = (SᵀW_kS + ridge_k I)⁻¹ SᵀW_k x_k with W_k = diag(pull_k): a genre follows what is pulled to it.
    """
    solved = np.empty((shares.shape[1], items.shape[1]), np.float32)
    for k in range(items.shape[1]):
        weighted = shares.T * pull[:, min(k, 1)]  # (n_genres, n_items)
        system = weighted @ shares + ridge[k] * np.eye(len(weighted))
        solved[:, k] = np.linalg.solve(system, weighted @ items[:, k])
    return solved


class ALSTrainer:
    """The `Trainee` of `fit_epochs`: an epoch is a sweep, which replaces the model's arrays."""

    def __init__(self, model: Model, train: Ratings, shares: np.ndarray) -> None:
        self.model, self.shares = model, shares
        ratings = train.matrix(model.n_users, model.n_items)
        self.users = Side.users(ratings, model.options)
        self.items = Side.items(ratings.T.tocsr(), model.options)
        o = model.options
        own = np.append(o.item_bias_regularization, [o.regularization] * o.dim)
        self.ridge = o.genre_regularization * own  # float64 [1 + dim]: pull of a genre towards 0

    def train_epoch(self) -> dict[str, float]:
        model = self.model
        with single_threaded_blas():  # the same bytes for any number of threads
            model.genres = solve_genres(model.items, self.shares, self.items.pull, self.ridge)
            prior = (self.shares @ model.genres).astype(np.float32)  # (n_items, 1 + dim)
        model.items, _ = self.items.solve(model.mean, model.users, prior)
        model.users, left = self.users.solve(model.mean, model.items, model._nobody())
        squares = left - self.users.cost(model.users, model._nobody())
        genres = float((self.ridge * np.square(model.genres, dtype=np.float64)).sum())
        loss = left + self.items.cost(model.items, prior) + genres
        n = self.users.ratings.nnz
        return {"loss": loss / n, "train": (squares / n) ** 0.5}

    def weights(self) -> Arrays:
        return {"users": self.model.users, "items": self.model.items, "genres": self.model.genres}

    def load_weights(self, arrays: Arrays) -> None:
        model = self.model
        model.users, model.items, model.genres = arrays["users"], arrays["items"], arrays["genres"]

    def optimizer_state(self) -> tuple[Arrays, dict[str, Any]]:
        return {}, {}

    def load_optimizer_state(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        pass
