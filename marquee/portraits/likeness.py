"""By what movies are alike in the eyes of a model."""

from __future__ import annotations

import numpy as np

from marquee.foundation.threads import one_blas_thread
from marquee.recommenders.base import Recommender

SAMPLED = 256  # users whose scores stand for an item that has no vector
NOTICED = 1e-3  # of the scores' spread: what an effect must reach to be one


def unit_vectors(model: Recommender) -> np.ndarray:
    """float32 [n_items, d], of length 1; 0 for an item that has nothing of its own.

    The vectors are the model's own; where it has none, how far the scores of `SAMPLED` users stand off from
    what is usual for the user and for the movie.
    """
    vectors = model.item_vectors()
    if vectors is None:
        sample = np.unique(np.linspace(0, model.n_users - 1, SAMPLED).astype(np.int32))
        with one_blas_thread():
            scores = model.scores(sample).astype(np.float64)
        usual = scores.mean(1, keepdims=True) + scores.mean(0) - scores.mean()
        vectors = (scores - usual).T
        vectors[np.abs(vectors) <= NOTICED * np.ptp(scores)] = 0
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0)
    return unit.astype(np.float32)
