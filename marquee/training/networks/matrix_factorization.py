"""The network of `mf_bce`: a dot product of embeddings and a bias for each item."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from marquee.training.networks.layers import embedding, normal_


class MatrixFactorization(nn.Module):
    """s(u, i) = p_u · q_i + b_i.

    sparse  gradients hold the rows of a batch only, for Adam's sparse step
    """

    unpenalized = ("item_bias",)

    def __init__(self, n_users: int, n_items: int, dim: int, sparse: bool = False) -> None:
        super().__init__()
        self.user = embedding(n_users, dim, sparse=sparse)
        self.item = embedding(n_items, dim, sparse=sparse)
        self.item_bias = embedding(n_items, 1, sparse=sparse)

    def reset_parameters(self, std: float, rng: np.random.Generator) -> None:
        normal_(self.user.weight, std, rng)
        normal_(self.item.weight, std, rng)
        nn.init.zeros_(self.item_bias.weight)

    def forward(self, users: torch.Tensor, items: torch.Tensor | None = None) -> torch.Tensor:
        """Return [..., m, n]: scores of `users` [..., m] for `items` [..., n]; None: the whole catalogue."""
        p, q, b = self.user(users), self.item.weight, self.item_bias.weight
        if items is not None:
            q, b = self.item(items), self.item_bias(items)  # (..., n, dim), (..., n, 1)
        return p @ q.mT + b.mT
