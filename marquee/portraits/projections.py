"""Vectors of many dimensions in two, and in a row: places for a picture, nothing that is measured."""

from __future__ import annotations

import numpy as np

from marquee.foundation.threads import one_blas_thread

EXACT = 1e-9  # of a length; less than this is rounding
# 1,000 take twice the time and end at a divergence of .964 instead of .974 (als, 400 movies of ML-100K)
STEPS = 500


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
    with one_blas_thread():
        return directions @ directions.T


def principal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 [n, 2] and [2]: the first two principal components and their shares of the variance.

    A component points to where its largest loading is positive. One that does not exist is 0.
    """
    wide = np.pad(points, ((0, 0), (0, max(2 - points.shape[1], 0))))
    centred = wide - wide.mean(0) if len(wide) else wide
    with one_blas_thread():
        _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
        axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
        flat = centred @ axes[:2].T
    sizes = np.where(sizes > EXACT * np.linalg.norm(points), sizes, 0)  # what rounding leaves is no variance
    flat = np.where(sizes[:2] > 0, flat, 0)
    shares = sizes[:2] ** 2 / max((sizes**2).sum(), np.finfo(float).tiny)
    missing = 2 - flat.shape[1]
    return np.pad(flat, ((0, 0), (0, missing))), np.pad(shares, (0, missing))


def neighbours(points: np.ndarray, start: np.ndarray, rng_seed: int) -> np.ndarray:
    """float32 [n, 2]: t-SNE of `points` [n, d], begun at their principal components `start` [n, 2]."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = (start / start[:, 0].std() * 1e-4).astype(np.float32)  # small, as its gradient needs it
    perplexity = min(30, (len(points) - 1) / 3)
    with threadpool_limits(1):  # OpenMP, too: its threads add up in the order in which they finish
        method = TSNE(perplexity=perplexity, init=start, random_state=rng_seed, max_iter=STEPS, n_jobs=1)
        return method.fit_transform(points.astype(np.float32))


def alike_together(cosines: np.ndarray) -> np.ndarray:
    """int [n]: the order in which neighbours are most alike, by average linkage (Bar-Joseph et al. 2001)."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(cosines) < 2:
        return np.arange(len(cosines))
    apart = 1 - cosines[np.triu_indices(len(cosines), 1)]
    return leaves_list(linkage(np.maximum(apart, 0), "average", optimal_ordering=True))
