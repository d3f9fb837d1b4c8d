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
        for sparse, update in ((False, self._dense), (True, self._sparse)):
            moved = [
                place
                for place, parameter in enumerate(self.parameters)
                if parameter.grad is not None and parameter.grad.is_sparse == sparse
            ]
            if moved:
                parameters, states = [self.parameters[p] for p in moved], [self.state[p] for p in moved]
                update(parameters, *([state[name] for state in states] for name in states[0]))

    def _dense(self, parameters: list[Any], steps: list[Any], *moments: list[Any]) -> None:
        update: Any = dense.adam  # torch declares other types for its arguments
        update(
            parameters,
            [parameter.grad for parameter in parameters],
            *moments,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def _sparse(self, parameters: list[Any], steps: list[Any], *moments: list[Any]) -> None:
        gradients = []
        for parameter, step in zip(parameters, steps, strict=True):
            step += 1
            gradient = parameter.grad.coalesce()
            rows = gradient.indices()[0]
            gradient.values().add_(parameter[rows], alpha=self.weight_decay)
            gradients.append(gradient)
        update: Any = _functional.sparse_adam
        update(
            parameters,
            gradients,
            *moments,
            [int(step) for step in steps],
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.learning_rate,
            eps=EPSILON,
            maximize=False,
        )
