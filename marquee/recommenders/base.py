"""The contract between a recommender and everything around it.

A module in this folder offers two names: `Options`, a frozen dataclass of what may stand in its block
of params.yaml, and `Model`, a subclass of `Recommender`. The module's name is the `algorithm:` there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from marquee.data.ratings import Catalogue, Ratings
from marquee.errors import MarqueeError
from marquee.recommenders.cost import DataShape, FitCost

Arrays = dict[str, np.ndarray]


class Progress(Protocol):
    """Where a fit tells how far it is and keeps what it needs to go on after a crash."""

    def restore(self) -> tuple[Arrays, dict[str, Any]] | None:
        """What `save` stored last for this very fit, or None."""

    def save(self, arrays: Arrays, note: Mapping[str, Any]) -> None:
        """Store a checkpoint: named arrays and a JSON block."""

    def report(self, epoch: int, epochs: int, values: Mapping[str, float]) -> None:
        """One row of the learning curve, in the order of epochs, and one step of the bar."""


class Recommender(ABC):
    """Learns from ratings, then scores every item for any user.

    `self.options` holds the module's `Options`; `n_users` and `n_items` are set by `fit` and `from_state`,
    `task` by whoever creates or loads it.
    """

    tasks: ClassVar[frozenset[str]]  # the tasks it can be trained for: "rating", "ranking"
    task: str  # the one of them that this model is for
    n_users: int
    n_items: int

    def __init__(self, options: Any) -> None:
        self.options = options

    @classmethod
    @abstractmethod
    def cost(cls, options: Any, sizes: DataShape) -> FitCost:
        """How time and memory of a fit grow with what it learns from: the formulas of its docstring."""

    @abstractmethod
    def fit(
        self,
        train: Ratings,
        validation: Ratings,
        catalogue: Catalogue,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        """Learn from `train`. `validation` may only choose the epoch to stop at; it can be empty."""

    @abstractmethod
    def scores(self, users: np.ndarray) -> np.ndarray:
        """float32 [len(users), n_items] for int32 `users` [n] in 0..n_users-1; higher is better, finite."""

    def factors(self) -> tuple[np.ndarray, np.ndarray] | None:
        """float32 [n_users, d] and [n_items, d] whose product all scores are; None where they are none.

        Ranking everything then takes no `scores` and a fraction of the time (`marquee.evaluation.inner_product`).
        """
        return None

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float32 [n]: the ratings of the pairs (users[i], items[i]), on the rating scale, not clipped."""
        raise MarqueeError(f"{type(self).__module__.rpartition('.')[2]} ranks items and predicts no ratings")

    @abstractmethod
    def fold_in(self, histories: Ratings) -> Recommender:
        """A view that scores the people of `histories` (their users are 0..max) without having seen them.

        The items' side is that of this model, unchanged; a person may have no rating at all only when
        someone after them has one. Each class says how close a training user's own history brings it.
        """

    def reasons(self, history: Ratings, items: np.ndarray) -> np.ndarray | None:
        """float32 [len(history), len(items)]: what each rating of one person adds to each item's score.

        None where a score is no such sum; `marquee.serving.top_n` then leaves out each rating in turn.
        """
        return None

    def item_vectors(self, items: np.ndarray) -> np.ndarray | None:
        """[n, any] for `items` [n]: rows whose cosines say which items are alike; None where there are none.

        A row may be as long as the catalogue: ask for some items at a time.
        """
        return None

    def item_biases(self) -> np.ndarray | None:
        """[n_items], stars: what a movie's predicted rating has for everyone; None without such a part."""
        return None

    def genre_vectors(self) -> np.ndarray | None:
        """[n_genres, any], in the catalogue's order: what a model learned of genres; None where nothing."""
        return None

    def sizes(self) -> dict[str, int]:
        """What metrics/models/<name>.json counts of the model itself; what it left out belongs here."""
        return {}

    @abstractmethod
    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything `from_state` needs: named arrays and a JSON block."""

    @classmethod
    @abstractmethod
    def from_state(cls, options: Any, arrays: Arrays, note: Mapping[str, Any]) -> Self:
        """The model that `state` described."""
