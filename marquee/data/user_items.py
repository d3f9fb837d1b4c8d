"""Pairs of a user and an item, grouped by user and without a value: rated, relevant or requested ones."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from marquee.parallel import counts


class UserItems(NamedTuple):
    """The items of row r are items[offsets[r]:offsets[r + 1]], in any order.

    offsets  int64 [n_rows + 1]
    items    int32 [n]
    """

    offsets: np.ndarray
    items: np.ndarray

    @classmethod
    def of(cls, user: np.ndarray, item: np.ndarray, n_users: int) -> Self:
        """Group `item` [n] by `user` [n], in the order given; nothing is copied where `user` ascends."""
        offsets = np.append(0, np.cumsum(counts(user, n_users), dtype=np.int64))
        user = np.asarray(user)
        if (user[1:] < user[:-1]).any():
            item = item[np.argsort(user, kind="stable")]  # merges runs that ascend, so that few take no time
        return cls(offsets, item)

    @property
    def lengths(self) -> np.ndarray:
        """int64 [n_rows]"""
        return np.diff(self.offsets)

    def owners(self) -> np.ndarray:
        """Return the row of each of `items`, int64 [n]."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.lengths)

    def take(self, rows: np.ndarray) -> UserItems:
        """Return the rows of an index array, in that order."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.append(0, np.cumsum(lengths))
        place = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return UserItems(offsets, self.items[place])

    def span(self, rows: slice) -> slice:
        """Return where in `items` those rows lie."""
        return slice(int(self.offsets[rows.start]), int(self.offsets[rows.stop]))

    def part(self, rows: slice) -> UserItems:
        """Return those rows, as a view."""
        return UserItems(
            self.offsets[rows.start : rows.stop + 1] - self.offsets[rows.start], self.items[self.span(rows)]
        )
