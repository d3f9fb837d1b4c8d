"""Memory of a fit by formula: what each algorithm states of itself, before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RATING_BYTES = 20  # of a rating in memory: user, item and rating take 4 each, the timestamp 8
CSR_BYTES = 8  # of an entry of a sparse matrix: its column and its value


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


@dataclass(frozen=True)
class Cost:
    """State the memory of a fit.

    model_bytes     bytes of what `Recommender.state` returns
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
        copies = 3 if self.epochs else 1  # the model, its best epoch, and the checkpoint being written
        return copies * self.model_bytes + sum(self.training_bytes.values())
