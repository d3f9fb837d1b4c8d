"""Place vectors of many dimensions in two, for a figure; no metric depends on it."""

from __future__ import annotations

import numpy as np

from marquee.parallel import single_threaded_blas

EXACT = 1e-9  # of a length; less than this is rounding
PERPLEXITY = 30  # neighbors that count, about
STEPS = 500  # 1,000 double the time and lower the divergence by three hundredths


def distinct(points: np.ndarray) -> int:
    """Return how many of `points` [n, d] differ by more than rounding."""
    return len(np.unique((points / EXACT).round(), axis=0))


def cosine_matrix(vectors: np.ndarray) -> np.ndarray:
    """Return float64 [n, n]; 0 for a vector of length 0."""
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(float).tiny)
    with single_threaded_blas():
        return directions @ directions.T


def principal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return float64 [n, 2] and [2]: the first two principal components and their fractions of the variance.

    A component that does not exist is 0.
    """
    from sklearn.decomposition import PCA

    flat, fractions = np.zeros((len(points), 2)), np.zeros(2)
    if distinct(points) < 2:
        return flat, fractions
    fitted = PCA(min(2, points.shape[1]), svd_solver="full")
    with single_threaded_blas():
        found = fitted.fit_transform(points)
    real = fitted.explained_variance_ratio_ > EXACT
    flat[:, : len(real)], fractions[: len(real)] = found * real, fitted.explained_variance_ratio_ * real
    return flat, fractions


def t_sne(points: np.ndarray) -> np.ndarray:
    """Return float64 [n, 2]: t-SNE (van der Maaten and Hinton 2008) of `points` [n, d], at least 3.

    One thread: with more, the approximation of Barnes and Hut adds in another order.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    fitted = TSNE(perplexity=perplexity, max_iter=STEPS, init="pca", random_state=0, n_jobs=1)
    with threadpool_limits(1):
        return fitted.fit_transform(points).astype(np.float64)


def order_by_similarity(cosines: np.ndarray) -> np.ndarray:
    """Return int [n]: the order that puts similar rows side by side.

    Average linkage with optimal leaf order (Bar-Joseph et al. 2001).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(cosines) < 2:
        return np.arange(len(cosines))
    distances = 1 - cosines[np.triu_indices(len(cosines), 1)]
    return leaves_list(linkage(np.maximum(distances, 0), "average", optimal_ordering=True))
