"""What one model answers some users: its lists, or its scores of all movies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marquee.movielens.schema import Scale
from marquee.recommenders.base import Recommender
from marquee.serving import output, top_n
from marquee.serving.catalogue import MovieCatalogue


@dataclass(frozen=True)
class Answer:
    """Hold one model, the users it is asked for, and which movies it may list, bool [n_items]."""

    name: str
    model: Recommender
    audience: top_n.Audience
    allowed: np.ndarray
    scale: Scale

    @property
    def column(self) -> str:
        """What its scores are."""
        return "rating" if self.model.task == "rating" else "score"

    def lists(self, k: int, movies: MovieCatalogue) -> tuple[list[output.Rows], np.ndarray]:
        """Return each user's best k movies as rows, and as items int32 [n_users, k'] (-1: no more)."""
        items, values = top_n.top_lists(self.audience, self.allowed, k, self.name)
        rows = [
            output.list_rows(label, best, value, movies, self.column)
            for label, best, value in zip(self.audience.labels, items, self._shown(values), strict=True)
        ]
        return rows, items

    def of_all(self, user: int) -> output.Answers:
        """Return the score and the rank of every movie for one user."""
        ranks, values = top_n.ranks(self.audience, self.allowed, user)
        return output.Answers(self.name, self.column, self._shown(values), ranks)

    def _shown(self, values: np.ndarray) -> np.ndarray:
        return np.clip(values, self.scale.low, self.scale.high) if self.column == "rating" else values
