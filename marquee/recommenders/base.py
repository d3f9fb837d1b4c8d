"""The contract between a recommender and everything around it.

A module in this folder offers two names: `Options`, a frozen dataclass of what may stand in its block
of params.yaml, and `Model`, a subclass of `Recommender`. The module's name is the `algorithm:` there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from marquee.data.ratings import Catalogue, Ratings
from marquee.errors import MarqueeError
from marquee.parallel import single_threaded_blas

Arrays = dict[str, np.ndarray]
BLOCK = 1024  # items whose embeddings are held at a time
SAMPLED = 256  # users whose scores stand for an item that has no embedding
NOTICEABLE = 1e-3  # of the scores' range: the least effect that counts as one


RATING_BYTES = 20  # bytes of a rating in memory: user, item and rating of 4, timestamp of 8
CSR_BYTES = 8  # bytes of an entry of a sparse matrix: its column and its value


@dataclass(frozen=True)
class DataShape:
    """Count what a model learns from."""

    users: int
    items: int
    train: int  # ratings, or positives
    validation: int
    per_positive: int = 0  # stored negatives

    @property
    def rows(self) -> int:
        """Users and items: the rows of both factors."""
        return self.users + self.items

    @property
    def history(self) -> float:
        """Training ratings of a user, on average."""
        return self.train / max(self.users, 1)


@dataclass(frozen=True)
class Cost:
    """State the memory of a fit by formula, as each algorithm's own file gives it.

    model_bytes     bytes of what `state` gives
    training_bytes  bytes beside the model and the ratings at the peak of a fit, by the names of its arrays
    epochs          the maximum; 0 for a closed form
    reduce_with     the options that bring the memory down
    """

    model_bytes: int
    training_bytes: Mapping[str, int] = field(default_factory=dict)
    epochs: int = 0
    reduce_with: tuple[str, ...] = ()

    @property
    def peak_bytes(self) -> int:
        """Bytes that a fit needs at once beside the ratings."""
        copies = 3 if self.epochs else 1  # the best epoch's, and what a checkpoint or the file is made of
        return copies * self.model_bytes + sum(self.training_bytes.values())


class Progress(Protocol):
    """Where a fit tells how far it is and keeps what it needs to go on after a crash."""

    def restore(self) -> tuple[Arrays, dict[str, Any]] | None:
        """What `save` stored last for this very fit, or None."""

    def save(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
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
    def cost(cls, options: Any, shape: DataShape) -> Cost:
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

    def explain(self, history: Ratings, items: np.ndarray) -> np.ndarray | None:
        """float32 [len(history), len(items)]: what each rating of one person adds to each item's score.

        None where a score is no such sum; `marquee.serving.top_n` then leaves out each rating in turn.
        """
        return None

    def item_embeddings(self, items: np.ndarray) -> np.ndarray | None:
        """[n, any] for `items` [n]: rows whose cosines say which items are alike; None where there are none.

        A row may be as long as the catalogue: ask for some items at a time.
        """
        return None

    def unit_embeddings(self, items: np.ndarray) -> np.ndarray:
        """float32 [n, d] for `items` [n]: embeddings scaled to length 1; 0 for an item without any effect.

        A model without item embeddings is described by the scores of `SAMPLED` users, less the mean of each
        user and of each item.
        """
        vectors = self.item_embeddings(items)
        if vectors is None:
            sample = np.unique(np.linspace(0, self.n_users - 1, SAMPLED).astype(np.int32))
            with single_threaded_blas():
                scores = self.scores(sample).astype(np.float64)
            usual = scores.mean(1, keepdims=True) + scores.mean(0) - scores.mean()
            vectors = (scores - usual).T
            vectors[np.abs(vectors) <= NOTICEABLE * np.ptp(scores)] = 0
            vectors = vectors[items]
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0)
        return unit.astype(np.float32)

    def item_similarities(self, item: int) -> np.ndarray:
        """float32 [n_items]: the cosine of each item's embedding with that of `item`; all 0 if it has none."""
        items = np.arange(self.n_items)
        own = self.unit_embeddings(items[item : item + 1])[0]
        sampled = self.item_embeddings(items[:1]) is None
        step = self.n_items if sampled else BLOCK  # a sample is scored once for all
        blocks = (items[first : first + step] for first in range(0, self.n_items, step))
        return np.concatenate([self.unit_embeddings(block) @ own for block in blocks])

    def item_biases(self) -> np.ndarray | None:
        """[n_items], stars: what a movie's predicted rating has for everyone; None without such a part."""
        return None

    def genre_embeddings(self) -> np.ndarray | None:
        """[n_genres, any], in the catalogue's order: what a model learned of genres; None where nothing."""
        return None

    def report_counts(self) -> dict[str, int]:
        """What metrics/models/<name>.json counts of the model itself; what it left out belongs here."""
        return {}

    @abstractmethod
    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything `from_state` needs: named arrays and a JSON block."""

    @classmethod
    @abstractmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        """The model that `state` described."""
