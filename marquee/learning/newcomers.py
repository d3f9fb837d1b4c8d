"""User vectors for people who were not in training, where the items' side has any differentiable form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marquee.foundation.interactions import Ratings
from marquee.foundation.threads import one_blas_thread

STEPS = 40  # of L-BFGS at most; a person's list no longer moves after about half of them

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


def newcomers(
    histories: Ratings, users: np.ndarray, loss_of: Callable[[np.ndarray, np.ndarray], Loss]
) -> np.ndarray:
    """float32 [max user + 1, dim]: for each person of `histories` the vector x that minimises

        loss(x) + ½ (x - m)ᵀ C⁻¹ (x - m)

    with m, C the mean and covariance of the trained `users` [n, dim], and loss = loss_of(items, ratings)
    of that person's rows, a function that gives its value and gradient [dim] at x. Someone without rows
    gets m, the average taste. By L-BFGS from m on, one person at a time, on one BLAS thread.
    """
    from scipy.optimize import minimize

    dim = users.shape[1]
    mean = users.mean(axis=0, dtype=np.float64)
    spread = np.cov(users.T.astype(np.float64)).reshape(dim, dim) if len(users) > 1 else np.eye(dim)
    root = np.linalg.cholesky(spread + 1e-4 * np.eye(dim))  # x = m + root z makes the prior ½ z·z
    n_people = int(histories.user.max(initial=-1)) + 1
    found = np.tile(mean, (n_people, 1))
    order = np.argsort(histories.user, kind="stable")
    ends = np.cumsum(np.bincount(histories.user, minlength=n_people))
    with one_blas_thread():
        for person in np.unique(histories.user):
            rows = order[ends[person - 1] if person else 0 : ends[person]]
            loss = loss_of(histories.item[rows], histories.rating[rows])

            def whole(z: np.ndarray, loss: Loss = loss) -> tuple[float, np.ndarray]:
                value, gradient = loss(mean + root @ z)
                return value + 0.5 * float(z @ z), root.T @ gradient + z

            best = minimize(whole, np.zeros(dim), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
            found[person] = mean + root @ best.x
    return found.astype(np.float32)
