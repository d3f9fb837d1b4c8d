"""The one loop that every iterative fit runs in: epochs, early stopping, checkpoint and resume."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from marquee.errors import MarqueeError
from marquee.training.progress import Arrays, Progress


class Trainer(ABC):
    """Train one epoch at a time, with a state that can be saved and restored.

    As written here, it moves the arrays of `model` themselves and needs no further state.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    @abstractmethod
    def train_epoch(self) -> Mapping[str, float]:
        """Train for one epoch, and return what the learning curve shows of it, such as {"loss": 0.41}."""

    def weights(self) -> Arrays:
        """Return copies of the model's arrays."""
        return {name: getattr(self.model, name).copy() for name in self.model.arrays}

    def load_weights(self, arrays: Arrays) -> None:
        """Restore what `weights` returned."""
        vars(self.model).update(arrays)

    def optimizer_state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return what training needs to go on beside the weights: moments, generator states."""
        return {}, {}

    def load_optimizer_state(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:  # noqa: B027
        """Restore what `optimizer_state` returned."""

    def close(self) -> None:  # noqa: B027
        """Free what training holds beside the model; `with` does it at the end of the block."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def train_epochs(
    trainer: Trainer,
    epochs: int,
    patience: int,
    validate: Callable[[], float] | None,
    progress: Progress,
    higher_is_better: bool = True,
) -> int:
    """Train for up to `epochs` epochs, leave `trainer` with the best checkpoint, and return its epoch.

    Stops after `patience` epochs without a better `validate()`; without validation the last epoch is best.
    After each epoch a checkpoint goes to `progress`. A fit that finds one continues there and ends with
    the bytes of an undisturbed run; one that does not fit this trainer counts as absent. Raises MarqueeError
    when the loss is no longer finite.
    """
    first, best_epoch, best_value, best = 1, 0, -math.inf, trainer.weights()
    if restored := progress.restore():
        untrained = trainer.optimizer_state()
        try:
            first, best_epoch, best_value, best = _continue(trainer, *restored)
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            progress.discard(error)
            trainer.load_weights(best)
            trainer.load_optimizer_state(*untrained)
    for epoch in range(first, epochs + 1):
        if epoch - best_epoch > patience and validate is not None:
            break
        values = dict(trainer.train_epoch())
        if not all(map(math.isfinite, values.values())):
            raise MarqueeError(
                f"the loss is not finite in epoch {epoch}: lower learning_rate or regularize more strongly"
            )
        value = float(epoch)
        if validate is not None:
            values["validation"] = validate()
            value = values["validation"] if higher_is_better else -values["validation"]
        if value > best_value:
            best_epoch, best_value, best = epoch, value, trainer.weights()
        progress.report(epoch, epochs, values)
        moments, state = trainer.optimizer_state()
        progress.save(
            {**pack("now", trainer.weights()), **pack("best", best), **pack("optimizer", moments)},
            {"epoch": epoch, "best_epoch": best_epoch, "best_value": best_value, "optimizer": state},
        )
    trainer.load_weights(best)
    return best_epoch


def _continue(
    trainer: Trainer, arrays: Arrays, metadata: Mapping[str, Any]
) -> tuple[int, int, float, Arrays]:
    """Restore `trainer`, and return the next epoch, the best one, its value and its weights."""
    now, best, moments = (unpack(arrays, part) for part in ("now", "best", "optimizer"))
    shapes = {name: (array.shape, array.dtype) for name, array in trainer.weights().items()}
    for weights in (now, best):
        if {name: (array.shape, array.dtype) for name, array in weights.items()} != shapes:
            raise ValueError("its weights have other shapes")
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise ValueError("a weight is not finite")
    numbers = int(metadata["epoch"]) + 1, int(metadata["best_epoch"]), float(metadata["best_value"])
    trainer.load_weights(now)
    trainer.load_optimizer_state(moments, metadata["optimizer"])
    return *numbers, best


def pack(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def unpack(arrays: Arrays, prefix: str) -> Arrays:
    return {
        name.partition("/")[2]: np.array(array)
        for name, array in arrays.items()
        if name.partition("/")[0] == prefix
    }
