"""Adam without the import of torch's compiler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.optim import _functional
from torch.optim import adam as dense

BETAS, EPSILON = (0.9, 0.999), 1e-8
dense_adam: Any = dense.adam  # torch declares other types for the arguments
sparse_adam: Any = _functional.sparse_adam


class Adam:
    """Minimize as Kingma and Ba (2015), with an L2 penalty `weight_decay`, by torch's own updates.

    Dense gradients get the fused update of `torch.optim.Adam`, sparse ones that of `SparseAdam`: rows without
    a gradient rest, and the penalty, too. Both classes import torch's compiler when they are constructed,
    more than a second in every fit.

    state  of each parameter: `step`, `exp_avg`, `exp_avg_sq`, named as in `torch.optim.Adam`
    """

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], learning_rate: float, weight_decay: float
    ) -> None:
        self.parameters = list(parameters)
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.state: list[dict[str, torch.Tensor]] = [
            {
                "step": torch.zeros((), device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
            }
            for parameter in self.parameters
        ]

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Take one step along the gradients of the parameters; one without a gradient does not move."""
        constants = {"beta1": BETAS[0], "beta2": BETAS[1], "lr": self.learning_rate, "eps": EPSILON}
        moved: list[tuple[torch.Tensor, ...]] = []  # parameter, gradient, step and moments of dense ones
        for parameter, state in zip(self.parameters, self.state, strict=True):
            if parameter.grad is None:
                continue
            if not parameter.grad.is_sparse:
                moved.append((parameter, parameter.grad, *state.values()))
                continue
            gradient, (step, mean, variance) = parameter.grad.coalesce(), state.values()
            gradient.values().add_(parameter[gradient.indices()[0]], alpha=self.weight_decay)
            columns = ([one] for one in (parameter, gradient, mean, variance, int(step.add_(1))))
            sparse_adam(*columns, **constants, maximize=False)
        if moved:
            parameters, gradients, steps, means, variances = map(list, zip(*moved, strict=True))
            more = {"fused": True, "amsgrad": False, "maximize": False, "weight_decay": self.weight_decay}
            dense_adam(parameters, gradients, means, variances, [], steps, **constants, **more)
