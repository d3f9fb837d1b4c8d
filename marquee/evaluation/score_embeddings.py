"""Describe items and users by the scores of a model, so that every model has embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marquee.parallel import single_threaded_blas

if TYPE_CHECKING:
    from marquee.evaluation.evaluate import Ranker

SAMPLED = 256  # users whose scores describe an item, and items whose scores describe a user
NOTICEABLE = 1e-3  # of the scores' range: the least effect that counts as one


def item_score_embeddings(model: Ranker, n_users: int, items: np.ndarray) -> np.ndarray:
    """Return float64 [n, d] for `items` [n]: scores for `SAMPLED` users, less each user's and item's mean."""
    sample = _sample(n_users)
    with single_threaded_blas():
        scores = model.scores(sample).astype(np.float64)
    usual = scores.mean(1, keepdims=True) + scores.mean(0) - scores.mean()
    vectors = (scores - usual).T
    vectors[np.abs(vectors) <= NOTICEABLE * np.ptp(scores)] = 0
    return vectors[items]


def user_score_embeddings(model: Ranker, n_users: int, n_items: int, users: np.ndarray) -> np.ndarray:
    """Return float64 [n, d] for `users` [n]: the scores of `SAMPLED` items.

    Less the user's mean, and less what `SAMPLED` users score each item.
    """
    items, others = _sample(n_items), _sample(n_users)
    with single_threaded_blas():
        usual = model.scores(others)[:, items].astype(np.float64)
        blocks = [users[first : first + SAMPLED] for first in range(0, len(users), SAMPLED)]
        scores = [model.scores(block)[:, items].astype(np.float64) for block in blocks]
    vectors = np.concatenate([np.empty((0, len(items))), *scores]) - usual.mean(0)
    vectors -= vectors.mean(1, keepdims=True)
    vectors[np.abs(vectors) <= NOTICEABLE * np.ptp(usual)] = 0
    return vectors


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return float32: the rows with length 1; 0 stays 0."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0).astype(np.float32)


def _sample(n: int) -> np.ndarray:
    """Return int32 [at most SAMPLED]: rows of `n`, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, SAMPLED).astype(np.int32))
