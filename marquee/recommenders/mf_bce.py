"""Implicit matrix factorization: a dot product, trained to separate positives from sampled negatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.ratings import Ratings
from marquee.recommenders.base import Cost, DataShape, NetworkRecommender, TrainingData
from marquee.training.progress import Progress
from marquee.training.sampled_pairs import epoch_tensors, negatives_per_positive

if TYPE_CHECKING:
    from marquee.training.networks.matrix_factorization import MatrixFactorization
    from marquee.training.networks.trainer import TorchTrainer


@dataclass(frozen=True)
class Options:
    dim: int = option(32, low=1)  # length of an embedding
    init_std: float = option(0.1, above=0)  # standard deviation of the embeddings before training
    learning_rate: float = option(0.002, above=0)  # Adam's step
    weight_decay: float = option(0.0, low=0)  # Adam's L2 penalty on all that a step moves
    regularization: float = option(0.0, low=0)  # λ below: L2 by how often a vector occurs
    batch_size: int = option(2048, low=1)  # positives in a step; users, with `expected_negatives`
    ema_decay: float = option(0.0, low=0, below=1)  # the model is a mean over the last 1 / (1 - this) steps
    epochs: int = option(40, low=1)  # at most
    patience: int = option(5, low=1)  # epochs without a better validation before it stops
    resample_negatives: bool = True  # sample new negatives in each epoch, as the stored ones were
    negatives_per_positive: int | None = option(None, low=1)  # of those; empty: as many as are stored
    expected_negatives: bool = False  # no samples: all unrated items, weighted by their probability
    device: str = option("auto", choices=("auto", "cpu", "cuda"))  # auto: a GPU if there is one


SPACE = {
    "dim": Range(16, 128, log=True),
    "learning_rate": Range(5e-4, 0.02, log=True),
    "regularization": Range(0, 0.02),
}


class Model(NetworkRecommender):
    """s(u, i) = p_u · q_i + b_i, trained on the logistic loss (Rendle et al. 2020, section 3.1):

        min  Σ over positives (u, i) of  -ln σ(s(u, i)) - Σ over its negatives j of ln (1 - σ(s(u, j)))
             + λ/2 Σ over all of these pairs of  ‖p‖² + ‖q‖²

    by Adam on shuffled batches. A batch holds positives with their negatives, and a step moves the rows that
    occur in it (`SparseTrainer`). With `expected_negatives` a batch holds users with the whole catalogue,
    each item weighted as in `ExpectedNegatives`: the same objective. The epoch with the best validation
    NDCG@10 over the whole catalogue wins.
    A user folded in gets the vector that minimizes the expected loss with the same penalty or, where λ is 0,
    a Gaussian prior from the trained users: near what training arrives at.
    An update takes further steps on the positives of the users who rated, with new negatives.
    Scores are products of the embeddings in NumPy: they need no torch, and ranking skips most of them.
    Memory: 4 (n_users + n_items) dim bytes, four times that while training, and the negatives.
    """

    tasks = frozenset({"ranking"})
    uses_negatives = True
    values = ("per_positive",)
    per_positive: int

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        n, weights = shape.train, shape.rows * options.dim
        per_positive = options.negatives_per_positive or shape.per_positive
        if options.expected_negatives:
            batch = options.batch_size * shape.items
            own = {"a batch's labels, weights, scores and slopes": 24 * batch, "positives": 8 * n}
        else:
            own = {"an epoch's items, old and new": 12 * n * (1 + per_positive), "shuffle": 16 * n}
        return Cost(
            model_bytes=4 * weights,
            training_bytes={**own, "gradients and Adam's moments": 5 * 4 * weights},
            epochs=options.epochs,
            reduce_with=("dim", "batch_size" if options.expected_negatives else "negatives_per_positive"),
        )

    def build(self, n_users: int, sparse: bool = False) -> MatrixFactorization:
        from marquee.training.networks.matrix_factorization import MatrixFactorization

        return MatrixFactorization(n_users, self.n_items, self.options.dim, sparse)

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        o = self.options
        self.per_positive = negatives_per_positive(
            data.train, "mf_bce", o.negatives_per_positive, o.resample_negatives or o.expected_negatives
        )
        self._train(self._trainer(data.train, rng, fresh=True), data, progress, self._use)

    def _trainer(self, train: Ratings, rng: np.random.Generator, fresh: bool) -> TorchTrainer:
        from marquee.training.networks.expected_negatives import ExpectedNegatives
        from marquee.training.networks.layers import without_weights
        from marquee.training.networks.losses import pair_loss
        from marquee.training.networks.sparse_trainer import SparseTrainer
        from marquee.training.networks.trainer import TorchTrainer, choose_device

        o, device = self.options, choose_device(self.options.device)
        network = without_weights(partial(self.build, self.n_users, not o.expected_negatives))
        network = network.to_empty(device=device)
        if fresh:
            network.reset_parameters(o.init_std, rng)
        steps = (rng, o.batch_size, o.learning_rate, o.weight_decay, o.regularization)
        ema_decay = o.ema_decay if fresh else 0.0  # a mean over more steps than an update takes
        if o.expected_negatives:
            negatives = ExpectedNegatives(train, self.n_items, self.per_positive, device)
            users = (negatives.users,)
            return TorchTrainer(network, lambda: users, negatives.loss, *steps, ema_decay=ema_decay)
        new = o.resample_negatives or not fresh
        tensors = epoch_tensors(train, self.n_items, self.per_positive, new, rng, device)
        return SparseTrainer(network, tensors, pair_loss, *steps, ema_decay=ema_decay)

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        own, w = self.weights["user.weight"][users], self.weights
        ones = np.ones(len(own), np.float32)
        return np.column_stack([ones, own]), np.column_stack([w["item_bias.weight"], w["item.weight"]])

    def _fold_users(self, histories: Ratings) -> None:
        self._fold_network(histories, per_positive=self.per_positive, penalty=self.options.regularization)
