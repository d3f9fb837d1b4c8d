"""Popularity: everyone gets what most people have. The baseline that proves an evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from marquee.data.ratings import Catalogue, Ratings
from marquee.recommenders.base import Arrays, Cost, DataShape, Progress, Recommender


@dataclass(frozen=True)
class Options:
    """None: a count has nothing to tune."""


class Model(Recommender):
    """score(u, i) = how many training users have i. A person who is folded in gets the same list."""

    tasks = frozenset({"ranking"})
    counts: np.ndarray  # float32 [n_items]

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        return Cost(model_bytes=4 * shape.items)

    def fit(
        self,
        train: Ratings,
        validation: Ratings,
        catalogue: Catalogue,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        self.counts = np.bincount(train.item, minlength=self.n_items).astype(np.float32)
        return self

    def scores(self, users: np.ndarray) -> np.ndarray:
        return np.tile(self.counts, (len(users), 1))

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((self.n_users, 1), np.float32), self.counts[:, None]

    def fold_in(self, histories: Ratings) -> Recommender:
        return self

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        return {"counts": self.counts}, {}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = cls(options)
        model.counts = arrays["counts"]
        return model
