"""Which part of the catalogue recommendations come from."""

from __future__ import annotations

import numpy as np

from marquee.parallel import counts

TENTHS = 10


def long_tail(item: np.ndarray, listed: np.ndarray, n_items: int) -> dict[str, list[float]]:
    """Return `tail_fractions` of what a model recommends, `recommended`, and of its `training` ratings."""
    return {
        "recommended": tail_fractions(item, listed, n_items),
        "training": tail_fractions(item, item, n_items),
    }


def tail_fractions(item: np.ndarray, listed: np.ndarray, n_items: int) -> list[float]:
    """Return the fraction of `listed` in each tenth of the catalogue, the most rated tenth first.

    item    int [n]: the movie of each training rating; equally rated movies keep their own order
    listed  int, any shape: recommended movies, -1 for none

    All are 0 where nothing is listed.
    """
    order = np.argsort(-counts(item, n_items), kind="stable")  # (n_items,)
    found = counts(listed[listed >= 0], n_items)[order]
    return [float(part.sum() / max(found.sum(), 1)) for part in np.array_split(found, TENTHS)]
