"""Training of embeddings on positives and sampled negatives, at the cost of the rows in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from marquee.training.networks.trainer import TorchTrainer

if TYPE_CHECKING:
    from marquee.kernels.sparse_adam import Table


class SparseTrainer(TorchTrainer):
    """Adam on the loss `pair_loss` of a `MatrixFactorization` with sparse gradients.

    A step moves the rows that occur in its batch and no other. The moments of a row wait until it occurs
    again, and only then `weight_decay` applies; the bias corrections of the moments count all steps.
    Dense Adam would visit every row in each step. The learning curve shows the loss without the penalty.
    On the processor a compiled step does the same in the tensors' memory, on one thread.
    """

    compiled = True  # where there is a compiled step; a test compares both ways
    _tables: Sequence[Table] = ()

    def _step(self, *batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        users, items = batch
        if users.device.type != "cpu" or not self.compiled:
            return super()._step(*batch)[1:]
        from marquee.kernels.sparse_adam import step

        user, item, bias = self._tables = self._tables or self._share_memory(items.shape[1])
        rate, decay = self.optimizer.learning_rate, self.optimizer.weight_decay
        settings = (rate, self.steps, decay, self.regularization)
        total = step(users.numpy(), items.numpy(), user, item, bias, *settings)
        return (torch.tensor(total / items.numel(), dtype=torch.float64),)

    def _share_memory(self, width: int) -> list[Table]:
        """Return the tables of users, items and biases: their rows and moments, and a batch's gradients."""
        from marquee.kernels.sparse_adam import Table

        tables = []
        for name, n in (("user", 1), ("item", width), ("item_bias", width)):
            own = self.optimizer.state[list(self.parameters).index(f"{name}.weight")]
            three = self.parameters[f"{name}.weight"].detach(), own["exp_avg"], own["exp_avg_sq"]
            rows, mean, variance = (tensor.numpy() for tensor in three)
            tables.append(Table.of(rows, mean, variance, self.batch_size * n))
        return tables
