"""AutoRec: an autoencoder with one hidden layer that fills in a user's, or a movie's, row of ratings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.config import option
from marquee.data.ratings import Catalogue, Ratings
from marquee.recommenders.base import CSR_BYTES, Arrays, Cost, DataShape, Progress, Recommender
from marquee.training.damped_biases import damped_biases, user_biases

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_matrix

USER_DAMPING, ITEM_DAMPING = 5.0, 2.0  # of the biases, in ratings' worth
NEWTON_STEPS = 5  # for a newcomer, under a sigmoid output
ARRAYS = ("user_bias", "item_bias", "known_users", "known_items", "users", "items", "encoder", "prior")
PAIRS = 1 << 14  # pairs that are predicted at a time


@dataclass(frozen=True)
class Options:
    side: str = option("user", choices=("user", "item"))  # whose rows are reconstructed
    hidden_dim: int = option(500, low=1)  # width of the hidden layer
    hidden_activation: str = option("relu", choices=("relu", "sigmoid", "tanh", "identity"))
    output_activation: str = option("identity", choices=("identity", "sigmoid"))  # sigmoid: onto the scale
    center: str = option("none", choices=("none", "mean", "biases"))  # what is taken off a rating first
    weight_decay: float = option(20.0, low=0)  # λ, the penalty on both weight matrices
    dropout: float = option(0.0, low=0, below=1)  # share of the hidden units left out in a step
    learning_rate: float = option(0.001, above=0)  # Adam's step
    batch_size: int = option(512, low=1)  # rows (users or movies) in a step
    epochs: int = option(100, low=1)  # at most so many
    patience: int = option(10, low=1)  # epochs without a better validation before it stops
    device: str = option("auto", choices=("auto", "cpu", "cuda"))  # auto: a GPU where there is one


class Model(Recommender):
    """AutoRec (Sedhain et al. 2015). With x the row of a user, or of a movie, 0 where nobody rated:

        h = g(x V + m),   r̂ = f(h Wᵀ + b),   min  Σ over ratings (r - r̂)² + λ/2 (‖V‖² + ‖W‖²)

    by Adam on batches of rows, stopped at the best validation RMSE. Only rated entries have an error and
    only they are computed, so a pass costs in proportion to ratings × hidden. `center` takes the mean or
    the damped biases off every rating and adds them to every prediction. A pair whose user or movie has
    no training rating gets the damped biases alone: μ + b_u + b_i.

    Either way r̂ = f(p_u · q_i): by user p_u is the hidden layer (and 1), q_i the movie's decoder row (and
    bias); by item the other way round. Folding in, by user, is the encoder: exact for a training user. By
    item a newcomer is no input of the encoder; p_u is what minimises the objective with the movies fixed
    and the penalty measured from the trained users' mean: near, not equal to, what training arrives at.
    Memory: 4 hidden bytes for each user and movie, by user as much again for each movie; in training
    some 64 hidden bytes for each column of the side's matrix.
    """

    tasks = frozenset({"rating"})
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
        from marquee.training.torch_trainer import TorchTrainer, choose_device

        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        self.mean, self.user_bias, self.item_bias = damped_biases(
            train, self.n_users, self.n_items, USER_DAMPING, ITEM_DAMPING
        )
        self.known_users = np.bincount(train.user, minlength=self.n_users) > 0
        self.known_items = np.bincount(train.item, minlength=self.n_items) > 0
        rows = self._centered(train, self.user_bias)
        self.bounds = float(rows.data.min()), float(rows.data.max())
        if self.options.side == "item":
            rows = rows.T.tocsr()
        device = choose_device(self.options.device)
        network = _network(rows, self.options, self.bounds, rng, device)
        training = TorchTrainer(
            network,
            _rated_rows(rows, device),
            _loss_on(rows, self.options, self.bounds, rng, device),
            rng,
            self.options.batch_size,
            self.options.learning_rate,
        )

        def validate() -> float:
            self._take(training.weights(), rows)
            return validation_rmse(self, validation)

        train_epochs(
            training,
            self.options.epochs,
            self.options.patience,
            validate if len(validation) else None,
            progress,
            higher_is_better=False,
        )
        self._take(training.weights(), rows)
        return self

    def _centered(self, ratings: Ratings, user_bias: np.ndarray) -> csr_matrix:
        """float32 [len(user_bias), n_items]: the ratings without their `center`."""
        center = self._center(user_bias[ratings.user], self.item_bias[ratings.item])
        return replace(ratings, rating=ratings.rating - center).matrix(len(user_bias), self.n_items)

    def _center(self, user_bias: np.ndarray, item_bias: np.ndarray) -> Any:
        if self.options.center == "none":
            return np.float32(0)
        return np.float32(self.mean) + (user_bias + item_bias if self.options.center == "biases" else 0)

    def _take(self, weights: Arrays, rows: csr_matrix) -> None:
        """Keep what `scores` needs of a network that was trained on `rows`."""
        encoder = np.vstack([weights["encoder"], weights["hidden_bias"]])
        hidden = self._encode(rows, encoder)
        decoder = np.column_stack([weights["decoder"], weights["output_bias"]])
        self.users, self.items = (hidden, decoder) if self.options.side == "user" else (decoder, hidden)
        self.encoder = encoder if self.options.side == "user" else encoder[:0]
        self.prior = self.users[self.known_users].mean(0)

    def _encode(self, rows: csr_matrix, encoder: np.ndarray) -> np.ndarray:
        """float32 [n_rows, hidden + 1]: the hidden layer, and 1 for the output's bias."""
        hidden = _ACTIVATE[self.options.hidden_activation](rows @ encoder[:-1] + encoder[-1])
        return np.column_stack([hidden, np.ones(len(hidden), np.float32)])

    def _output(self, z: np.ndarray) -> np.ndarray:
        if self.options.output_activation == "identity":
            return z
        low, high = self.bounds
        return np.asarray(low + (high - low) * _sigmoid(z), z.dtype)

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

    def fold_in(self, histories: Ratings) -> Recommender:
        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        view.known_users = np.bincount(histories.user, minlength=view.n_users) > 0
        view.user_bias = user_biases(histories, self.mean, self.item_bias, USER_DAMPING, view.n_users)
        rows = self._centered(histories, view.user_bias)
        view.users = self._encode(rows, self.encoder) if self.options.side == "user" else self._solve(rows)
        return view

    def _solve(self, rows: csr_matrix) -> np.ndarray:
        """float32 [n_rows, hidden + 1]: for each row of centered ratings the p that minimises

        Σ over its ratings (r - f(p · q_i))² + λ/2 ‖p - p̄‖²,   p̄ the mean of the trained users'

        by Gauss-Newton, which a linear output needs once.
        """
        items = self.items.astype(np.float64)
        mean = self.prior.astype(np.float64)
        solved = np.tile(mean, (rows.shape[0], 1))
        penalty = max(self.options.weight_decay / 2, 1e-3)
        linear, (low, high) = self.options.output_activation == "identity", self.bounds
        for row in np.flatnonzero(np.diff(rows.indptr)):
            rated = slice(rows.indptr[row], rows.indptr[row + 1])
            vectors, ratings = items[rows.indices[rated]], rows.data[rated]  # (n, hidden + 1), (n,)
            for _ in range(1 if linear else NEWTON_STEPS):
                reached = self._output(vectors @ solved[row])
                slope = 1 if linear else (reached - low) * (high - reached) / max(high - low, 1e-6)
                jacobian = vectors * np.broadcast_to(slope, len(vectors))[:, None]
                target = ratings - reached + jacobian @ (solved[row] - mean)
                solved[row] = mean + _ridge(jacobian, target, penalty)
        return solved.astype(np.float32)

    def item_biases(self) -> np.ndarray | None:
        return self.item_bias if self.options.center == "biases" else None

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return {name: getattr(self, name) for name in ARRAYS}, {"mean": self.mean, "bounds": self.bounds}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = cls(options)
        for name in ARRAYS:
            setattr(model, name, arrays[name])
        model.mean, model.bounds = metadata["mean"], tuple(metadata["bounds"])
        return model


