"""The one loop that every iterative fit runs in: epochs, early stopping, checkpoint and resume."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from marquee.errors import MarqueeError
from marquee.recommenders.base import Arrays, Progress


class Trainer(Protocol):
    """What is trained: one epoch at a time, with a state that can be put down and taken up again."""

    def train_epoch(self) -> Mapping[str, float]:
        """One pass over the data; what to show of it, such as {"loss": .41}."""

    def weights(self) -> Arrays:
        """Copies of what the model is made of."""

    def load_weights(self, arrays: Arrays) -> None:
        """Take `weights` back."""

    def optimizer_state(self) -> tuple[Arrays, dict[str, Any]]:
        """What further training needs beside the weights: optimizer moments, generator states."""

    def load_optimizer_state(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        """Take `memory` back."""


def train_epochs(
    trainee: Trainer,
    epochs: int,
    patience: int,
    validate: Callable[[], float] | None,
    progress: Progress,
    metric: str = "validation",
    higher_is_better: bool = True,
) -> int:
    """Train up to `epochs` epochs and leave `trainee` with the weights of the best one, which is returned.

    Stops after `patience` epochs without a better `validate()`; without a validation the last epoch counts.
    After each epoch a checkpoint goes to `progress`; a fit that finds one continues there and ends with
    the bytes of an undisturbed run. Raises MarqueeError when the loss is no longer finite.
    """
    first, best_epoch, best_value, best = 1, 0, -math.inf, trainee.weights()
    restored = progress.restore()
    if restored is not None:
        arrays, metadata = restored
        first, best_epoch, best_value = metadata["epoch"] + 1, metadata["best_epoch"], metadata["best_value"]
        trainee.load_weights(_unpack(arrays, "now"))
        trainee.load_optimizer_state(_unpack(arrays, "memory"), metadata["memory"])
        best = _unpack(arrays, "best")
    for epoch in range(first, epochs + 1):
        if epoch - best_epoch > patience and validate is not None:
            break
        values = dict(trainee.train_epoch())
        if not all(map(math.isfinite, values.values())):
            raise MarqueeError(f"the loss is not finite in epoch {epoch}; lower the learning_rate")
        value = float(epoch)
        if validate is not None:
            values[metric] = validate()
            value = values[metric] if higher_is_better else -values[metric]
        if value > best_value:
            best_epoch, best_value, best = epoch, value, trainee.weights()
        progress.report(epoch, epochs, values)
        memory, state_metadata = trainee.optimizer_state()
        progress.save(
            {**_pack("now", trainee.weights()), **_pack("best", best), **_pack("memory", memory)},
            {"epoch": epoch, "best_epoch": best_epoch, "best_value": best_value, "memory": state_metadata},
        )
    trainee.load_weights(best)
    return best_epoch


def _pack(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def _unpack(arrays: Arrays, prefix: str) -> Arrays:
    return {
        name.partition("/")[2]: np.array(array)
        for name, array in arrays.items()
        if name.partition("/")[0] == prefix
    }
