"""By what movies are alike in the eyes of a model."""

from __future__ import annotations

import numpy as np

from marquee.parallel import single_threaded_blas
from marquee.recommenders.base import Recommender

BLOCK = 1024  # items whose vectors are held at a time
SAMPLED = 256  # users whose scores stand for an item that has no vector
NOTICED = 1e-3  # of the scores' spread: what an effect must reach to be one


def unit_vectors(model: Recommender, items: np.ndarray) -> np.ndarray:
    """float32 [n, d] for `items` [n], of length 1; 0 for an item that has nothing of its own.

    The vectors are the model's own; where it has none, how far the scores of `SAMPLED` users stand off from
    what is usual for the user and for the movie.
    """
    vectors = model.item_vectors(items)
    if vectors is None:
        sample = np.unique(np.linspace(0, model.n_users - 1, SAMPLED).astype(np.int32))
        with single_threaded_blas():
            scores = model.scores(sample).astype(np.float64)
        usual = scores.mean(1, keepdims=True) + scores.mean(0) - scores.mean()
        vectors = (scores - usual).T
        vectors[np.abs(vectors) <= NOTICED * np.ptp(scores)] = 0
        vectors = vectors[items]
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0)
    return unit.astype(np.float32)


def cosines(model: Recommender, item: int) -> np.ndarray:
    """float32 [n_items]: how alike each item's vector is to that of `item`; all 0 where that has none."""
    items = np.arange(model.n_items)
    own = unit_vectors(model, items[item : item + 1])[0]
    step = model.n_items if model.item_vectors(items[:1]) is None else BLOCK  # a sample is made once for all
    blocks = (items[first : first + step] for first in range(0, model.n_items, step))
    return np.concatenate([unit_vectors(model, block) @ own for block in blocks])
