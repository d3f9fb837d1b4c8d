"""Vectors of many dimensions in two, and in a row: places for a picture, nothing that is measured."""

from __future__ import annotations

import numpy as np

from marquee.parallel import single_threaded_blas

EXACT = 1e-9  # of a length; less than this is rounding
# 1,000 take twice the time and end at a divergence of .99 instead of 1.02 (als_mf, 400 movies, default data)
STEPS = 500
PERPLEXITY = 30  # about so many neighbours count
EXAGGERATION = 12  # of the neighbourhoods in the first half of the steps, in which groups find together
BISECTIONS = 50


def distinct(points: np.ndarray) -> int:
    """How many of `points` [n, d] differ by more than rounding."""
    return len(np.unique((points / EXACT).round(), axis=0))


def unit(vectors: np.ndarray) -> np.ndarray:
    """float64, of length 1 each; one of length 0 stays as it is."""
    vectors = vectors.astype(np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=vectors, where=length > 0)


def cosine_matrix(vectors: np.ndarray) -> np.ndarray:
    """float64 [n, n]; 0 beside a vector of length 0."""
    directions = unit(vectors)
    with single_threaded_blas():
        return directions @ directions.T


def principal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 [n, 2] and [2]: the first two principal components and their shares of the variance.

    A component points to where its largest loading is positive. One that does not exist is 0.
    """
    wide = np.pad(points, ((0, 0), (0, max(2 - points.shape[1], 0))))
    centred = wide - wide.mean(0) if len(wide) else wide
    with single_threaded_blas():
        _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
        axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
        flat = centred @ axes[:2].T
    sizes = np.where(sizes > EXACT * np.linalg.norm(points), sizes, 0)  # what rounding leaves is no variance
    flat = np.where(sizes[:2] > 0, flat, 0)
    shares = sizes[:2] ** 2 / max((sizes**2).sum(), np.finfo(float).tiny)
    missing = 2 - flat.shape[1]
    return np.pad(flat, ((0, 0), (0, missing))), np.pad(shares, (0, missing))


def neighbours(points: np.ndarray, start: np.ndarray) -> np.ndarray:
    """float64 [n, 2]: t-SNE of `points` [n, d], begun at their principal components `start` [n, 2].

    van der Maaten and Hinton (2008): y_i so that q_ij ~ 1 / (1 + |y_i - y_j|²) is like the neighbourhoods p
    of the points, by gradient descent on KL(p || q) with their momentum and gains; the step is n / 48, as
    Belkina et al. (2019) recommend. Every pair counts: for hundreds of points that is no slower than an
    approximation, draws nothing at random, and needs no package that takes longer to import than this to run.
    """
    n = len(points)
    near = neighbourhoods(points, min(PERPLEXITY, (n - 1) / 3))  # (n, n)
    places = start / start[:, 0].std() * 1e-4  # small, as the gradient needs it
    moved, gains, step = np.zeros_like(places), np.ones_like(places), max(n / EXAGGERATION / 4, 50)
    closeness = np.empty((n, n))
    with single_threaded_blas():
        for turn in range(STEPS):
            early = turn < STEPS // 2
            squares = np.square(places).sum(1)
            np.matmul(places, -2 * places.T, out=closeness)
            closeness += squares[:, None] + 1
            closeness += squares
            np.reciprocal(closeness, out=closeness)
            np.fill_diagonal(closeness, 0)
            pull = near * (EXAGGERATION if early else 1) - closeness / closeness.sum()
            pull *= closeness
            gradient = 4 * (pull.sum(1)[:, None] * places - pull @ places)
            gains = np.maximum(np.where(moved * gradient < 0, gains + 0.2, gains * 0.8), 0.01)
            moved = (0.5 if early else 0.8) * moved - step * gains * gradient
            places = places + moved
    return places


def neighbourhoods(points: np.ndarray, perplexity: float) -> np.ndarray:
    """float64 [n, n], symmetric, sum 1: how likely each pair of `points` [n, d] is to be neighbours.

    Each row is a normal law of the distance, as wide as gives it that perplexity, by bisection.
    """
    n = len(points)
    squares = np.square(points).sum(1)
    with single_threaded_blas():
        apart = np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0)  # (n, n)
    np.fill_diagonal(apart, np.inf)
    apart -= apart.min(1, keepdims=True)  # the same law, and no row of zeros
    np.fill_diagonal(apart, 0)
    low, high, sharp = np.zeros(n), np.full(n, np.inf), np.ones(n)
    for _ in range(BISECTIONS):
        law = np.exp(-apart * sharp[:, None])
        np.fill_diagonal(law, 0)
        total = law.sum(1)
        entropy = np.log(total) + sharp * (apart * law).sum(1) / total
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, sharp, low), np.where(wide, high, sharp)
        sharp = np.where(np.isinf(high), 2 * sharp, (low + high) / 2)
    law /= total[:, None]
    return (law + law.T) / (2 * n)


def alike_together(cosines: np.ndarray) -> np.ndarray:
    """int [n]: the order in which neighbours are most alike, by average linkage (Bar-Joseph et al. 2001)."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(cosines) < 2:
        return np.arange(len(cosines))
    apart = 1 - cosines[np.triu_indices(len(cosines), 1)]
    return leaves_list(linkage(np.maximum(apart, 0), "average", optimal_ordering=True))
