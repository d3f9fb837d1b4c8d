"""Popularity: every user gets what most users rated. The baseline that proves an evaluator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings
from marquee.engine import map_blocks, on_spark
from marquee.parallel import row_blocks
from marquee.recommenders.base import Cost, DataShape, Recommender, TrainingData
from marquee.training.progress import Progress

ROWS = 1 << 16  # ratings that one task of Spark counts


@dataclass(frozen=True)
class Options:
    """There are none: a count has nothing to tune."""


class Model(Recommender):
    """score(u, i) = the number of training users who rated i, the same for a user who is folded in.

    An update counts the new ratings: what a fit on all of them gives, to the byte.
    """

    tasks = frozenset({"ranking"})
    arrays = ("counts",)
    counts: np.ndarray  # float32 [n_items]

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        return Cost(model_bytes=4 * shape.items)

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        item = data.train.item
        blocks = row_blocks(len(item), ROWS) if on_spark() else [(0, len(item))]
        counts = map_blocks(count_items, blocks, {"item": item, "n_items": self.n_items})
        self.counts = np.sum(counts, axis=0).astype(np.float32)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        changes, n = data.changes, self.n_items
        gained = np.bincount(changes.added.item, minlength=n) - np.bincount(changes.removed.item, minlength=n)
        self.counts = (self.counts + gained).astype(np.float32)

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((self.n_users, 1), np.float32)[users], self.counts[:, None]

    def _fold_users(self, histories: Ratings) -> None:
        """Leave the counts as they are."""


def count_items(first: int, stop: int, item: np.ndarray, n_items: int) -> np.ndarray:
    """Count the ratings of each item, int64 [n_items], from row `first` to before `stop`."""
    return np.bincount(item[first:stop], minlength=n_items)
