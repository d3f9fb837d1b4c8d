"""The losses of the networks: squared errors of ratings, and positives against negatives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional as F


def logistic_loss(logits: torch.Tensor) -> torch.Tensor:
    """Return the mean of -ln σ(s) of the first column of logits [b, n] and -ln (1 - σ(s)) of the others."""
    labels = torch.zeros_like(logits)
    labels[:, 0] = 1
    return F.binary_cross_entropy_with_logits(logits, labels)


def pair_loss(
    network: nn.Module,
    users: torch.Tensor,
    items: torch.Tensor,
    ratings: torch.Tensor | None = None,
    regularization: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean loss of users [b] with their items [b, n], and the same without the penalty.

    It is the squared error of `ratings` [b], or without them `logistic_loss`: the first item is the positive.
    The penalty is regularization / 2 times the squares of a pair's embeddings, but the `unpenalized` ones.
    """
    with embedded_rows(network, wanted=regularization > 0) as embedded:
        scores = network(users[:, None], items)[:, 0]  # (b, n)
    error = logistic_loss(scores) if ratings is None else F.mse_loss(scores[:, 0], ratings)
    if not regularization:
        return error, error
    free = getattr(network, "unpenalized", ())
    squares = sum(  # a user's row [b, 1, d] is part of n pairs, an item's [b, n, d] of one
        items.shape[1] // rows.shape[1] * rows.square().sum()
        for name, rows in embedded.items()
        if name not in free
    )
    return error + regularization / 2 / items.numel() * squares, error


@contextmanager
def embedded_rows(network: nn.Module, wanted: bool = True) -> Iterator[dict[str, torch.Tensor]]:
    """Collect by name what the embeddings of `network` return inside: looking rows up again takes as long."""
    rows: dict[str, torch.Tensor] = {}

    handles = [
        table.register_forward_hook(lambda _, __, output, name=name: rows.update({name: output}))
        for name, table in network.named_modules()
        if wanted and isinstance(table, nn.Embedding)
    ]
    try:
        yield rows
    finally:
        for handle in handles:
            handle.remove()
