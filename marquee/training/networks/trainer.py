"""Training of a torch module in `train_epochs`: whole tensors, shuffled for an epoch, cut into batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from marquee.errors import MarqueeError
from marquee.training.loop import Trainer, pack, unpack
from marquee.training.networks.adam import Adam
from marquee.training.progress import Arrays

WARM_UP = 10  # steps t after which the mean is over the last tenth of them, until that is 1 / (1 - β)

Batches = Callable[[], tuple[torch.Tensor, ...]]
Loss = Callable[..., tuple[torch.Tensor, ...]]


def choose_device(name: str) -> torch.device:
    """Return the device, for `auto` CUDA if there is one. Raises MarqueeError for `cuda` without one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise MarqueeError("device is 'cuda', but torch finds no CUDA device: set it to auto or cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":  # else sums are added in another order each time
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    return torch.device(name)


class TorchTrainer(Trainer):
    """A `Trainer`: Adam on the batches of `epoch_tensors`.

    network        the module that is trained, on its device
    epoch_tensors  called before each epoch; equal-length tensors on that device [n, ...]
    loss           (network, *batch tensors, regularization=λ) -> the mean loss over the batch and, where
                   ratings are predicted, the mean squared error
    rng            the only source of chance: it shuffles here, and `epoch_tensors` may draw from it
    learning_rate_decay  factor on Adam's step after each epoch
    ema_decay      β: `weights` returns the exponential mean a <- β a + (1 - β) w over the steps (Polyak and
                   Juditsky, 1992), with a smaller β at first; with 0 it returns w. Training goes on from w
    """

    def __init__(
        self,
        network: nn.Module,
        epoch_tensors: Batches,
        loss: Loss,
        rng: np.random.Generator,
        batch_size: int,
        learning_rate: float,
        weight_decay: float = 0.0,
        regularization: float = 0.0,
        learning_rate_decay: float = 1.0,
        ema_decay: float = 0.0,
    ) -> None:
        # Steps are too short to divide: two threads are no faster, and ten times slower on a busy machine.
        torch.set_num_threads(1)
        self.network, self.epoch_tensors, self.loss = network, epoch_tensors, loss
        self.rng, self.batch_size, self.learning_rate_decay = rng, batch_size, learning_rate_decay
        self.regularization, self.ema_decay, self.steps = regularization, ema_decay, 0
        self.mean = _copies(network) if ema_decay else None
        self.parameters = dict(network.named_parameters())
        self.optimizer = Adam(self.parameters.values(), learning_rate, weight_decay)

    def train_epoch(self) -> dict[str, float]:
        tensors = self.epoch_tensors()
        n = len(tensors[0])
        order = torch.from_numpy(self.rng.permutation(n)).to(tensors[0].device)
        tensors = tuple(tensor[order] for tensor in tensors)
        self.network.train()
        totals = torch.zeros((), dtype=torch.float64, device=tensors[0].device)
        for batch in zip(*(tensor.split(self.batch_size) for tensor in tensors), strict=True):
            self.steps += 1
            means = self._step(*batch)
            self._average()
            totals = totals + torch.stack(means).detach().double() * len(batch[0])  # on the device: no wait
        self.network.eval()
        self.optimizer.learning_rate *= self.learning_rate_decay
        loss, *squared_error = (totals / n).tolist()
        return {"loss": loss, "train": squared_error[0] ** 0.5} if squared_error else {"loss": loss}

    def _step(self, *batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Move the weights by a batch, and return what `loss` gave for it."""
        means = self.loss(self.network, *batch, regularization=self.regularization)
        self.optimizer.zero_grad()
        means[0].backward()
        self.optimizer.step()
        return means

    @torch.no_grad()
    def _average(self) -> None:
        if self.mean is None:
            return
        weight = max(1 - self.ema_decay, WARM_UP / (WARM_UP + self.steps))
        for name, tensor in self.network.state_dict().items():
            self.mean[name].lerp_(tensor, weight)

    def weights(self) -> Arrays:
        return _arrays(self.network.state_dict() if self.mean is None else self.mean)

    def load_weights(self, arrays: Arrays) -> None:
        self._load(arrays)
        if self.mean is not None:
            self.mean = _copies(self.network)

    def _load(self, arrays: Arrays) -> None:
        self.network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})

    def optimizer_state(self) -> tuple[Arrays, dict[str, Any]]:
        arrays = {} if self.mean is None else pack("trained", _arrays(self.network.state_dict()))
        for name, moments in zip(self.parameters, self.optimizer.state, strict=True):
            arrays |= pack(name, _arrays(moments))
        metadata = {"steps": self.steps, "learning_rate": self.optimizer.learning_rate}
        return arrays, {"rng": self.rng.bit_generator.state, **metadata}

    def load_optimizer_state(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        for name, moments in zip(self.parameters, self.optimizer.state, strict=True):
            for moment, array in unpack(arrays, name).items():
                moments[moment].copy_(torch.from_numpy(array).view_as(moments[moment]))
        if self.mean is not None:
            self._load(unpack(arrays, "trained"))
        self.optimizer.learning_rate = metadata["learning_rate"]
        self.steps = metadata["steps"]
        self.rng.bit_generator.state = metadata["rng"]


def _copies(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def _arrays(tensors: Mapping[str, torch.Tensor]) -> Arrays:
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}