def _ridge(features: np.ndarray, target: np.ndarray, penalty: float) -> np.ndarray:
    """The x [k] that minimises ‖target - features x‖² + penalty ‖x‖², by the smaller of its two systems."""
    n, k = features.shape
    if n < k:
        return features.T @ np.linalg.solve(features @ features.T + penalty * np.eye(n), target)
    return np.linalg.solve(features.T @ features + penalty * np.eye(k), features.T @ target)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(z / 2)) / 2


# What scores, without torch (a second to import); `_activation` gives training the same functions.
_ACTIVATE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "identity": lambda z: z,
}


def _activation(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    import torch

    return getattr(torch, name) if name != "identity" else lambda tensor: tensor


def _output(z: torch.Tensor, activation: str, bounds: tuple[float, float]) -> torch.Tensor:
    low, high = bounds
    return z if activation == "identity" else low + (high - low) * z.sigmoid()


def _network(
    rows: csr_matrix,
    options: Options,
    bounds: tuple[float, float],
    rng: np.random.Generator,
    device: torch.device,
) -> torch.nn.ParameterDict:
    """Normal weights of Glorot and Bengio's (2010) spread; the output starts at the mean of the ratings."""
    import torch

    n_columns, hidden = rows.shape[1], options.hidden_dim
    spread = np.sqrt(2 / (n_columns + hidden))
    start = rows.data.mean(dtype=np.float64)
    if options.output_activation == "sigmoid":
        low, high = bounds
        share = np.clip((start - low) / max(high - low, 1e-6), 0.01, 0.99)
        start = np.log(share / (1 - share))
    arrays = {
        "encoder": rng.normal(0, spread, (n_columns, hidden)),
        "hidden_bias": np.zeros(hidden),
        "decoder": rng.normal(0, spread, (n_columns, hidden)),
        "output_bias": np.full(n_columns, start),
    }
    return torch.nn.ParameterDict(
        {
            name: torch.nn.Parameter(torch.from_numpy(array.astype(np.float32)).to(device))
            for name, array in arrays.items()
        }
    )


def _rated_rows(rows: csr_matrix, device: torch.device) -> Callable[[], tuple[torch.Tensor]]:
    import torch

    rated = torch.from_numpy(np.flatnonzero(np.diff(rows.indptr))).to(device)
    return lambda: (rated,)


def _loss_on(
    rows: csr_matrix,
    options: Options,
    bounds: tuple[float, float],
    rng: np.random.Generator,
    device: torch.device,
) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """The loss of a batch of `rows`; summed over an epoch it is the objective, divided by the ratings.

    The squared errors alone follow, divided alike.
    """
    import torch

    activation = _activation(options.hidden_activation)
    n_rated = np.count_nonzero(np.diff(rows.indptr))

    def loss(network: torch.nn.ParameterDict, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cut = rows[batch.cpu().numpy()]  # (b, n_columns)
        offsets, columns, values = (
            torch.from_numpy(part).to(device) for part in (cut.indptr, cut.indices, cut.data)
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse")  # torch calls its CSR tensors a beta
            ratings = torch.sparse_csr_tensor(offsets, columns, values, cut.shape)
        hidden = activation(ratings @ network["encoder"] + network["hidden_bias"])  # (b, hidden)
        if options.dropout:
            kept = rng.random(hidden.shape, np.float32) >= options.dropout
            hidden = hidden * torch.from_numpy(kept).to(device) / (1 - options.dropout)
        products = torch.sparse.sampled_addmm(ratings, hidden, network["decoder"].T, beta=0)  # where rated
        z = products.values() + network["output_bias"][columns]
        error = values - _output(z, options.output_activation, bounds)
        squares = error.square().sum() * (n_rated / len(batch))
        penalty = (
            options.weight_decay / 2 * (network["encoder"].square().sum() + network["decoder"].square().sum())
        )
        return (squares + penalty) / rows.nnz, squares / rows.nnz

    return loss
