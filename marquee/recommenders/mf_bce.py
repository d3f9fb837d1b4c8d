"""Implicit matrix factorization: a dot product that tells a positive from sampled negatives."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.config import option
from marquee.data.ratings import Catalogue, Ratings
from marquee.recommenders.base import Arrays, Cost, DataShape, Progress, Recommender
from marquee.training.expected_negatives import ExpectedNegatives
from marquee.training.fold_in import fold_in_newton
from marquee.training.sampled_loss import epoch_tensors, negatives_per_positive

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Options:
    dim: int = option(32, low=1)  # length of an embedding
    init_std: float = option(0.1, above=0)  # spread of the embeddings before training
    learning_rate: float = option(0.002, above=0)  # Adam's step
    weight_decay: float = option(0.0, low=0)  # Adam's L2 penalty on all that a step moves
    regularization: float = option(0.0, low=0)  # λ below: L2 by how often a vector occurs
    batch_size: int = option(
        2048, low=1
    )  # positives in a step, or users where negatives are `expected_negatives`
    ema_decay: float = option(0.0, low=0, below=1)  # the model is a mean over the last 1 / (1 - this) steps
    epochs: int = option(40, low=1)  # at most so many
    patience: int = option(5, low=1)  # epochs without a better validation before it stops
    resample_negatives: bool = True  # draw new negatives each epoch by the law of the stored ones
    negatives_per_positive: int | None = option(
        None, low=1
    )  # so many for each positive then; empty: as many as stored
    expected_negatives: bool = (
        False  # no draws: every item that a user has not rated, as often as it would be drawn
    )
    device: str = option("auto", choices=("auto", "cpu", "cuda"))  # auto: a GPU where there is one


class Model(Recommender):
    """s(u, i) = p_u · q_i + b_i, trained on the logistic loss (Rendle et al. 2020, section 3.1):

        min  Σ over positives (u, i) of  -ln σ(s(u, i)) - Σ over its negatives j of ln (1 - σ(s(u, j)))
             + λ/2 Σ over all of these pairs of  ‖p‖² + ‖q‖²

    by Adam on shuffled batches: of positives with their negatives, moving the rows that occur in them
    (`RowTraining`), or under `expected_negatives` of users with the whole catalogue, each item weighted as in
    `ExpectedNegatives`, which is the same objective. It stops at the best validation NDCG@10 over the whole
    catalogue.
    A person folded in gets the vector that minimises the expected loss, with the same penalty or, where λ is
    0, a Gaussian prior taken from the trained users, by Newton's method: near what training arrives at.
    Memory: 4 (n_users + n_items) dim bytes, four times that while training, and the negatives.
    """

    tasks = frozenset({"ranking"})
    users: np.ndarray  # float32 [n_users, dim]
    items: np.ndarray  # float32 [n_items, dim]
    bias: np.ndarray  # float32 [n_items]
    per_positive: int

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        n, weights = shape.train, shape.rows * options.dim
        per_positive = options.negatives_per_positive or shape.per_positive
        if options.expected_negatives:
            batch = options.batch_size * shape.items
            fitting = {"a batch's labels, weights, scores and slopes": 24 * batch, "positives": 8 * n}
        else:
            fitting = {"an epoch's items, old and new": 12 * n * (1 + per_positive), "shuffle": 16 * n}
        return Cost(
            model_bytes=4 * weights,
            training_bytes={**fitting, "gradients and Adam's moments": 5 * 4 * weights},
            epochs=options.epochs,
            reduce_with=(
                "dim",
                *(("batch_size",) if options.expected_negatives else ("negatives_per_positive",)),
            ),
        )

    def fit(
        self,
        train: Ratings,
        validation: Ratings,
        catalogue: Catalogue,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        import torch

        from marquee.evaluation.evaluate import validation_ndcg
        from marquee.training.loop import train_epochs
        from marquee.training.sparse_trainer import SparseTrainer
        from marquee.training.torch_trainer import TorchTrainer, choose_device

        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        o = self.options
        self.per_positive = negatives_per_positive(
            train, "mf_bce", o.negatives_per_positive, o.resample_negatives or o.expected_negatives
        )
        device = choose_device(self.options.device)

        def parameter(*shape: int, std: float) -> torch.nn.Parameter:
            drawn = rng.normal(0, std, shape).astype(np.float32) if std else np.zeros(shape, np.float32)
            return torch.nn.Parameter(torch.from_numpy(drawn).to(device))

        std, dim = self.options.init_std, self.options.dim
        network = torch.nn.ParameterDict(
            {
                "user": parameter(self.n_users, dim, std=std),
                "item": parameter(self.n_items, dim, std=std),
                "bias": parameter(self.n_items, std=0),
            }
        )
        steps = (rng, o.batch_size, o.learning_rate, o.weight_decay)
        training: TorchTrainer
        if o.expected_negatives:
            negatives = ExpectedNegatives(train, self.n_items, self.per_positive, device)
            loss = partial(_expected_loss, o.regularization, negatives)
            training = TorchTrainer(network, lambda: (negatives.users,), loss, *steps, ema_decay=o.ema_decay)
        else:
            tensors = epoch_tensors(train, self.n_items, self.per_positive, o.resample_negatives, rng, device)
            training = SparseTrainer(network, tensors, *steps, o.regularization, o.ema_decay)

        def validate() -> float:
            self._take(training.weights())
            return validation_ndcg(self, train, validation, self.n_items)

        train_epochs(
            training,
            self.options.epochs,
            self.options.patience,
            validate if len(validation) else None,
            progress,
        )
        self._take(training.weights())
        return self

    def _take(self, arrays: Arrays) -> None:
        self.users, self.items, self.bias = arrays["user"], arrays["item"], arrays["bias"]

    def scores(self, users: np.ndarray) -> np.ndarray:
        return self.users[users] @ self.items.T + self.bias  # (n, n_items)

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        ones = np.ones(len(self.users), np.float32)
        return np.column_stack([ones, self.users]), np.column_stack([self.bias, self.items])

    def fold_in(self, histories: Ratings) -> Recommender:
        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        view.users = fold_in_newton(
            histories, self.users, self.items, self.bias, self.per_positive, self.options.regularization
        )
        return view

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        arrays = {"user": self.users, "item": self.items, "bias": self.bias}
        return arrays, {"per_positive": self.per_positive}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = cls(options)
        model._take(arrays)
        model.per_positive = metadata["per_positive"]
        return model


def _expected_loss(
    regularization: float, negatives: ExpectedNegatives, network: torch.nn.ParameterDict, users: torch.Tensor
) -> tuple[torch.Tensor]:
    """Mean loss of all that users [b] have rated, and of all else by its weight."""
    from torch.nn import functional as F

    label, weight = negatives.of(users)  # (b, n_items) both
    user_vectors = F.embedding(users, network["user"])  # (b, dim)
    logits = user_vectors @ network["item"].T + network["bias"]
    loss = F.binary_cross_entropy_with_logits(logits, label, weight, reduction="sum")
    if regularization:
        squares = weight.sum(1) @ user_vectors.square().sum(1)
        squares = squares + weight.sum(0) @ network["item"].square().sum(1)
        loss = loss + regularization / 2 * squares
    return (loss / weight.sum(),)
