"""Neural matrix factorization: an element-wise product, a perceptron on both embeddings, or their sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.config import option
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.evaluation.evaluate import validation_rmse
from marquee.recommenders.base import Cost, DataShape, Recommender, TrainingData
from marquee.training.fold_in import Loss, fold_in_lbfgs
from marquee.training.ncf import hidden_layers, identity, initial_weights, score, user_gradient
from marquee.training.progress import Arrays, Progress
from marquee.training.sampled_loss import epoch_tensors, logistic_loss, negatives_per_positive

if TYPE_CHECKING:
    import torch

USERS, ITEMS = 16, 1024  # whose hidden layers are in memory together, 4 MB for a width of 64


@dataclass(frozen=True)
class Options:
    dim: int = option(32, low=1)  # length of an embedding; product and layers have embeddings of their own
    gmf: bool = True  # the element-wise product with its linear output
    mlp_layers: tuple[int, ...] = option((), low=1)  # widths of the perceptron's layers; empty for none
    use_biases: bool = True  # a bias for each user and item
    init_std: float = option(0.1, above=0)  # standard deviation of the embeddings before training
    dropout: float = option(0.0, low=0, below=1)  # fraction of each layer's inputs that a step leaves out
    learning_rate: float = option(0.001, above=0)  # Adam's step in the first epoch
    learning_rate_decay: float = option(1.0, above=0, high=1)  # factor on the step after each epoch
    weight_decay: float = option(0.0, low=0)  # Adam's L2 penalty on every weight
    regularization: float = option(0.0, low=0)  # λ below: L2 by how often an embedding occurs
    batch_size: int = option(2048, low=1)  # ratings, or positives with their negatives, in a step
    epochs: int = option(40, low=1)  # at most
    patience: int = option(5, low=1)  # epochs without a better validation before it stops
    resample_negatives: bool = True  # ranking: sample new negatives in each epoch, as the stored ones were
    negatives_per_positive: int | None = option(None, low=1)  # of those; empty: as many as are stored
    device: str = option("auto", choices=("auto", "cpu", "cuda"))  # auto: a GPU if there is one


class Model(Recommender):
    """GMF, MLP and their sum NeuMF (He et al. 2017), without pretraining:

        s(u, i) = c + b_u + b_i + h · (p_u ∘ q_i) + g · a_L
        a_k = relu(W_k a_{k-1} + w_k),  a_0 = [p'_u; q'_i]

    with h under `gmf`, g where there are `mlp_layers`, b under `use_biases`. By Adam on shuffled batches:

        rating   min  Σ (r_ui - s(u, i))²
        ranking  min  Σ over positives of -ln σ(s(u, i)) + Σ over their negatives of -ln (1 - σ(s(u, j)))
        both     + λ/2 Σ over all of these pairs of the squared norms of their embeddings and biases

    The epoch with the best validation RMSE wins, for ranking NDCG@10 over the whole catalogue.
    Users without a training row get the mean embedding of the others; for rating, so do movies.
    A user folded in gets the embeddings that minimize the training loss on the user's history under a
    Gaussian prior from the trained users: near, not equal to, what training arrives at.
    Memory: 4 (n_users + n_items) dim bytes for each of the two parts, four times that while training.
    """

    tasks = frozenset({"rating", "ranking"})
    uses_negatives = True
    values = ("per_positive", "noise")
    weights: Arrays  # float32, named in `marquee.training.ncf`
    per_positive: int  # negatives; 0 for rating
    noise: float  # mean squared error on the training ratings; 1 for ranking

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if not options.gmf and not options.mlp_layers:
            raise MarqueeError(
                "gmf is false and mlp_layers is empty, so neural_mf has nothing to learn: set one of them"
            )

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        parts = int(options.gmf) + bool(options.mlp_layers)
        embeddings = shape.rows * (parts * options.dim + int(options.use_biases))
        per_positive = options.negatives_per_positive or shape.per_positive  # none for ratings
        pairs = shape.train * (1 + per_positive)
        return Cost(
            model_bytes=4 * embeddings,
            training_bytes={
                "pairs, old and new": 12 * pairs,
                "shuffle": 16 * shape.train,
                "gradients and Adam's moments": 5 * 4 * embeddings,
            },
            epochs=options.epochs,
            reduce_with=("dim",),
        )

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        import torch

        from marquee.training.torch_trainer import TorchTrainer, choose_device, parameters

        o, train, device = self.options, data.train, choose_device(self.options.device)
        self.noise, self.per_positive = 1.0, 0
        initial = initial_weights(
            self.n_users, self.n_items, o.dim, o.gmf, o.mlp_layers, o.use_biases, o.init_std, rng
        )
        if self.task == "ranking":
            resample = o.resample_negatives
            self.per_positive = negatives_per_positive(train, "neural_mf", o.negatives_per_positive, resample)
            tensors = epoch_tensors(train, self.n_items, self.per_positive, resample, rng, device)
        else:
            initial["constant"][:] = train.rating.mean(dtype=np.float64)
            columns = (train.user, train.item[:, None], train.rating)
            whole = tuple(torch.tensor(column, device=device) for column in columns)

            def tensors() -> tuple[torch.Tensor, ...]:
                return whole

        trainer = TorchTrainer(
            parameters(initial, device),
            tensors,
            partial(batch_loss, o, rng),
            rng,
            o.batch_size,
            o.learning_rate,
            o.weight_decay,
            learning_rate_decay=o.learning_rate_decay,
        )
        self._train(trainer, data, progress, partial(self._use, train))
        if self.task == "rating":
            self.noise = validation_rmse(self, train) ** 2

    def _use(self, train: Ratings, weights: Arrays) -> None:
        """Set the weights; rows without a rating in `train` get the mean of the others."""
        sides = {"user": train.user} if self.task == "ranking" else {"user": train.user, "item": train.item}
        for side, index in sides.items():
            for name in _of(side, weights):
                known = np.zeros(len(weights[name]), bool)
                known[index] = True
                weights[name][~known] = weights[name][known].mean(axis=0)
        self.weights = weights

    def scores(self, users: np.ndarray) -> np.ndarray:
        w, out = self.weights, np.empty((len(users), self.n_items), np.float32)
        for first in range(0, len(users), USERS):
            rows = slice(first, first + USERS)
            user = {name: w[name][users[rows]] for name in _of("user", w)}
            for start in range(0, self.n_items, ITEMS):
                columns = slice(start, start + ITEMS)
                out[rows, columns] = score(w, user, {name: w[name][columns] for name in _of("item", w)})
        return out

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        if self.task == "ranking":
            return super().predict(users, items)
        w = self.weights
        user = {name: w[name][users][:, None] for name in _of("user", w)}
        item = {name: w[name][items][:, None] for name in _of("item", w)}
        return score(w, user, item)[:, 0, 0]  # (n, 1, 1) before

    def _fold_users(self, histories: Ratings) -> None:
        names = _of("user", self.weights)
        tables = [self.weights[name] for name in names]
        tables = [table.reshape(len(table), -1) for table in tables]  # a bias has width 1
        cuts = np.cumsum([table.shape[1] for table in tables])[:-1]
        found = fold_in_lbfgs(
            histories, np.hstack(tables), lambda items, ratings: self._loss(items, ratings, cuts)
        )
        parts = zip(names, np.split(found, cuts, axis=1), strict=True)
        own = {name: part[:, 0] if name == "user_bias" else part for name, part in parts}
        self.weights = {**self.weights, **own}

    def _loss(self, items: np.ndarray, ratings: np.ndarray, cuts: np.ndarray) -> Loss:
        """Return the loss on one user's history, a function of the row of all `user_` tables, cut at `cuts`.

        Ranking: negatives in expectation, that is all other items with equal parts of their weight.
        """
        w = self.weights
        if self.task == "ranking":
            label = np.zeros(self.n_items)
            label[items] = 1
            n = len(items)
            weight = np.where(label == 1, 1.0, n * self.per_positive / max(self.n_items - n, 1))
            items = np.arange(self.n_items)
        item = {name: w[name][items] for name in _of("item", w)}

        def loss(row: np.ndarray) -> tuple[float, np.ndarray]:
            parts = np.split(row.astype(np.float32), cuts)
            user = dict(zip(_of("user", w), parts, strict=True))
            user = {name: part if name == "user_bias" else part[None] for name, part in user.items()}
            hidden = hidden_layers(w, user, item)
            s = score(w, user, item, hidden)[0].astype(np.float64)
            if self.task == "ranking":
                value = weight @ (np.logaddexp(0, s) - label * s)
                slope = weight * (1 / (1 + np.exp(-s)) - label)
            else:
                value, slope = np.sum((s - ratings) ** 2) / (2 * self.noise), (s - ratings) / self.noise
            gradient = user_gradient(w, item, [layer[0] for layer in hidden], slope.astype(np.float32))
            return float(value), np.concatenate([gradient[name] for name in user])

        return loss

    def item_biases(self) -> np.ndarray | None:
        return self.weights.get("item_bias") if self.task == "rating" else None

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return self.weights, super().state()[1]

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = super().from_state(options, {}, metadata)
        model.weights = arrays
        return model


def _of(side: str, weights: Mapping[str, Any]) -> list[str]:
    """Return the names of the tables with a row for each user, or each item."""
    return [name for name in sorted(weights) if name.startswith(f"{side}_")]


def batch_loss(
    options: Options,
    rng: np.random.Generator,
    network: torch.nn.ParameterDict,
    users: torch.Tensor,
    items: torch.Tensor,
    ratings: torch.Tensor | None = None,
) -> tuple[torch.Tensor, ...]:
    """Return the mean loss of users [b], their items [b, n] and, for rating, `ratings` [b].

    For rating the mean squared error without the penalty follows.
    """
    from torch.nn import functional as F

    w = dict(network.items())
    user = {name: w[name].index_select(0, users)[:, None] for name in _of("user", w)}
    flat = items.reshape(-1)
    item = {name: w[name].index_select(0, flat).unflatten(0, items.shape) for name in _of("item", w)}
    drop = dropout(options.dropout, rng, users.device) if options.dropout else identity
    scores = score(w, user, item, drop=drop)[:, 0]  # (b, n)
    error = logistic_loss(scores) if ratings is None else F.mse_loss(scores[:, 0], ratings)
    loss = error
    if options.regularization:
        squares = sum(items.shape[1] * rows.square().sum() for rows in user.values())
        squares = squares + sum(rows.square().sum() for rows in item.values())
        loss = loss + options.regularization / 2 / items.numel() * squares
    return (loss,) if ratings is None else (loss, error)


def dropout(
    fraction: float, rng: np.random.Generator, device: torch.device
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a batch's dropout, sampled from a seed of `rng`, whose state is in the checkpoint."""
    import torch

    generator = torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))
    return lambda x: x * torch.empty_like(x).bernoulli_(1 - fraction, generator=generator) / (1 - fraction)
