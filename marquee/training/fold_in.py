"""Vectors of users who were not in training: a loss on their history, and a prior from the trained users."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from marquee.data.ratings import Ratings
from marquee.parallel import single_threaded_blas

NEWTON_STEPS = 12  # the loss is convex, and its gradient is below 1e-6 after eight
LBFGS_STEPS = 40  # at most; a user's list no longer changes after about half of them

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


def fold_in_newton(
    histories: Ratings,
    users: np.ndarray,
    items: np.ndarray,
    bias: np.ndarray,
    per_positive: float,
    regularization: float = 0.0,
) -> np.ndarray:
    """Return float32 [max user + 1, dim]: for each user of `histories` the vector p that minimizes

        Σ over positives i of -ln σ(p·q_i + b_i)
        + n per_positive / (n_items - n) Σ over other items j of -ln (1 - σ(p·q_j + b_j))
        + ½ (p - m)ᵀ C⁻¹ (p - m)

    with n the user's number of positives, and m, C the mean and covariance of the trained `users`.
    The second term is the expectation over uniform negatives. Where training had a `regularization` λ by
    occurrence, the third is its λ/2 n (1 + per_positive) ‖p‖² instead. A user without a history gets m,
    the average taste. One user at a time: O(steps n_items dim²).
    """
    q = items.astype(np.float64)  # (n_items, dim)
    n_items, dim = q.shape
    mean, covariance = _prior(users)
    precision = np.linalg.inv(covariance)
    found = np.tile(mean, (int(histories.user.max(initial=-1)) + 1, 1))
    with single_threaded_blas():
        for user, rows in _rows_by_user(histories):
            n = len(rows)
            label = np.zeros(n_items)
            label[histories.item[rows]] = 1
            weight = np.where(label == 1, 1.0, n * per_positive / max(n_items - n, 1))
            center, curvature = mean, precision
            if regularization:
                center, curvature = np.zeros(dim), regularization * n * (1 + per_positive) * np.eye(dim)
            found[user] = _newton(found[user], q, bias, (label, weight), (center, curvature))
    return found.astype(np.float32)


def _newton(
    p: np.ndarray, q: np.ndarray, bias: np.ndarray, target: Sequence[np.ndarray], prior: Sequence[np.ndarray]
) -> np.ndarray:
    """Minimize the logistic loss of `target`, labels and weights, with `prior`, a mean and a precision.

    Starts from `p` and returns the minimum; steps are halved until the loss falls.
    """
    (label, weight), (mean, precision) = target, prior

    def loss(p: np.ndarray) -> float:
        s = q @ p + bias
        return float(weight @ (np.logaddexp(0, s) - label * s) + 0.5 * (p - mean) @ precision @ (p - mean))

    value = loss(p)
    for _ in range(NEWTON_STEPS):
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


def fold_in_lbfgs(
    histories: Ratings, users: np.ndarray, loss_of: Callable[[np.ndarray, np.ndarray], Loss]
) -> np.ndarray:
    """Return float32 [max user + 1, dim]: for each user of `histories` the vector x that minimizes

        loss(x) + ½ (x - m)ᵀ C⁻¹ (x - m)

    with m, C the mean and covariance of the trained `users` [n, dim], and loss = loss_of(items, ratings)
    of that user's rows, a function that returns its value and gradient [dim] at x. A user without rows
    gets m, the average taste. By L-BFGS from m on, one user at a time, on one BLAS thread.
    """
    from scipy.optimize import minimize

    mean, covariance = _prior(users)
    root = np.linalg.cholesky(covariance)  # x = m + root z makes the prior ½ z·z
    found = np.tile(mean, (int(histories.user.max(initial=-1)) + 1, 1))
    with single_threaded_blas():
        for user, rows in _rows_by_user(histories):
            loss = loss_of(histories.item[rows], histories.rating[rows])

            def whole(z: np.ndarray, loss: Loss = loss) -> tuple[float, np.ndarray]:
                value, gradient = loss(mean + root @ z)
                return value + 0.5 * float(z @ z), root.T @ gradient + z

            best = minimize(
                whole, np.zeros(len(mean)), jac=True, method="L-BFGS-B", options={"maxiter": LBFGS_STEPS}
            )
            found[user] = mean + root @ best.x
    return found.astype(np.float32)


def _prior(users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean [dim] and covariance [dim, dim] of the trained `users` [n, dim], in float64."""
    dim = users.shape[1]
    covariance = np.cov(users.T.astype(np.float64)).reshape(dim, dim) if len(users) > 1 else np.eye(dim)
    return users.mean(axis=0, dtype=np.float64), covariance + 1e-4 * np.eye(dim)


def _rows_by_user(ratings: Ratings) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each user who has ratings, ascending, with the numbers of their rows."""
    order = np.argsort(ratings.user, kind="stable")
    users, starts = np.unique(ratings.user[order], return_index=True)
    yield from zip(users.tolist(), np.split(order, starts[1:]), strict=True)
