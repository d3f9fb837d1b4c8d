"""The network of AutoRec (Sedhain et al. 2015) on sparse rows of ratings, and its loss on rated entries."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from marquee.training.networks.layers import Dropout, embedding, normal_

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Bounds = tuple[float, float] | None  # what a sigmoid output spans; None for an identity output


class AutoRec(nn.Module):
    """r̂ = f(W h + b) with h = g(V r + m), for rows r of ratings that are 0 where nothing is rated.

    `encoder` has a row of V for each column of the ratings: only those that a row rated are read.
    """

    def __init__(
        self,
        n_columns: int,
        hidden_dim: int,
        activation: str,
        bounds: Bounds = None,
        dropout: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.encoder = embedding(n_columns, hidden_dim)
        self.hidden_bias = nn.Parameter(torch.zeros(hidden_dim))
        self.decoder = nn.Linear(hidden_dim, n_columns)
        self.activation = getattr(torch, activation, nn.Identity())
        self.dropout = Dropout(dropout, rng)
        self.bounds = bounds

    def reset_parameters(self, mean: float, rng: np.random.Generator) -> None:
        """Start after Glorot and Bengio (2010), with outputs of `mean`."""
        for layer in (self.encoder, self.decoder):
            normal_(layer.weight, (2 / sum(layer.weight.shape)) ** 0.5, rng)
        if self.bounds is not None:
            low, high = self.bounds
            fraction = np.clip((mean - low) / max(high - low, 1e-6), 0.01, 0.99)
            mean = np.log(fraction / (1 - fraction))
        nn.init.zeros_(self.hidden_bias)
        nn.init.constant_(self.decoder.bias, mean)

    def encode(self, ratings: torch.Tensor) -> torch.Tensor:
        """Return the hidden layer [b, hidden_dim] of sparse `ratings` [b, n_columns]."""
        return self.activation(ratings @ self.encoder.weight + self.hidden_bias)

    def output(self, z: torch.Tensor) -> torch.Tensor:
        if self.bounds is None:
            return z
        low, high = self.bounds
        return low + (high - low) * z.sigmoid()

    def forward(self, ratings: torch.Tensor) -> torch.Tensor:
        """Return r̂ of the rated entries alone, in the order of `ratings.values()`."""
        hidden = self.dropout(self.encode(ratings))  # (b, hidden_dim)
        products = torch.sparse.sampled_addmm(ratings, hidden, self.decoder.weight.T, beta=0)  # where rated
        return self.output(products.values() + self.decoder.bias[ratings.col_indices()])


def sparse_rows(rows: csr_matrix, device: torch.device | None = None) -> torch.Tensor:
    """Return `rows` as a sparse tensor; it shares their memory on the processor."""
    offsets, columns, ratings = (
        torch.from_numpy(array).to(device) for array in (rows.indptr, rows.indices, rows.data)
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse")  # torch calls its CSR tensors a beta
        return torch.sparse_csr_tensor(offsets, columns, ratings, rows.shape)


def loss_on(rows: csr_matrix, device: torch.device) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """Return the loss of a batch of `rows`, whose sum over an epoch is the objective divided by the ratings.

    The squared errors without the penalty follow, divided alike.
    """
    n_rated = np.count_nonzero(np.diff(rows.indptr))

    def loss(
        network: AutoRec, batch: torch.Tensor, regularization: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        ratings = sparse_rows(rows[batch.cpu().numpy()], device)
        squares = (ratings.values() - network(ratings)).square().sum() * (n_rated / len(batch))
        weights = network.encoder.weight.square().sum() + network.decoder.weight.square().sum()
        return (squares + regularization / 2 * weights) / rows.nnz, squares / rows.nnz

    return loss
