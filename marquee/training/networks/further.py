"""Further steps of a trained network on the ratings of the users who rated since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from marquee.data.changes import UpdateData
from marquee.data.ratings import replaced, with_rows
from marquee.training.loop import pack, unpack
from marquee.training.networks.trainer import TorchTrainer
from marquee.training.progress import Arrays

EPOCHS = 1  # over all ratings of the users who rated: more forgets what the others rated


def learn_on(model: Any, data: UpdateData, rng: np.random.Generator) -> Arrays:
    """Return the weights of a `NetworkRecommender` after steps on all ratings of the users who rated.

    A new user begins with the vectors of a fold-in. Layers that all share move, too, but of the embeddings
    only those of touched users and items.
    """
    changes, tables = data.changes, model.tables("user")
    new = changes.users[changes.users >= len(model.weights[tables[0]])]
    began = model.weights | {name: with_rows(model.weights[name], model.n_users) for name in tables}
    if len(new):
        rows = changes.of_users(new)
        view = model.fold_in(replace(rows, user=np.searchsorted(new, rows.user).astype(np.int32)))
        for name in tables:
            began[name][new] = view.weights[name]
    rows = changes.of_users()
    if not len(rows):  # all that they liked is withdrawn
        return began
    trainer = model._trainer(rows, rng, fresh=False)
    moved = further_steps(trainer, began, tables, data.checkpoint, rng)
    for side, touched in (("user", changes.users), ("item", changes.items)):
        for name in model.tables(side):
            moved[name] = replaced(began[name], touched, moved[name][touched])
    return moved


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
