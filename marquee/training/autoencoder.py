"""The network of an autoencoder on sparse rows of ratings, and its loss on the rated entries alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_matrix

Bounds = tuple[float, float] | None  # what a sigmoid output spans; None for an identity output


def initial_weights(
    rows: csr_matrix, hidden: int, bounds: Bounds, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return normal weights after Glorot and Bengio (2010), and an output that is the mean of the ratings."""
    n_columns = rows.shape[1]
    std = np.sqrt(2 / (n_columns + hidden))
    start = rows.data.mean(dtype=np.float64)
    if bounds is not None:
        low, high = bounds
        fraction = np.clip((start - low) / max(high - low, 1e-6), 0.01, 0.99)
        start = np.log(fraction / (1 - fraction))
    return {
        "encoder": rng.normal(0, std, (n_columns, hidden)),
        "hidden_bias": np.zeros(hidden),
        "decoder": rng.normal(0, std, (n_columns, hidden)),
        "output_bias": np.full(n_columns, start),
    }


def loss_on(
    rows: csr_matrix,
    hidden_activation: str,
    bounds: Bounds,
    weight_decay: float,
    dropout: float,
    rng: np.random.Generator,
    device: torch.device,
) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """Return the loss of a batch of `rows`, whose sum over an epoch is the objective divided by the ratings.

    The squared errors without the penalty follow, divided alike.
    """
    import torch

    activation = getattr(torch, hidden_activation, torch.nn.Identity())
    n_rated = np.count_nonzero(np.diff(rows.indptr))

    def loss(network: torch.nn.ParameterDict, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        part = rows[batch.cpu().numpy()]  # (b, n_columns)
        offsets, columns, values = (
            torch.from_numpy(array).to(device) for array in (part.indptr, part.indices, part.data)
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse")  # torch calls its CSR tensors a beta
            ratings = torch.sparse_csr_tensor(offsets, columns, values, part.shape)
        hidden = activation(ratings @ network["encoder"] + network["hidden_bias"])  # (b, hidden)
        if dropout:
            kept = rng.random(hidden.shape, np.float32) >= dropout
            hidden = hidden * torch.from_numpy(kept).to(device) / (1 - dropout)
        products = torch.sparse.sampled_addmm(ratings, hidden, network["decoder"].T, beta=0)  # where rated
        z = products.values() + network["output_bias"][columns]
        if bounds is not None:
            z = bounds[0] + (bounds[1] - bounds[0]) * z.sigmoid()
        squares = (values - z).square().sum() * (n_rated / len(batch))
        weights = network["encoder"].square().sum() + network["decoder"].square().sum()
        return (squares + weight_decay / 2 * weights) / rows.nnz, squares / rows.nnz

    return loss
