"""The logistic loss with negatives in expectation: no samples, but all items that a user has not rated."""

from __future__ import annotations

import json

import numpy as np
import torch
from torch.nn import functional as F

from marquee.data.ratings import Ratings
from marquee.data.sampling import NegativeSampler
from marquee.training.networks.matrix_factorization import MatrixFactorization


class ExpectedNegatives:
    """Compute labels and weights over the whole catalogue for `per_positive` negatives.

    A positive has weight 1. An item j that user u has not rated has the number of times that an epoch would
    sample it, by the distribution of the stored negatives,

        n_u per_positive weight_j / Σ over all that u has not rated of weight

    so that Σ weight · loss is the expectation of the loss over sampled negatives (`pair_loss`). A step
    over users is two products of matrices; one over samples gathers a vector for each of them.

    users  int64 [n] on `device`: those who have a positive
    """

    def __init__(self, train: Ratings, n_items: int, per_positive: int, device: torch.device) -> None:
        how = json.loads(train.sampling)
        weights = NegativeSampler(train, n_items, how["sampling"], how["alpha"]).sampling_weights  # [n_items]
        weights = np.maximum(weights, 1e-6 * weights.max())  # for a user to whom popularity leaves no item
        counts = np.bincount(train.user)  # [n_users]; rows of train are sorted by user
        rated = np.bincount(train.user, weights[train.item])  # float64 [n_users]
        self.n_items = n_items

        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.tensor(array, device=device)

        self.users = tensor(np.flatnonzero(counts))
        self.weights = tensor(weights.astype(np.float32))
        self.draws = tensor((per_positive * counts / (weights.sum() - rated)).astype(np.float32))
        self.item, self.count = tensor(train.item.astype(np.int64)), tensor(counts)
        self.start = tensor(np.cumsum(counts) - counts)

    def of(self, users: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return labels and weights of `users` [b], both float32 [b, n_items]."""
        count = self.count[users]
        row = torch.arange(len(users), device=users.device).repeat_interleave(count)  # (positives of these)
        nth = torch.arange(len(row), device=users.device) - (count.cumsum(0) - count)[row]
        items = self.item[self.start[users][row] + nth]
        label = torch.zeros(len(users), self.n_items, device=users.device)
        weight = self.draws[users][:, None] * self.weights
        label[row, items] = 1
        weight[row, items] = 1
        return label, weight

    def loss(
        self, network: MatrixFactorization, users: torch.Tensor, regularization: float = 0.0
    ) -> tuple[torch.Tensor]:
        """Return the weighted mean loss of users [b] over all items, with the penalty of their pairs."""
        label, weight = self.of(users)  # (b, n_items) both
        loss = F.binary_cross_entropy_with_logits(network(users), label, weight, reduction="sum")
        if regularization:
            squares = weight.sum(1) @ network.user(users).square().sum(1)
            squares = squares + weight.sum(0) @ network.item.weight.square().sum(1)
            loss = loss + regularization / 2 * squares
        return (loss / weight.sum(),)
