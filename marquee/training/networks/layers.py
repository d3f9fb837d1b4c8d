"""What the networks share: weights from a NumPy generator, weights from a file, dropout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


def embedding(n: int, dim: int, sparse: bool = False) -> nn.Embedding:
    """Return `nn.Embedding(n, dim)` whose rows are not set yet.

    Its own draw of them takes a second where there is no memory behind them: torch imports its compiler.
    """
    return nn.Embedding.from_pretrained(torch.empty(n, dim), freeze=False, sparse=sparse)


class Bias(nn.Embedding):
    """An embedding of width 1. torch adds up the gradient of a vector faster than that of its rows."""

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        return self.weight.view(-1).index_select(0, index.reshape(-1)).view(*index.shape, 1)


def without_weights(build: Callable[[], N]) -> N:
    """Return the module of `build` on the meta device: torch draws no weights that nobody uses."""
    with torch.device("meta"):
        return build()


def with_weights(build: Callable[[], N], arrays: Mapping[str, np.ndarray]) -> N:
    """Return the module of `build`, ready to score; it shares the memory of `arrays`, its `state_dict`."""
    torch.set_num_threads(1)  # answers are divided by users, and have the same bytes on any number of cores
    network = without_weights(build)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, assign=True)
    return network.eval().requires_grad_(False)


def normal_(tensor: torch.Tensor, std: float, rng: np.random.Generator) -> None:
    """Fill a tensor from N(0, std²), as `nn.init.normal_` does, with numbers of `rng`."""
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(rng.normal(0, std, tuple(tensor.shape))))


class Dropout(nn.Module):
    """`nn.Dropout` whose masks come from `rng`, the fit's generator: a resumed fit draws the same ones."""

    def __init__(self, p: float, rng: np.random.Generator | None) -> None:
        super().__init__()
        self.p, self.rng = p, rng

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.p or self.rng is None:
            return x
        kept = torch.from_numpy(self.rng.random(x.shape, np.float32) >= self.p)
        return x * kept.to(x.device) / (1 - self.p)
