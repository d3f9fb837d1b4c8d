"""The networks of neural collaborative filtering (He et al. 2017): GMF, MLP and their sum, NeuMF."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from marquee.training.networks.layers import Bias, Dropout, embedding, normal_


class GMF(nn.Module):
    """h · (p_u ∘ q_i). It starts as a dot product: h is all ones."""

    def __init__(self, n_users: int, n_items: int, dim: int, dropout: Dropout) -> None:
        super().__init__()
        self.user, self.item = embedding(n_users, dim), embedding(n_items, dim)
        self.output = nn.Linear(dim, 1, bias=False)
        self.dropout = dropout

    def reset_parameters(self, std: float, rng: np.random.Generator) -> None:
        normal_(self.user.weight, std, rng)
        normal_(self.item.weight, std, rng)
        nn.init.ones_(self.output.weight)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        p, q = self.dropout(self.user(users)), self.item(items)  # (..., m, dim), (..., n, dim)
        return (p * self.output.weight) @ q.mT  # `output` of p ∘ q, for m x n pairs at once


class MLP(nn.Module):
    """g · a_L with a_k = relu(W_k a_{k-1} + w_k) and a_0 = [p_u; q_i].

    W_1 has two halves, W_1 a_0 = `from_user` p_u + `from_item` q_i: so m x n pairs need m + n products.
    """

    def __init__(self, n_users: int, n_items: int, dim: int, widths: Sequence[int], dropout: Dropout) -> None:
        super().__init__()
        self.user, self.item = embedding(n_users, dim), embedding(n_items, dim)
        self.from_user, self.from_item = nn.Linear(dim, widths[0], bias=False), nn.Linear(dim, widths[0])
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        self.output = nn.Linear(widths[-1], 1, bias=False)
        self.dropout = dropout

    def reset_parameters(self, std: float, rng: np.random.Generator) -> None:
        """Start the layers after He et al. (2015)."""
        normal_(self.user.weight, std, rng)
        normal_(self.item.weight, std, rng)
        for layer in (self.from_user, self.from_item, *self.layers, self.output):
            gain = 2 if layer in self.layers else 1
            normal_(layer.weight.T, (gain / layer.in_features) ** 0.5, rng)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        p, q = self.dropout(self.user(users)), self.dropout(self.item(items))  # (..., m, dim), (..., n, dim)
        a = (self.from_user(p)[..., :, None, :] + self.from_item(q)[..., None, :, :]).relu()
        for layer in self.layers:
            a = layer(self.dropout(a)).relu()  # (..., m, n, width)
        return self.output(a)[..., 0]


class NeuMF(nn.Module):
    """s(u, i) = c + b_u + b_i + GMF(u, i) + MLP(u, i), as far as there are biases and parts."""

    def __init__(
        self,
        n_users: int,
        n_items: int,
        dim: int,
        gmf: bool = True,
        mlp_layers: Sequence[int] = (),
        use_biases: bool = True,
        dropout: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        drop = Dropout(dropout, rng)
        self.constant = nn.Parameter(torch.zeros(1))
        self.user_bias, self.item_bias = (
            Bias.from_pretrained(torch.empty(n, 1), freeze=False) if use_biases else None
            for n in (n_users, n_items)
        )
        self.gmf = GMF(n_users, n_items, dim, drop) if gmf else None
        self.mlp = MLP(n_users, n_items, dim, mlp_layers, drop) if mlp_layers else None

    def reset_parameters(self, constant: float, std: float, rng: np.random.Generator) -> None:
        nn.init.constant_(self.constant, constant)
        if self.user_bias is not None and self.item_bias is not None:
            nn.init.zeros_(self.user_bias.weight)
            nn.init.zeros_(self.item_bias.weight)
        for part in self.parts():
            part.reset_parameters(std, rng)

    def parts(self) -> list[GMF | MLP]:
        return [part for part in (self.gmf, self.mlp) if part is not None]

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Return [..., m, n]: the scores of each of `users` [..., m] for each of `items` [..., n]."""
        score = self.constant
        if self.user_bias is not None and self.item_bias is not None:
            score = score + self.user_bias(users) + self.item_bias(items).mT  # (..., m, 1), (..., 1, n)
        for part in self.parts():
            score = score + part(users, items)
        return score
