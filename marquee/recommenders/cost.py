"""What a fit takes, as each algorithm's own file says it: `Recommender.cost` makes one of these.

Formulas alone: no clock and no machine, so that it is known in microseconds whether a fit has the memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RATING_BYTES = 20  # bytes of a rating in memory: user, item and rating of 4, timestamp of 8
CSR_BYTES = 8  # bytes of an entry of a sparse matrix: its column and its value


@dataclass(frozen=True)
class DataShape:
    """What a model learns from, in numbers."""

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
class FitCost:
    """kept     bytes of what `state` gives
    fitting  bytes beside `kept` and the ratings when a fit holds the most, by the names of its arrays
    work     of an epoch, or of the whole closed form; in what unit does not matter, since a rehearsal
             times a small one: it says how time grows with the data
    epochs   at most so many; 0 for a closed form
    lower    the options that bring the memory down
    """

    kept: int
    work: float
    fitting: Mapping[str, int] = field(default_factory=dict)
    epochs: int = 0
    lower: tuple[str, ...] = ()

    @property
    def most(self) -> int:
        """Bytes that a fit holds at once beside the ratings."""
        copies = (
            3 if self.epochs else 1
        )  # the best epoch's, and what a checkpoint or the model's file is made of
        return copies * self.kept + sum(self.fitting.values())
