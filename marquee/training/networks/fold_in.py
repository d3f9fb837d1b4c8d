"""Vectors of users who were not in training: a loss on their history, by autograd, and a prior."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from marquee.data.ratings import Ratings
from marquee.parallel import single_threaded_blas

STEPS = 40  # of L-BFGS at most; a user's list no longer changes after about half of them

Loss = Callable[[torch.Tensor], torch.Tensor]  # of a vector, or of the scores that it gives


class Prior(NamedTuple):
    """State the Gaussian prior of x = mean + root z with z ~ N(0, I), float64 [d] and [d, d]."""

    mean: np.ndarray
    root: np.ndarray


def trained_prior(users: np.ndarray) -> Prior:
    """Return the prior with the mean and the covariance of the trained `users` [n, d]."""
    d = users.shape[1]
    covariance = np.cov(users.T.astype(np.float64)).reshape(d, d) if len(users) > 1 else np.eye(d)
    return Prior(users.mean(axis=0, dtype=np.float64), np.linalg.cholesky(covariance + 1e-4 * np.eye(d)))


def fold_in(
    histories: Ratings, loss_of: Callable[[np.ndarray, np.ndarray], Loss], prior: Callable[[int], Prior]
) -> np.ndarray:
    """Return float32 [max user + 1, d]: for each user of `histories` the vector x that minimizes

        loss(x) + ½ (x - m)ᵀ C⁻¹ (x - m)

    with loss = loss_of(items, ratings) of the user's n rows, and m, C those of prior(n). A user without rows
    gets the m of prior(0). By L-BFGS from m on, one user at a time, on one BLAS thread, in float64.
    """
    found = np.tile(prior(0).mean, (int(histories.user.max(initial=-1)) + 1, 1))
    with single_threaded_blas():
        for user, rows in _rows_by_user(histories):
            loss = loss_of(histories.item[rows], histories.rating[rows])
            found[user] = _minimum(loss, prior(len(rows)))
    return found.astype(np.float32)


def _minimum(loss: Loss, prior: Prior) -> np.ndarray:
    """Return the x [d] that minimizes loss(x) + ½ ‖z‖² with x = mean + root z."""
    from scipy.optimize import minimize

    mean, root = map(torch.from_numpy, prior)

    def whole(at: np.ndarray) -> tuple[float, np.ndarray]:
        z = torch.from_numpy(at).requires_grad_()
        value = loss(mean + root @ z) + z @ z / 2
        return value.item(), torch.autograd.grad(value, z)[0].numpy()

    limits = {"maxiter": STEPS, "ftol": 1e-10, "gtol": 1e-6}
    best = minimize(whole, np.zeros(len(mean)), jac=True, method="L-BFGS-B", options=limits)
    return prior.mean + prior.root @ best.x


def fold_in_network(
    network: nn.Module,
    names: Sequence[str],
    histories: Ratings,
    per_positive: int = 0,
    noise: float = 1.0,
    penalty: float = 0.0,
) -> dict[str, np.ndarray]:
    """Return the users' embeddings of `network`, whose `names` are given: float32 [max user + 1, d] by name.

    They minimize (`fold_in`) the loss that the network was trained on, everything else fixed:

        without `per_positive`   Σ over the user's ratings (r - s(u, i))² / (2 noise)
        else, n positives        Σ over positives i of -ln σ(s(u, i))
                                 + n per_positive / (n_items - n) Σ over other items of -ln (1 - σ(s(u, j)))

    the second sum being the expectation over uniform negatives. The prior has the mean and the covariance of
    the trained users or, with `penalty`, is penalty/2 n (1 + per_positive) ‖x‖², that of training.
    """
    weights = dict(network.named_parameters())
    tables = {name: weights.pop(name) for name in names}
    fixed = {name: weight.double() for name, weight in weights.items()}
    widths = [table.shape[1] for table in tables.values()]
    n_items = next(len(weight) for name, weight in fixed.items() if name.endswith("item.weight"))
    trained = trained_prior(torch.hstack(list(tables.values())).numpy())
    user = torch.zeros(1, dtype=torch.int64)

    def prior(n: int) -> Prior:
        if not penalty or not n:
            return trained
        return Prior(np.zeros(sum(widths)), np.eye(sum(widths)) * (penalty * n * (1 + per_positive)) ** -0.5)

    def loss_of(items: np.ndarray, ratings: np.ndarray) -> Loss:
        rated = torch.from_numpy(items).long()
        if per_positive:
            label = torch.zeros(n_items, dtype=torch.float64).index_fill(0, rated, 1)
            others = len(items) * per_positive / max(n_items - len(items), 1)
            weight, asked = torch.where(label == 1, 1, others), torch.arange(n_items)
        else:
            target, asked = torch.from_numpy(ratings).double(), rated

        def loss(x: torch.Tensor) -> torch.Tensor:
            own = {name: part[None] for name, part in zip(tables, x.split(widths), strict=True)}
            scores = functional_call(network, fixed | own, (user, asked))[0]  # (len(asked),)
            if per_positive:
                return F.binary_cross_entropy_with_logits(scores, label, weight, reduction="sum")
            return (scores - target).square().sum() / (2 * noise)

        return loss

    found = fold_in(histories, loss_of, prior)
    parts = np.split(found, np.cumsum(widths)[:-1], axis=1)
    return dict(zip(tables, map(np.ascontiguousarray, parts), strict=True))


def _rows_by_user(ratings: Ratings) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each user who has ratings, ascending, with the numbers of their rows."""
    order = np.argsort(ratings.user, kind="stable")
    users, starts = np.unique(ratings.user[order], return_index=True)
    yield from zip(users.tolist(), np.split(order, starts[1:]), strict=True)
