"""Neural matrix factorization: an element-wise product, a perceptron on both embeddings, or their sum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.evaluation.evaluate import validation_rmse
from marquee.recommenders.base import Cost, DataShape, NetworkRecommender, TrainingData, biased_factors
from marquee.training.progress import Arrays, Progress
from marquee.training.sampled_pairs import epoch_tensors, negatives_per_positive

if TYPE_CHECKING:
    from marquee.training.networks.neumf import NeuMF
    from marquee.training.networks.trainer import TorchTrainer

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


SPACE = {
    "dim": Range(16, 128, log=True),
    "init_std": Range(0.005, 0.2, log=True),
    "learning_rate": Range(2e-4, 0.01, log=True),
    "learning_rate_decay": Range(0.8, 1),
    "regularization": Range(0, 0.5),
}


class Model(NetworkRecommender):
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
    An update takes further steps on the ratings of the users who rated; layers that all share move with them.
    Memory: 4 (n_users + n_items) dim bytes for each of the two parts, four times that while training.
    """

    tasks = frozenset({"rating", "ranking"})
    uses_negatives = True
    values = ("per_positive", "noise")
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

    def build(self, n_users: int, rng: np.random.Generator | None = None) -> NeuMF:
        from marquee.training.networks.neumf import NeuMF

        o = self.options
        parts = o.dim, o.gmf, o.mlp_layers, o.use_biases
        return NeuMF(n_users, self.n_items, *parts, dropout=o.dropout, rng=rng)

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        o, train = self.options, data.train
        self.noise, self.per_positive = 1.0, 0
        if self.task == "ranking":
            self.per_positive = negatives_per_positive(
                train, "neural_mf", o.negatives_per_positive, o.resample_negatives
            )
        self._train(self._trainer(train, rng, fresh=True), data, progress, partial(self._fill, train))
        if self.task == "rating":
            self.noise = validation_rmse(self, train) ** 2

    def _trainer(self, train: Ratings, rng: np.random.Generator, fresh: bool) -> TorchTrainer:
        import torch

        from marquee.training.networks.layers import without_weights
        from marquee.training.networks.losses import pair_loss
        from marquee.training.networks.trainer import TorchTrainer, choose_device

        o, device = self.options, choose_device(self.options.device)
        network = without_weights(partial(self.build, self.n_users, rng)).to_empty(device=device)
        if fresh:
            level = float(train.rating.mean(dtype=np.float64)) if self.task == "rating" else 0.0
            network.reset_parameters(level, o.init_std, rng)
        steps = (rng, o.batch_size, o.learning_rate, o.weight_decay, o.regularization, o.learning_rate_decay)
        if self.task == "rating":
            columns = (train.user, train.item[:, None], train.rating)
            ratings = tuple(torch.tensor(column, device=device) for column in columns)
            return TorchTrainer(network, lambda: ratings, pair_loss, *steps)
        new = o.resample_negatives or not fresh
        tensors = epoch_tensors(train, self.n_items, self.per_positive, new, rng, device)
        return TorchTrainer(
            network, tensors, lambda *batch, **penalty: pair_loss(*batch, **penalty)[:1], *steps
        )

    def _fill(self, train: Ratings, weights: Arrays) -> None:
        """Set the weights; rows without a rating in `train` get the mean of the others."""
        self.weights = weights
        sides = {"user": train.user} if self.task == "ranking" else {"user": train.user, "item": train.item}
        for side, index in sides.items():
            for name in self.tables(side):
                known = np.zeros(len(weights[name]), bool)
                known[index] = True
                weights[name][~known] = weights[name][known].mean(axis=0)

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray] | None:
        """Return those of GMF, whose output is a product; None where there are layers."""
        if self.options.mlp_layers:
            return None
        w = self.weights
        user, item = w["gmf.user.weight"][users] * w["gmf.output.weight"], w["gmf.item.weight"]
        level, bias = np.full(len(user), w["constant"][0]), np.zeros(len(item), np.float32)
        if self.options.use_biases:
            level, bias = level + w["user_bias.weight"][users, 0], w["item_bias.weight"][:, 0]
        return biased_factors(level, bias, user, item)

    def scores(self, users: np.ndarray) -> np.ndarray:
        if not self.options.mlp_layers:
            return super().scores(users)
        import torch

        network, out = self.network(), np.empty((len(users), self.n_items), np.float32)
        of_users, items = torch.tensor(users, dtype=torch.int64), torch.arange(self.n_items)
        for first in range(0, len(users), USERS):
            for start in range(0, self.n_items, ITEMS):
                block = slice(first, first + USERS), slice(start, start + ITEMS)
                out[block] = network(of_users[block[0]], items[block[1]]).numpy()
        return out

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        if self.task == "ranking" or not self.options.mlp_layers:
            return super().predict(users, items)
        import torch

        pairs = (torch.tensor(index, dtype=torch.int64)[:, None] for index in (users, items))
        return self.network()(*pairs)[:, 0, 0].numpy()  # (n, 1, 1) before

    def _fold_users(self, histories: Ratings) -> None:
        self._fold_network(histories, per_positive=self.per_positive, noise=self.noise)

    def item_biases(self) -> np.ndarray | None:
        biases = self.weights.get("item_bias.weight")
        return biases[:, 0] if biases is not None and self.task == "rating" else None
