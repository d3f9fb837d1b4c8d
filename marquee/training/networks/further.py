"""Further steps of a trained network on the ratings of some users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marquee.data.ratings import with_rows
from marquee.training.loop import pack, unpack
from marquee.training.networks.trainer import TorchTrainer
from marquee.training.progress import Arrays

EPOCHS = 1  # over all ratings of the users who rated: more forgets what the others rated


def further_steps(
    trainer: TorchTrainer,
    weights: Arrays,
    by_user: Sequence[str],
    checkpoint: tuple[Arrays, Mapping[str, Any]] | None,
    rng: np.random.Generator,
) -> Arrays:
    """Return `weights` after `EPOCHS` of `trainer`.

    by_user     the names of those with a row for each user, of whom there may be more than in the checkpoint
    checkpoint  what the fit kept (`marquee.training.checkpoint`): the moments and the step size of its last
                epoch, from which the steps go on; None: as in a first epoch
    """
    trainer.load_weights(weights)
    if checkpoint is not None:
        arrays, metadata = checkpoint
        moments = unpack(arrays, "optimizer") | pack("trained", weights)
        for name in by_user:
            for key in (f"{name}/exp_avg", f"{name}/exp_avg_sq"):
                moments[key] = with_rows(moments[key], len(weights[name]))
        trainer.load_optimizer_state(moments, {**metadata["optimizer"], "rng": rng.bit_generator.state})
    for _ in range(EPOCHS):
        trainer.train_epoch()
    return trainer.weights()
