"""Training of embeddings on positives and sampled negatives, at the cost of the rows in a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from marquee.training.sampled_loss import logistic_loss
from marquee.training.torch_trainer import TorchTrainer

if TYPE_CHECKING:
    import torch

    from marquee.kernels.sparse_adam import Table

    Moments = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # and Adam's two moments of them

SIDES = ("user", "item", "bias")


class SparseTrainer(TorchTrainer):
    """Adam on `logistic_loss` of p_u · q_i + b_i, for the batches of `epoch_tensors`: users, and their items.

    A step moves the rows that occur in its batch and no other. The moments of a row wait until it occurs
    again, and only then `weight_decay` applies; the bias corrections of the moments count all steps (as
    torch's SparseAdam; dense Adam would visit every row in each step). `regularization` is the λ of
    `mf_bce`: it applies as often as a row occurs.
    On the processor a compiled step works in the tensors' memory, on one thread; on a GPU torch does it.

    module  a ParameterDict with user [n_users, dim], item [n_items, dim] and bias [n_items]
    """

    def __init__(
        self,
        module: torch.nn.ParameterDict,
        epoch_tensors: Callable[[], tuple[torch.Tensor, ...]],
        rng: np.random.Generator,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        regularization: float,
        ema_decay: float,
    ) -> None:
        own: Callable[..., tuple[torch.Tensor, ...]] = self._step  # it computes the loss itself
        super().__init__(module, epoch_tensors, own, rng, batch_size, learning_rate, ema_decay=ema_decay)
        self.weight_decay, self.regularization = weight_decay, regularization
        self._tables: list[Table] = []

    def _step(self, *batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        import torch

        users, items = batch
        rate = self.optimizer.learning_rate
        settings = (rate, self.steps, self.weight_decay, self.regularization)
        if users.device.type != "cpu":
            return (torch_step(users, items, self._arrays(), *settings),)
        from marquee.kernels.sparse_adam import step

        user, item, bias = self._tables = self._tables or self._share_memory(items.shape[1])
        total = step(users.numpy(), items.numpy(), user, item, bias, *settings)
        return (torch.tensor(total / items.numel(), dtype=torch.float64),)

    def _arrays(self) -> list[Moments]:
        """Return the tensors of users, items and bias, each with its moments."""
        both = zip(self.module.named_parameters(), self.optimizer.state, strict=True)
        rows = {name: (w.detach(), own["exp_avg"], own["exp_avg_sq"]) for (name, w), own in both}
        return [rows[name] for name in SIDES]

    def _share_memory(self, width: int) -> list[Table]:
        from marquee.kernels.sparse_adam import Table

        tables = []
        for three, n in zip(self._arrays(), (1, width, width), strict=True):
            rows, mean, variance = (tensor.numpy().reshape(len(tensor), -1) for tensor in three)
            tables.append(Table.of(rows, mean, variance, self.batch_size * n))
        return tables


def torch_step(
    users: torch.Tensor,
    items: torch.Tensor,
    tables: Sequence[Moments],
    rate: float,
    number: int,
    decay: float,
    penalty: float,
) -> torch.Tensor:
    """Take `sparse_adam.step` in torch, on any device, for users [b] and items [b, 1 + per_positive].

    Moves `tables`, of users, items and bias, and returns the mean loss over the pairs before that.
    """
    from marquee.kernels.sparse_adam import BETAS, EPSILON

    user, item, bias = tables
    users, l2 = users.long(), penalty / items.numel()
    flat = items.flatten().long()
    p = user[0][users]  # (b, dim)
    q = item[0][flat].unflatten(0, items.shape)  # (b, 1 + per_positive, dim)
    logits = (q @ p[:, :, None])[..., 0] + bias[0][flat].view(items.shape)
    slope = logits.sigmoid()  # (b, 1 + per_positive)
    slope[:, 0] -= 1
    slope /= items.numel()
    of_users = (slope[:, None] @ q)[:, 0] + items.shape[1] * l2 * p
    of_items = slope[..., None] * p[:, None] + l2 * q
    gradients = ((users, of_users), (flat, of_items.flatten(0, 1)), (flat, slope.flatten()))
    for (rows, mean, variance), (index, each) in zip(tables, gradients, strict=True):
        touched, place = index.unique(return_inverse=True)
        gradient = rows[touched] * decay
        gradient.index_put_((place,), each, accumulate=True)  # sorted on a GPU: the same sums each time
        mean[touched] = mean[touched].lerp(gradient, 1 - BETAS[0])
        variance[touched] = variance[touched].lerp(gradient.square(), 1 - BETAS[1])
        length = rate * (1 - BETAS[1] ** number) ** 0.5 / (1 - BETAS[0] ** number)
        rows[touched] -= length * mean[touched] / (variance[touched].sqrt() + EPSILON)
    return logistic_loss(logits)
