"""Recent popularity: every user gets what most users rated lately. The baseline for a split by time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings
from marquee.data.time_cuts import DAY
from marquee.recommenders.base import Cost, DataShape, Recommender, TrainingData
from marquee.training.progress import Progress


@dataclass(frozen=True)
class Options:
    days: float = option(30.0, above=0)  # that count, before the last training rating


SPACE = {"days": Range(3, 1000, log=True)}


class Model(Recommender):
    """score(u, i) = users who rated i in the last `days` of training + (users who rated i at all) / (1 + n).

    n is the number of users who rated the most popular item, so that the second term, below 1, orders only
    items with equal first terms. It is the same for a user who is folded in. Without timestamps
    it is popularity (Ji, Sun, Zhang and Li, 2020, compare popularity by time).
    """

    tasks = frozenset({"ranking"})
    arrays = ("counts",)
    counts: np.ndarray  # float32 [n_items]

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        return Cost(model_bytes=4 * shape.items, training_bytes={"recent": 5 * shape.train})

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        self._count(data.train)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        self._count(data.changes.after)

    def _count(self, train: Ratings) -> None:
        recent = train.timestamp > train.timestamp.max(initial=0) - DAY * self.options.days
        in_days = np.bincount(train.item[recent], minlength=self.n_items)
        ever = np.bincount(train.item, minlength=self.n_items)
        self.counts = (in_days + ever / (1 + ever.max(initial=0))).astype(np.float32)

    def factors(self, users: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((self.n_users, 1), np.float32)[users], self.counts[:, None]

    def _fold_users(self, histories: Ratings) -> None:
        """Leave the counts as they are."""
