"""AutoRec: an autoencoder with one hidden layer that completes a user's, or a movie's, row of ratings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings, replaced, with_rows
from marquee.recommenders.base import CSR_BYTES, Cost, DataShape, Recommender, TrainingData
from marquee.training.damped_biases import damped_biases, user_biases
from marquee.training.progress import Arrays, Progress

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_matrix

    from marquee.training.networks.autorec import AutoRec
    from marquee.training.networks.trainer import TorchTrainer

USER_DAMPING, ITEM_DAMPING = 5.0, 2.0  # of the biases, in ratings
PAIRS = 1 << 14  # pairs that are predicted at a time


@dataclass(frozen=True)
class Options:
    side: str = option("user", choices=("user", "item"))  # whose rows are reconstructed
    hidden_dim: int = option(500, low=1)  # width of the hidden layer
    hidden_activation: str = option("relu", choices=("relu", "sigmoid", "tanh", "identity"))
    output_activation: str = option("identity", choices=("identity", "sigmoid"))  # sigmoid: within the scale
    center: str = option("none", choices=("none", "mean", "biases"))  # subtracted from a rating first
    weight_decay: float = option(20.0, low=0)  # λ, the penalty on both weight matrices
    dropout: float = option(0.0, low=0, below=1)  # fraction of the hidden units that a step leaves out
    learning_rate: float = option(0.001, above=0)  # Adam's step
    batch_size: int = option(512, low=1)  # rows (users or movies) in a step
    epochs: int = option(100, low=1)  # at most
    patience: int = option(10, low=1)  # epochs without a better validation before it stops
    device: str = option("auto", choices=("auto", "cpu", "cuda"))  # auto: a GPU if there is one


SPACE = {
    "weight_decay": Range(10, 5000, log=True),
    "dropout": Range(0, 0.7),
    "learning_rate": Range(2e-4, 0.005, log=True),
}


class Model(Recommender):
    """AutoRec (Sedhain et al. 2015). With x the row of a user, or of a movie, 0 where it is not rated:

        h = g(x V + m),   r̂ = f(h Wᵀ + b),   min  Σ over ratings (r - r̂)² + λ/2 (‖V‖² + ‖W‖²)

    by Adam on batches of rows, stopped at the best validation RMSE. Only rated entries are computed, so an
    epoch takes ratings × hidden. `center` subtracts the mean or the damped biases from every rating and adds
    them to every prediction. A pair whose user or movie has no training rating gets μ + b_u + b_i.

    Either way r̂ = f(p_u · q_i): by user p_u is the hidden layer (and 1), q_i the movie's decoder row (and
    bias); by item the other way round. Folding in, by user, is the encoder: exact for a training user. By
    item a new user is no input of the encoder; p_u then minimizes the objective with the movies fixed and
    the penalty measured from the trained users' mean: near, not equal to, what training arrives at.
    An update takes the biases anew and, by user, further steps on the rows of the users who rated, before it
    encodes everyone again; by item it folds in the users who rated, and the movies stay.
    Scores are products in NumPy: they need no torch. Training and the encoder are the module's.
    Memory: 4 hidden bytes for each user and movie, by user as much again for each movie; in training
    some 64 hidden bytes for each column of the side's matrix.
    """

    tasks = frozenset({"rating"})
    arrays = ("user_bias", "item_bias", "known_users", "known_items", "users", "items", "encoder", "prior")
    values = ("mean", "bounds")
    mean: float
    user_bias: np.ndarray  # float32 [n_users], damped
    item_bias: np.ndarray  # float32 [n_items], damped
    known_users: np.ndarray  # bool [n_users]: has a rating
    known_items: np.ndarray  # bool [n_items]
    users: np.ndarray  # float32 [n_users, hidden + 1]: p
    items: np.ndarray  # float32 [n_items, hidden + 1]: q
    encoder: np.ndarray  # float32 [n_items + 1, hidden] by user: V, and m; empty by item
    prior: np.ndarray  # float32 [hidden + 1]: the mean of p over those with a rating
    bounds: tuple[float, float]  # of the centered ratings: what a sigmoid output spans

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        hidden, by_user = options.hidden_dim, options.side == "user"
        columns = shape.items if by_user else shape.users
        network = 2 * columns * hidden
        return Cost(
            model_bytes=4 * (shape.rows + (shape.items if by_user else 0)) * (hidden + 1),
            training_bytes={
                "the centered ratings, both ways": 3 * CSR_BYTES * shape.train,
                "network, gradients, Adam's moments and copies": 8 * 4 * network,
                "a batch's hidden layer": 12 * options.batch_size * hidden,
            },
            epochs=options.epochs,
            reduce_with=("hidden_dim",),
        )

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        self._count(data.train)
        rows = self._rows(data.train)
        self.bounds = float(rows.data.min()), float(rows.data.max())
        if self.options.side == "item":
            rows = rows.T.tocsr()
        self._train(self._trainer(rows, rng, fresh=True), data, progress, partial(self._use, rows))

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        changes, users = data.changes, self.users
        self._count(changes.after)
        if self.options.side == "item":
            folded = self._solve(self._centered(changes.of_users(), self.user_bias))[changes.users]
            self.users = replaced(with_rows(users, self.n_users), changes.users, folded)
            return
        from marquee.training.networks.further import further_steps

        rows = self._rows(changes.after)
        own = rows[changes.users]
        trainer = self._trainer(own, rng, fresh=False, fraction=own.nnz / rows.nnz)
        began = _weights(self.encoder, self.items)
        self._use(rows, further_steps(trainer, began, (), data.checkpoint, rng))

    def _count(self, train: Ratings) -> None:
        """Set the biases, and who and what has a rating."""
        self.mean, self.user_bias, self.item_bias = damped_biases(
            train, self.n_users, self.n_items, USER_DAMPING, ITEM_DAMPING
        )
        self.known_users = np.bincount(train.user, minlength=self.n_users) > 0
        self.known_items = np.bincount(train.item, minlength=self.n_items) > 0

    def _rows(self, train: Ratings) -> csr_matrix:
        """Return the centered ratings, float32 CSR [n_users, n_items]."""
        return self._centered(train, self.user_bias).matrix(self.n_users, self.n_items)

    def _trainer(
        self, rows: csr_matrix, rng: np.random.Generator, fresh: bool, fraction: float = 1.0
    ) -> TorchTrainer:
        """Return what trains on `rows`: of untrained weights if `fresh`, else of those that it is given.

        fraction  of all ratings: the penalty on the weights is this part of it
        """
        import torch

        from marquee.training.networks.autorec import loss_on
        from marquee.training.networks.layers import without_weights
        from marquee.training.networks.trainer import TorchTrainer, choose_device

        o, device = self.options, choose_device(self.options.device)
        rated = torch.from_numpy(np.flatnonzero(np.diff(rows.indptr))).to(device)
        network = without_weights(partial(self.build, rows.shape[1], rng)).to_empty(device=device)
        if fresh:
            network.reset_parameters(float(rows.data.mean(dtype=np.float64)), rng)
        steps, penalty = (rng, o.batch_size, o.learning_rate), fraction * o.weight_decay
        return TorchTrainer(network, lambda: (rated,), loss_on(rows, device), *steps, regularization=penalty)

    def build(self, n_columns: int, rng: np.random.Generator | None = None) -> AutoRec:
        """Return the untrained module; `rng` is the source of its dropout."""
        from marquee.training.networks.autorec import AutoRec

        o = self.options
        bounds = self.bounds if o.output_activation == "sigmoid" else None
        return AutoRec(n_columns, o.hidden_dim, o.hidden_activation, bounds, o.dropout, rng)

    def _centered(self, ratings: Ratings, user_bias: np.ndarray) -> Ratings:
        """Return the ratings less their `center`, of users whose bias is given."""
        center = self._center(user_bias[ratings.user], self.item_bias[ratings.item])
        return replace(ratings, rating=ratings.rating - center)

    def _center(self, user_bias: np.ndarray, item_bias: np.ndarray) -> Any:
        if self.options.center == "none":
            return np.float32(0)
        return np.float32(self.mean) + (user_bias + item_bias if self.options.center == "biases" else 0)

    def _use(self, rows: csr_matrix, weights: Arrays) -> None:
        """Set what `scores` needs of a network that was trained on `rows`."""
        encoder = np.vstack([weights["encoder.weight"], weights["hidden_bias"]])
        decoder = np.column_stack([weights["decoder.weight"], weights["decoder.bias"]])
        hidden = self._encode(rows, encoder, decoder)
        self.users, self.items = (hidden, decoder) if self.options.side == "user" else (decoder, hidden)
        self.encoder = encoder if self.options.side == "user" else encoder[:0]
        self.prior = self.users[self.known_users].mean(0)

    def _encode(self, rows: csr_matrix, encoder: np.ndarray, decoder: np.ndarray) -> np.ndarray:
        """Return float32 [n_rows, hidden + 1]: the hidden layer, and 1 for the output's bias."""
        from marquee.training.networks.autorec import sparse_rows
        from marquee.training.networks.layers import with_weights

        network = with_weights(partial(self.build, len(decoder)), _weights(encoder, decoder))
        hidden = network.encode(sparse_rows(rows)).numpy()
        return np.column_stack([hidden, np.ones(len(hidden), np.float32)])

    def _output(self, z: np.ndarray) -> np.ndarray:
        if self.options.output_activation == "identity":
            return z
        low, high = self.bounds
        return np.asarray(low + (high - low) * (1 + np.tanh(z / 2)) / 2, z.dtype)

    def scores(self, users: np.ndarray) -> np.ndarray:
        user_bias = self.user_bias[users][:, None]
        filled = self._output(self.users[users] @ self.items.T)  # (n, n_items)
        filled += self._center(user_bias, self.item_bias)
        known = self.known_users[users][:, None] & self.known_items
        return np.where(known, filled, np.float32(self.mean) + user_bias + self.item_bias)

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        predicted = np.float32(self.mean) + self.user_bias[users] + self.item_bias[items]
        known = np.flatnonzero(self.known_users[users] & self.known_items[items])
        for first in range(0, len(known), PAIRS):
            pairs = known[first : first + PAIRS]
            user, item = users[pairs], items[pairs]
            z = np.einsum("nk,nk->n", self.users[user], self.items[item])
            predicted[pairs] = self._output(z) + self._center(self.user_bias[user], self.item_bias[item])
        return predicted

    def _fold_users(self, histories: Ratings) -> None:
        self.known_users = np.bincount(histories.user, minlength=self.n_users) > 0
        self.user_bias = user_biases(histories, self.mean, self.item_bias, USER_DAMPING, self.n_users)
        centered = self._centered(histories, self.user_bias)
        if self.options.side == "user":
            rows = centered.matrix(self.n_users, self.n_items)
            self.users = self._encode(rows, self.encoder, self.items)
        else:
            self.users = self._solve(centered)

    def _solve(self, ratings: Ratings) -> np.ndarray:
        """Return float32 [n_users, hidden + 1]: for each user of centered ratings the p that minimizes

        Σ over the ratings (r - f(p · q_i))² + λ/2 ‖p - p̄‖²,   p̄ the mean of the trained users'

        in closed form for a linear output, by L-BFGS under a sigmoid.
        """
        items, mean = self.items.astype(np.float64), self.prior.astype(np.float64)
        penalty = max(self.options.weight_decay / 2, 1e-3)
        if self.options.output_activation == "sigmoid":
            found = self._descend(ratings, items, mean, penalty)
            return np.concatenate([found, np.tile(self.prior, (self.n_users - len(found), 1))])
        rows = ratings.matrix(self.n_users, self.n_items)
        solved = np.tile(mean, (self.n_users, 1))
        for row in np.flatnonzero(np.diff(rows.indptr)):
            rated = slice(rows.indptr[row], rows.indptr[row + 1])
            vectors = items[rows.indices[rated]]  # (n, hidden + 1)
            solved[row] += _ridge(vectors, rows.data[rated] - vectors @ mean, penalty)
        return solved.astype(np.float32)

    def _descend(self, ratings: Ratings, items: np.ndarray, mean: np.ndarray, penalty: float) -> np.ndarray:
        import torch

        from marquee.training.networks.fold_in import Prior, fold_in
        from marquee.training.networks.layers import without_weights

        network = without_weights(partial(self.build, self.n_items))  # for its output's function alone

        def loss_of(rated: np.ndarray, target: np.ndarray) -> Callable[[torch.Tensor], torch.Tensor]:
            vectors, wanted = torch.from_numpy(items[rated]), torch.from_numpy(target)
            return lambda p: (wanted - network.output(vectors @ p)).square().sum()

        prior = Prior(mean, np.eye(len(mean)) * (2 * penalty) ** -0.5)
        return fold_in(ratings, loss_of, lambda _: prior)

    def item_biases(self) -> np.ndarray | None:
        return self.item_bias if self.options.center == "biases" else None


def _weights(encoder: np.ndarray, decoder: np.ndarray) -> Arrays:
    """Return the module's `state_dict`, of matrices that have its biases as a last row and column."""
    hidden = {"encoder.weight": encoder[:-1], "hidden_bias": encoder[-1]}
    return hidden | {"decoder.weight": decoder[:, :-1], "decoder.bias": decoder[:, -1]}


def _ridge(features: np.ndarray, target: np.ndarray, penalty: float) -> np.ndarray:
    """Return the x [k] that minimizes ‖target - features x‖² + penalty ‖x‖², by the smaller system."""
    n, k = features.shape
    if n < k:
        return features.T @ np.linalg.solve(features @ features.T + penalty * np.eye(n), target)
    return np.linalg.solve(features.T @ features + penalty * np.eye(k), features.T @ target)
