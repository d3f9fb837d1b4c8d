"""Popularity: every user gets what most users rated. The baseline that proves an evaluator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings
from marquee.recommenders.base import Cost, DataShape, Recommender, TrainingData
from marquee.training.progress import Progress


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
        self.counts = np.bincount(data.train.item, minlength=self.n_items).astype(np.float32)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        changes, n = data.changes, self.n_items
        gained = np.bincount(changes.added.item, minlength=n) - np.bincount(changes.removed.item, minlength=n)
        self.counts = (self.counts + gained).astype(np.float32)

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((self.n_users, 1), np.float32)[users], self.counts[:, None]

    def _fold_users(self, histories: Ratings) -> None:
        """Leave the counts as they are."""
