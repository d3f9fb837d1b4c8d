"""Adam without the import of torch's compiler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.optim import _functional
from torch.optim import adam as dense

BETAS, EPSILON = (0.9, 0.999), 1e-8


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
        for sparse in (False, True):
            moved = [
                (parameter, state)
                for parameter, state in zip(self.parameters, self.state, strict=True)
                if parameter.grad is not None and parameter.grad.is_sparse == sparse
            ]
            if not moved:
                continue
            parameters, states = map(list, zip(*moved, strict=True))
            means, variances = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))
            steps: list[Any] = [state["step"] for state in states]
            if sparse:
                gradients = [self._penalized(parameter) for parameter in parameters]
                steps = [int(step.add_(1)) for step in steps]
                update: Any = _functional.sparse_adam  # torch declares other types for its arguments
                update(parameters, gradients, means, variances, steps, **constants, maximize=False)
            else:
                gradients = [parameter.grad for parameter in parameters]
                more = {"fused": True, "amsgrad": False, "maximize": False, "weight_decay": self.weight_decay}
                update = dense.adam
                update(parameters, gradients, means, variances, [], steps, **constants, **more)

    def _penalized(self, parameter: torch.nn.Parameter) -> torch.Tensor:
        """Return the sparse gradient with the penalty of its rows."""
        assert parameter.grad is not None
        gradient = parameter.grad.coalesce()
        gradient.values().add_(parameter[gradient.indices()[0]], alpha=self.weight_decay)
        return gradient
