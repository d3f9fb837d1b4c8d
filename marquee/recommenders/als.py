"""Matrix factorization for ratings by alternating least squares, with a movie's prior from its genres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings, with_rows
from marquee.parallel import single_threaded_blas
from marquee.recommenders.base import CSR_BYTES, Cost, DataShape, Recommender, TrainingData, biased_factors
from marquee.training.loop import Trainer
from marquee.training.progress import Progress
from marquee.training.sparse_rows import SparseRows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Options:
    dim: int = option(10, low=0)  # length of a factor; 0 leaves only the biases
    regularization: float = option(14.0, above=0)  # λ: of all factors towards their prior
    user_bias_regularization: float = option(5.0, above=0)  # λ_a: of the users' biases
    item_bias_regularization: float = option(2.0, above=0)  # λ_b: of the movies' biases
    frequency_exponent: float = option(0.0, low=0, high=1)  # ν: 0 weighs all rows alike, 1 by their ratings
    use_genres: bool = False  # a movie's prior comes from its genres instead of being 0
    genre_regularization: float = option(3.0, above=0)  # γ: of a genre towards 0, in movies
    genre_bias_regularization: float = option(0.0, low=0)  # ρ: of a movie's bias to its genres', by rating
    epochs: int = option(40, low=1)  # sweeps at most
    patience: int = option(5, low=1)  # sweeps without a better validation before it stops
    init_std: float = option(0.1, above=0)  # standard deviation of the users' factors before the first sweep


SPACE = {
    "dim": Range(4, 64, log=True),
    "regularization": Range(0.05, 100, log=True),  # near 0.15 for a `frequency_exponent` of 1
    "user_bias_regularization": Range(0.1, 50, log=True),
    "item_bias_regularization": Range(0.1, 50, log=True),
}


class Model(Recommender):
    """r̂(u, i) = μ + a_u + b_i + p_u · q_i with μ the mean rating (Zhou et al. 2008; Koren et al. 2009) and

        min  Σ (r_ui - r̂(u, i))²  +  Σ_u w_u (λ_a a_u² + λ |p_u|²)
             + Σ_i w_i (λ_b (b_i - b̄_i)² + λ |q_i - q̄_i|²)  +  ρ Σ_i n_i (b_i - b̄_i)²
             + γ Σ_g (λ_b c_g² + λ |f_g|²)

    where w = max(n, 1)^ν for a user or movie with n ratings, and (b̄_i, q̄_i) is the mean of (c_g, f_g) over
    the genres g of movie i; without `use_genres` it is 0, and so is ρ. With ρ = 0 a genre's bias is that of
    its typical movie, which has few ratings; a larger ρ moves it to the mean of the genre's ratings.
    A sweep solves for all (c_g, f_g), then all (b_i, q_i), then all (a_u, p_u), each exactly with the others
    fixed, so the objective never rises. `loss` is the objective per rating, `train` the RMSE after the sweep.
    A movie without ratings gets its genres' mean; a user without ratings has a_u = 0, p_u = 0.
    Users are solved last: folding in a training user's own history is that solve, equal to the bit.
    An update solves for the users who rated, the movies that they rated, and these users again; the mean
    and the genres stay.
    Time of a sweep: about 30 n_ratings dim + 2 (n_users + n_items) dim². Memory: 4 (n_users + n_items)
    (dim + 1) bytes; while fitting twice as much and 16 n_ratings.
    """

    tasks = frozenset({"rating"})
    arrays, values = ("users", "items", "genres"), ("mean",)
    mean: float
    users: np.ndarray  # float32 [n_users, 1 + dim]: a_u, p_u
    items: np.ndarray  # float32 [n_items, 1 + dim]: b_i, q_i
    genres: np.ndarray  # float32 [n_genres, 1 + dim]: c_g, f_g; no row without `use_genres`

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        n, width = shape.train, 1 + options.dim
        return Cost(
            model_bytes=4 * shape.rows * width,
            training_bytes={
                "ratings by user and by item": 2 * CSR_BYTES * n,
                "features in their own axes, and the new factors": 8 * shape.rows * width,
                "regularization of both sides": 16 * shape.rows,
            },
            epochs=options.epochs,
            reduce_with=("dim",),
        )

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        o, train = self.options, data.train
        self.mean = float(train.rating.mean(dtype=np.float64))
        genres = data.catalogue.genres if o.use_genres else data.catalogue.genres[:, :0]
        self.users, self.items, self.genres = (
            np.zeros((n, 1 + o.dim), np.float32) for n in (self.n_users, self.n_items, genres.shape[1])
        )
        self.users[:, 1:] = rng.normal(0, o.init_std, (self.n_users, o.dim))
        with ALSTrainer(self, train, genre_fractions(genres)) as trainer:
            self._train(trainer, data, progress)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        o, changes = self.options, data.changes
        own = Side.of(changes.by_user(self.n_items), o, o.user_bias_regularization)
        theirs = Side.of(
            changes.by_item(self.n_users, self.n_items),
            o,
            o.item_bias_regularization,
            per_rating_of_genres(o),
        )
        prior = np.zeros((1, 1 + o.dim), np.float32)
        if o.use_genres:
            fractions = genre_fractions(data.catalogue.genres[changes.items])
            prior = (fractions @ self.genres).astype(np.float32)
        self.users, self.items = with_rows(self.users, self.n_users), self.items.copy()
        with own.held, theirs.held:
            self.users[changes.users], _ = own.solve(self.mean, self.items, self._user_prior())
            self.items[changes.items], _ = theirs.solve(self.mean, self.users, prior)
            self.users[changes.users], _ = own.solve(self.mean, self.items, self._user_prior())

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        own = self.users[users]  # (n, 1 + dim)
        return biased_factors(
            np.float32(self.mean) + own[:, 0], self.items[:, 0], own[:, 1:], self.items[:, 1:]
        )

    def _fold_users(self, histories: Ratings) -> None:
        ratings = histories.matrix(self.n_users, self.n_items)
        side = Side.of(ratings, self.options, self.options.user_bias_regularization)
        with side.held:
            self.users, _ = side.solve(self.mean, self.items, self._user_prior())

    def _user_prior(self) -> np.ndarray:
        """Return float32 [1, 1 + dim]: the prior of every user."""
        return np.zeros((1, 1 + self.options.dim), np.float32)

    def item_biases(self) -> np.ndarray:
        return self.items[:, 0]

    def genre_embeddings(self) -> np.ndarray | None:
        return self.genres[:, 1:] if self.options.use_genres and self.options.dim else None


@dataclass(frozen=True)
class Side:
    """Hold the users, or the movies: the ratings of each as a row, and how strongly its prior counts."""

    ratings: csr_matrix  # float32 [n_rows, n_columns]
    regularization: np.ndarray  # float64 [n_rows, 2]: of the bias, and of each number of the factor

    @classmethod
    def of(cls, ratings: csr_matrix, options: Options, of_bias: float, per_rating: float = 0.0) -> Self:
        """Weigh the priors: `of_bias` is the bias's regularization, which grows by `per_rating`."""
        counts = np.diff(ratings.indptr)
        weight = np.maximum(counts, 1.0) ** options.frequency_exponent
        regularization = np.outer(weight, [of_bias, options.regularization])
        regularization[:, 0] += per_rating * counts
        return cls(ratings, regularization)

    def solve(self, mean: float, others: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the best rows, float32 [n_rows, 1 + dim], and the squared errors plus the rows' penalty.

        The `others`, [n_columns, 1 + dim], are fixed. A column's bias is subtracted from the rating; the
        row's bias then multiplies a constant 1.
        """
        features = others.copy()
        features[:, 0] = 1
        shift = (others[:, 0] + mean).astype(np.float32)
        rows, minima = self.held.solve(features, prior, shift=shift)
        return rows, float(minima.sum())

    @cached_property
    def held(self) -> SparseRows:
        """Return the rows where they are solved."""
        return SparseRows(self.ratings, self.regularization)

    def penalty(self, rows: np.ndarray, prior: np.ndarray) -> float:
        """Return Σ_rk regularization_rk (rows_rk - prior_rk)²."""
        squares = np.square(rows - prior)
        bias, factor = squares[:, 0], squares[:, 1:].sum(1, dtype=np.float64)
        return float(self.regularization[:, 0] @ bias + self.regularization[:, 1] @ factor)


def per_rating_of_genres(options: Options) -> float:
    """Return ρ of the objective: 0 without genres."""
    return options.genre_bias_regularization if options.use_genres else 0.0


def genre_fractions(genres: np.ndarray) -> np.ndarray:
    """Return float64 [n_items, n_genres]: 1 / the movie's number of genres for each of them, else 0."""
    return genres / np.maximum(genres.sum(axis=1, keepdims=True), 1)


def solve_genres(
    items: np.ndarray, fractions: np.ndarray, regularization: np.ndarray, ridge: np.ndarray
) -> np.ndarray:
    """Return float32 [n_genres, 1 + dim]: ridge regressions of movies on genres, one for each column k:

    f_k = (SᵀW_kS + ridge_k I)⁻¹ SᵀW_k x_k, with S the fractions and W_k = diag(regularization_k).
    """
    solved = np.empty((fractions.shape[1], items.shape[1]), np.float32)
    for k in range(items.shape[1]):
        weighted = fractions.T * regularization[:, min(k, 1)]  # (n_genres, n_items)
        system = weighted @ fractions + ridge[k] * np.eye(len(weighted))
        solved[:, k] = np.linalg.solve(system, weighted @ items[:, k])
    return solved


class ALSTrainer(Trainer):
    """Train a model in sweeps, each of which replaces its arrays."""

    def __init__(self, model: Model, train: Ratings, fractions: np.ndarray) -> None:
        super().__init__(model)
        self.fractions, o = fractions, model.options
        ratings = train.matrix(model.n_users, model.n_items)
        self.users = Side.of(ratings, o, o.user_bias_regularization)
        self.items = Side.of(ratings.T.tocsr(), o, o.item_bias_regularization, per_rating_of_genres(o))
        own = np.append(o.item_bias_regularization, [o.regularization] * o.dim)
        self.ridge = o.genre_regularization * own  # float64 [1 + dim]: of a genre towards 0

    def train_epoch(self) -> dict[str, float]:
        model, users, items = self.model, self.users, self.items
        with single_threaded_blas():  # the same bytes for any number of threads
            model.genres = solve_genres(model.items, self.fractions, items.regularization, self.ridge)
            prior = (self.fractions @ model.genres).astype(np.float32)  # (n_items, 1 + dim)
        model.items, _ = items.solve(model.mean, model.users, prior)
        model.users, left = users.solve(model.mean, model.items, model._user_prior())
        squares = left - users.penalty(model.users, model._user_prior())
        genres = float((self.ridge * np.square(model.genres, dtype=np.float64)).sum())
        loss, n = left + items.penalty(model.items, prior) + genres, users.ratings.nnz
        return {"loss": loss / n, "train": (squares / n) ** 0.5}

    def close(self) -> None:
        for side in (self.users, self.items):
            side.held.close()
