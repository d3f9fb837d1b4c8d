"""Remove low ratings, then users and movies with few ratings, as many papers do before they split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from marquee.config import CoreOptions
from marquee.errors import MarqueeError


@dataclass(frozen=True)
class CoreFilter:
    """State which ratings stay.

    min_rating  the lowest; None keeps all
    k_core      how many of these each user and each movie must have (Seidman, 1983)
    """

    min_rating: float | None = None
    k_core: CoreOptions = field(default_factory=CoreOptions)

    @property
    def removes_nothing(self) -> bool:
        return self.min_rating is None and self.k_core == CoreOptions()

    def kept(
        self, user: np.ndarray, item: np.ndarray, rating: np.ndarray
    ) -> tuple[np.ndarray, dict[str, int]]:
        """Return the rows that stay, int64 [m] ascending, and counts of what was removed.

        user, item  int32 [n]: codes from 0, all of which occur
        rating      float32 [n]

        Raises MarqueeError where nothing stays.
        """
        n_users, n_items = 1 + int(user.max()), 1 + int(item.max())
        least = -np.inf if self.min_rating is None else self.min_rating
        rows = np.flatnonzero(rating >= least)
        low, rounds = len(rating) - len(rows), 0
        while True:  # a round can leave others with too few
            few_users = np.bincount(user[rows], minlength=n_users) < self.k_core.users
            few_items = np.bincount(item[rows], minlength=n_items) < self.k_core.movies
            stays = ~(few_users[user[rows]] | few_items[item[rows]])
            if stays.all():
                break
            rows, rounds = rows[stays], rounds + 1
        if not len(rows):
            raise MarqueeError(
                f"ingest.min_rating {self.min_rating} and ingest.k_core {self.k_core.users} (users) and "
                f"{self.k_core.movies} (movies) leave no rating: lower them"
            )
        return rows, {
            "low_ratings": low,
            "ratings_outside_core": len(rating) - low - len(rows),
            "users": n_users - len(np.unique(user[rows])),
            "movies": n_items - len(np.unique(item[rows])),
            "rounds": rounds,
        }


def removed(counts: Mapping[str, int]) -> str:
    """Say in a line what `kept` counted."""
    return (
        f"filter: removed {counts['low_ratings']:,} ratings below ingest.min_rating and "
        f"{counts['ratings_outside_core']:,} outside of ingest.k_core (rounds: {counts['rounds']}), "
        f"with them {counts['users']:,} users and {counts['movies']:,} movies"
    )
