"""Regularized least squares for many rows at once: the solve of alternating least squares.

Import it inside a function: numba loads in a second, and compiles the first time only.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from marquee.kernels.jit import njit, prange
from marquee.kernels.prefetch import prefetch
from marquee.parallel import single_threaded_blas

CHUNKS = 64  # parts with about equal numbers of entries; each has memory for its longest row's features
TILE = 64  # entries that are summed in float32, before the sum is added in float64
LANES = 8  # features are padded to a multiple: no vector instruction is left half full
STRANDS = 4  # entries that are multiplied together, with one load of the vector
LINE = 16  # float32 in a cache line
AHEAD = 8  # entries between the prefetch of a row of features and its use: half a page of cache lines
TOLERANCE = 1e-6  # of the residual, against the right-hand side


class Rotated(NamedTuple):
    """Hold features in the axes in which αYᵀY is diagonal: they serve all rows, and every later call.

    features  float32 [n_columns, dim]: y, as they were given
    rotated   float32 [n_columns, width]: padded to whole lanes
    gram      float64 [dim - lead, dim - lead]: YᵀY without the lead
    common    float64 [dim - lead]: its eigenvalues, and `axes` its eigenvectors
    """

    features: np.ndarray
    rotated: np.ndarray
    gram: np.ndarray
    common: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, lead: int = 0) -> Self:
        n_columns, dim = features.shape
        rotated = np.zeros((n_columns, -(-dim // LANES) * LANES), np.float32)
        with single_threaded_blas():
            gram = (features[:, lead:].T @ features[:, lead:]).astype(np.float64)
            common, axes = np.linalg.eigh(gram)
            np.matmul(features[:, lead:], axes.astype(np.float32), out=rotated[:, lead:dim])
        rotated[:, :lead] = features[:, :lead]
        return cls(features, rotated, gram, common, axes)

    def for_rows(self) -> Rotated:
        """Return what a solve reads of it: all but the features as they were given."""
        return self._replace(features=self.features[:0])


def solve_rows(
    offsets: np.ndarray,
    columns: np.ndarray,
    targets: np.ndarray,
    features: np.ndarray | Rotated,
    penalty: np.ndarray,
    prior: np.ndarray,
    everywhere: float = 0.0,
    shift: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 [n_rows, dim]: for each row r of a CSR matrix the vector x that minimizes

        Σ over its entries (w, t, j) of w (t - s_j - x·y_j)²
        + α Σ over all columns (x·y_j)² + Σ_k penalty_rk (x_k - prior_rk)²

    and float64 [n_rows]: the minima. Each x solves (α YᵀY + Σ w y_j y_jᵀ + diag(penalty_r)) x =
    Σ w (t - s_j) y_j + penalty_r ∘ prior_r, by conjugate gradients (Hestenes and Stiefel, 1952) from the
    prior on, until the residual is `TOLERANCE` of the first one. A step visits the row's features, gathered
    once, so a row of n entries takes 2 n dim for each of some ten steps, where its matrix alone would take
    n dim². Steps are few
    because features are rotated to the axes of YᵀY, in which every row's system is nearly diagonal, and
    scaled by that diagonal (Jacobi). One thread solves a row from beginning to end, so the bytes do not
    depend on the number of threads. Memory: 4 n_columns dim bytes, and for each thread 4 n dim.

    offsets, columns, targets  int64 [n_rows + 1], int32 [n_entries], float32 [n_entries]: t and j by row
    features                   float32 [n_columns, dim]: y; or `Rotated`, where they stay the same
    penalty                    float64 [n_rows, 1 + lead], all positive: of each of the first `lead` numbers
                               of x, which are not rotated, and of every other; with a lead, α must be 0
    prior                      float32 [n_rows, dim], or [1, dim] for all rows
    everywhere                 α (implicit ALS)
    shift                      float32 [n_columns]: s; None: 0
    weights                    float32 [n_entries], not negative: w; None: 1
    """
    lead = penalty.shape[1] - 1
    given = features if isinstance(features, Rotated) else Rotated.of(features, lead)
    dim, rotated, axes = given.features.shape[1], given.rotated, given.axes
    along = np.zeros(rotated.shape[1])  # α YᵀY, which is diagonal now
    along[lead:dim] = everywhere * given.common
    entries = np.linspace(0, offsets[-1], CHUNKS + 1)[1:-1]
    bounds = np.concatenate([[0], np.searchsorted(offsets, entries), [len(offsets) - 1]])
    shift = np.zeros(len(rotated), np.float32) if shift is None else shift
    roots = None if weights is None else np.sqrt(weights)
    return _solve_rows(offsets, columns, targets, rotated, penalty, prior, along, axes, shift, bounds, roots)


