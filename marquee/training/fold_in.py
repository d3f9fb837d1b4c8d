"""User vectors for people who were not in training, under the logistic loss with uniform negatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marquee.data.ratings import Ratings
from marquee.parallel import single_threaded_blas

STEPS = 12  # Newton steps; the loss is convex and the gradient below 1e-6 after eight


def fold_in_newton(
    histories: Ratings,
    users: np.ndarray,
    items: np.ndarray,
    bias: np.ndarray,
    per_positive: float,
    regularization: float = 0.0,
) -> np.ndarray:
    """float32 [max user + 1, dim]: for each person of `histories` the vector p that minimises

        Σ over positives i of -ln σ(p·q_i + b_i)
        + n per_positive / (n_items - n) Σ over other items j of -ln (1 - σ(p·q_j + b_j))
        + ½ (p - m)ᵀ C⁻¹ (p - m)

    with n the person's number of positives, and m, C the mean and covariance of the trained `users`.
    The second term is the expectation over uniform negatives. Where training had a `regularization` λ by
    occurrence, the third is its λ/2 n (1 + per_positive) ‖p‖² instead. Someone without any history gets
    the average taste, m. One person at a time: O(steps n_items dim²).
    """
    q = items.astype(np.float64)  # (n_items, dim)
    n_people, (n_items, dim) = int(histories.user.max(initial=-1)) + 1, q.shape
    mean = users.mean(axis=0, dtype=np.float64)
    spread = np.cov(users.T.astype(np.float64)).reshape(dim, dim) if len(users) > 1 else np.eye(dim)
    precision = np.linalg.inv(spread + 1e-4 * np.eye(dim))
    found = np.tile(mean, (n_people, 1))
    order = np.argsort(histories.user, kind="stable")
    ends = np.cumsum(np.bincount(histories.user, minlength=n_people))
    with single_threaded_blas():
        for person in np.unique(histories.user):
            positives = histories.item[order[ends[person - 1] if person else 0 : ends[person]]]
            n = len(positives)
            label = np.zeros(n_items)
            label[positives] = 1
            weight = np.where(label == 1, 1.0, n * per_positive / max(n_items - n, 1))
            around, pull = mean, precision
            if regularization:
                around, pull = np.zeros(dim), regularization * n * (1 + per_positive) * np.eye(dim)
            found[person] = _newton(found[person], q, bias, label, weight, around, pull)
    return found.astype(np.float32)


def _newton(
    p: np.ndarray,
    q: np.ndarray,
    bias: np.ndarray,
    label: np.ndarray,
    weight: np.ndarray,
    mean: np.ndarray,
    precision: np.ndarray,
) -> np.ndarray:
    """The minimum of the weighted logistic loss with the Gaussian prior, from `p` on; steps are halved
    until the loss falls."""

    def loss(p: np.ndarray) -> float:
        s = q @ p + bias
        return float(weight @ (np.logaddexp(0, s) - label * s) + 0.5 * (p - mean) @ precision @ (p - mean))

    value = loss(p)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(q @ p + bias)))
        gradient = q.T @ (weight * (chance - label)) + precision @ (p - mean)
        curvature = (q.T * (weight * chance * (1 - chance))) @ q + precision
        step = np.linalg.solve(curvature, gradient)
        for _ in range(30):
            if loss(p - step) <= value:
                break
            step = step / 2
        else:
            break
        p = p - step
        value = loss(p)
    return p


STEPS = 40  # of L-BFGS at most; a person's list no longer moves after about half of them

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


def fold_in_lbfgs(
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
    with single_threaded_blas():
        for person in np.unique(histories.user):
            rows = order[ends[person - 1] if person else 0 : ends[person]]
            loss = loss_of(histories.item[rows], histories.rating[rows])

            def whole(z: np.ndarray, loss: Loss = loss) -> tuple[float, np.ndarray]:
                value, gradient = loss(mean + root @ z)
                return value + 0.5 * float(z @ z), root.T @ gradient + z

            best = minimize(whole, np.zeros(dim), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
            found[person] = mean + root @ best.x
    return found.astype(np.float32)
