"""The order of an SGD epoch: ratings cut by groups of users and groups of items. It needs no compiler."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

GROUPS = 8  # of users, and of items
TOGETHER = 4  # users whose ratings are mixed: a step then need not wait for the one before it


class RatingBlocks(NamedTuple):
    """Hold ratings in the order of an epoch, cut by groups of users and groups of items.

    first               int64 [GROUPS² + 1]: block g GROUPS + h, of user group g and item group h, is
                        first[b]:first[b + 1] of the columns
    user, item, rating  int32, int32, float32 [n]
    """

    first: np.ndarray
    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray


def even_ranges(counts: np.ndarray) -> np.ndarray:
    """Return int32 [n]: the group of each id, ascending, with about equal sums of `counts` [n]."""
    middle = np.cumsum(counts) - counts / 2
    return (middle * GROUPS / max(counts.sum(), 1)).astype(np.int32)
