"""Adam without the import of torch's compiler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

BETAS, EPSILON = (0.9, 0.999), 1e-8


class Adam:
    """Minimize as Kingma and Ba (2015), with an L2 penalty `weight_decay`, by torch's own fused update.

    `torch.optim.Adam` imports torch's compiler when it is constructed: more than a second in every fit.

    state  of each parameter: `step`, `exp_avg`, `exp_avg_sq`, named as in `torch.optim.Adam`
    """

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], learning_rate: float, weight_decay: float
    ) -> None:
        import torch

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

    def step(self) -> None:
        """Take one step along the gradients of the parameters; one without a gradient does not move."""
        import torch
        from torch.optim.adam import adam

        moved = [place for place, parameter in enumerate(self.parameters) if parameter.grad is not None]
        with torch.no_grad():
            step: Any = adam  # torch declares other types for its arguments
            step(
                [self.parameters[place] for place in moved],
                [self.parameters[place].grad for place in moved],
                *([self.state[place][name] for place in moved] for name in ("exp_avg", "exp_avg_sq")),
                [],
                [self.state[place]["step"] for place in moved],
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=self.learning_rate,
                weight_decay=self.weight_decay,
                eps=EPSILON,
                maximize=False,
            )
