"""All that a fit may read: training and validation rows, and the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import Candidates
from marquee.evaluation.evaluate import ValidationUsers


@dataclass(frozen=True)
class TrainingData:
    """Hold all that a fit may read. Nothing of the test set is in it.

    train       with stored negatives where the loss is computed on samples
    validation  decides the epoch to stop at and nothing else; empty: the last epoch counts
    catalogue   the numbers of users and items, and the items' genres
    candidates  what validation items are ranked among; None: the whole catalogue
    """

    train: Ratings
    validation: Ratings
    catalogue: Catalogue
    candidates: Candidates | None = None

    @cached_property
    def ranked(self) -> ValidationUsers:
        """Return the users that a ranking is validated on."""
        return ValidationUsers(self.train, self.validation, self.candidates)

    def close(self) -> None:
        """Free what executors hold of the validation data; a later validation sends it again."""
        if "ranked" in vars(self):
            self.ranked.held.close()