@njit(cache=True, parallel=True, fastmath={"contract"})
def _solve_rows(
    offsets: np.ndarray,
    columns: np.ndarray,
    targets: np.ndarray,
    features: np.ndarray,
    penalty: np.ndarray,
    prior: np.ndarray,
    common: np.ndarray,
    axes: np.ndarray,
    shift: np.ndarray,
    bounds: np.ndarray,
    roots: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    n_rows, width, dim, lead = len(offsets) - 1, features.shape[1], prior.shape[1], penalty.shape[1] - 1
    solved, minima, back = np.empty((n_rows, dim), np.float32), np.empty(n_rows), axes.T.copy()
    for chunk in prange(len(bounds) - 1):
        rows = range(bounds[chunk], bounds[chunk + 1])
        longest = 0
        for row in rows:
            longest = max(longest, offsets[row + 1] - offsets[row])
        own = np.empty((longest + STRANDS - 1, width), np.float32)  # the features of a row's entries
        weight, x, found = np.ones(width), np.zeros(width), np.empty(width)
        for row in rows:
            before = prior[min(row, len(prior) - 1)]
            for k in range(dim):
                weight[k] = penalty[row, min(k, lead)]
                x[k] = before[k] if k < lead else 0.0
            for m in range(lead, dim):
                if before[m] != 0:
                    for k in range(lead, dim):
                        x[k] += axes[m - lead, k - lead] * before[m]
            first, last = offsets[row], offsets[row + 1]
            minima[row] = _solve(
                columns[first:last],
                targets[first:last],
                features,
                shift,
                weight,
                common,
                own,
                x,
                roots,
                first,
            )
            found[:] = x
            found[lead:] = 0
            for m in range(lead, dim):
                for k in range(lead, dim):
                    found[k] += back[m - lead, k - lead] * x[m]
            for k in range(dim):
                solved[row, k] = found[k]
    return solved, minima


@njit(cache=True, fastmath={"contract", "reassoc", "nsz"})
def _solve(
    columns: np.ndarray,
    targets: np.ndarray,
    features: np.ndarray,
    shift: np.ndarray,
    penalty: np.ndarray,
    common: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    roots: np.ndarray | None,
    offset: int,
) -> float:
    """Replace the prior in `x` [width] by the solution of one row; return the minimum. Overwrites `own`.

    `offset` is where the row's own part of `roots` begins, the roots of its entries' weights.
    """
    n, width = len(columns), len(x)
    residual, step, product = np.empty(width), np.empty(width, np.float32), np.empty(width)
    straight, change = penalty + common, np.zeros(width)
    diagonal = straight.copy()
    minimum = _gather(columns, targets, features, shift, x, own, residual, diagonal, roots, offset)
    easy = 1 / diagonal
    size = 0.0  # of the residual, in the norm of the preconditioner
    for k in range(width):
        minimum += common[k] * x[k] * x[k]
        residual[k] -= common[k] * x[k]
        step[k] = residual[k] * easy[k]
        size += residual[k] * residual[k] * easy[k]
    start, enough, steps = residual.copy(), TOLERANCE * TOLERANCE * size, 0
    while size > enough and steps < 4 * width:
        _multiply(own, n, step, product)
        curvature = 0.0
        for k in range(width):
            product[k] += straight[k] * step[k]
            curvature += step[k] * product[k]
        if curvature <= 0:  # the residual is too small for a float32
            break
        length, before, size = size / curvature, size, 0.0
        for k in range(width):
            change[k] += length * step[k]
            residual[k] -= length * product[k]
            size += residual[k] * residual[k] * easy[k]
        for k in range(width):
            step[k] = residual[k] * easy[k] + size / before * step[k]
        steps += 1
    for k in range(width):
        minimum -= change[k] * (start[k] + residual[k])
        x[k] += change[k]
    return minimum


@njit(cache=True, fastmath={"contract", "reassoc", "nsz"})
def _gather(
    columns: np.ndarray,
    targets: np.ndarray,
    features: np.ndarray,
    shift: np.ndarray,
    x: np.ndarray,
    own: np.ndarray,
    residual: np.ndarray,
    diagonal: np.ndarray,
    roots: np.ndarray | None,
    offset: int,
) -> float:
    """Copy the features of a row's entries to `own`, and return Σ e² with e = t - s - x·y.

    Writes Σ e y to `residual` and adds Σ y∘y to `diagonal`. With weights, e and y are multiplied by their
    roots.
    """
    n, width, total, known = len(columns), len(x), 0.0, False
    for k in range(width):
        residual[k] = 0
        known = known or x[k] != 0
    sums, squares = np.empty(width, np.float32), np.empty(width, np.float32)
    for first in range(0, n, TILE):
        sums[:], squares[:] = 0, 0
        for entry in range(first, min(first + TILE, n)):
            ahead = columns[min(entry + AHEAD, n - 1)]
            for k in range(0, width, LINE):
                prefetch(features, ahead, k)  # type: ignore[call-arg]
            y, mine = features[columns[entry]], own[entry]
            error = targets[entry] - shift[columns[entry]]
            if known:
                for k in range(width):
                    error -= np.float32(x[k]) * y[k]
            if roots is not None:
                error *= roots[offset + entry]
            total += error * error
            for k in range(width):
                value = y[k] if roots is None else roots[offset + entry] * y[k]
                mine[k] = value
                sums[k] += error * value
                squares[k] += value * value
        for k in range(width):
            residual[k] += sums[k]
            diagonal[k] += squares[k]
    own[n : -(-n // STRANDS) * STRANDS] = 0
    return total


@njit(cache=True, fastmath={"contract", "reassoc", "nsz"})
def _multiply(own: np.ndarray, n: int, vector: np.ndarray, product: np.ndarray) -> None:
    """Write Σ y (y·vector) to `product` [width], over the first `n` rows of `own`, padded to `STRANDS`."""
    width = len(vector)
    product[:] = 0
    sums = np.empty(width, np.float32)
    for first in range(0, n, TILE):
        sums[:] = 0
        for entry in range(first, min(first + TILE, n), STRANDS):
            a, b, c, d = own[entry], own[entry + 1], own[entry + 2], own[entry + 3]
            s = t = u = v = np.float32(0)
            for k in range(width):
                s += a[k] * vector[k]
                t += b[k] * vector[k]
                u += c[k] * vector[k]
                v += d[k] * vector[k]
            for k in range(width):
                sums[k] += s * a[k] + t * b[k] + u * c[k] + v * d[k]
        for k in range(width):
            product[k] += sums[k]
