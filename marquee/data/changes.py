"""Ratings that came after a fit: what they add to the training ratings, and what they replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.data.ratings import DTYPES, Catalogue, Ratings, columns_of, spliced

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SIEVE = 1 << 17  # entries of a table by which most rows are found to be of no given pair; a power of 2


@dataclass(frozen=True)
class Changes:
    """Two states of the training ratings, each with a pair (user, item) once and users ascending.

    before  what a model has learned; `after` is what it is to know
    added   the rows of `after` that `before` lacks, or has with another rating, by (user, time)
    gone    int64, ascending: the rows of `before` that `after` lacks, or has with another rating
    """

    before: Ratings
    added: Ratings
    gone: np.ndarray

    @cached_property
    def after(self) -> Ratings:
        """All training ratings. Many updates need none but those of the users who rated (`of_users`)."""
        return _insert(self.before, self.gone, self.added)

    @cached_property
    def removed(self) -> Ratings:
        return self.before.take(self.gone)

    @cached_property
    def users(self) -> np.ndarray:
        """int32, ascending: those who gained, lost or changed a rating."""
        return np.union1d(self.added.user, self.removed.user).astype(np.int32)

    @cached_property
    def items(self) -> np.ndarray:
        """int32, ascending: those whose ratings changed."""
        return np.union1d(self.added.item, self.removed.item).astype(np.int32)

    @property
    def n_users(self) -> int:
        """How many user ids `before` and `after` need."""
        return 1 + max(int(part.user[-1:].max(initial=-1)) for part in (self.before, self.added))

    def of_users(self, users: np.ndarray | None = None) -> Ratings:
        """Return all rows of `after` of `users` [n], ascending; None: of those who are touched."""
        users = self.users if users is None else users
        own = _rows_of(self.before, users)
        gone = np.flatnonzero(np.isin(own, self.gone)) if len(self.gone) else self.gone
        return _insert(self.before.take(own), gone, self.added.take(_rows_of(self.added, users)))

    def by_user(self, n_items: int) -> csr_matrix:
        """Return float32 CSR [len(users), n_items]: row r has all ratings of users[r] in `after`."""
        from scipy.sparse import csr_matrix

        rows = self.of_users()
        offsets = np.append(np.searchsorted(rows.user, self.users), len(rows))
        matrix = csr_matrix((rows.rating, rows.item, offsets), (len(self.users), n_items))
        matrix.sort_indices()
        return matrix

    def of_histories(self, before: csr_matrix) -> csr_matrix:
        """Return binary CSR [len(users), n_items]: the users' histories, which were the rows of `before`."""
        from scipy.sparse import csr_matrix

        user, item = (
            np.concatenate([getattr(part, name) for part in (self.added, self.removed)])
            for name in ("user", "item")
        )
        step = np.repeat(np.array([1, -1], np.float32), [len(self.added), len(self.removed)])
        row = np.searchsorted(self.users, user)
        after = before + csr_matrix((step, (row, item)), before.shape)
        after.eliminate_zeros()
        return after

    def growth(self, n_items: int) -> np.ndarray:
        """Return int64 [n_items]: how many users each item gained, less those that it lost."""
        gained, lost = (np.bincount(part.item, minlength=n_items) for part in (self.added, self.removed))
        return gained - lost

    def by_item(self, n_users: int, n_items: int) -> csr_matrix:
        """Return float32 CSR [len(items), n_users]: row r has all ratings of items[r] in `after`."""
        from scipy.sparse import csr_matrix

        rows, offsets = self.after, np.searchsorted(self.after.user, np.arange(n_users + 1))
        return columns_of(csr_matrix((rows.rating, rows.item, offsets), (n_users, n_items)), self.items)


@dataclass(frozen=True)
class UpdateData:
    """Hold all that an update may read.

    changes     the training ratings before and after it
    catalogue   of the fit: the items and their genres
    checkpoint  of a model that learns by steps: the arrays and the metadata that its fit kept after the last
                epoch (`marquee.training.checkpoint`); None: the steps start without the optimizer's state
    """

    changes: Changes
    catalogue: Catalogue
    checkpoint: tuple[dict[str, np.ndarray], Mapping[str, Any]] | None = None


def changed(
    before: Ratings,
    given: Ratings,
    positive_threshold: float | None = None,
    weigh: Callable[[np.ndarray], np.ndarray] = np.ones_like,
) -> Changes:
    """Return what `given` ratings make of `before`, whose users ascend.

    Of a pair that was rated several times the last rating counts, by time, then by row; it replaces an
    earlier one. With a `positive_threshold` only positives are learned, each with its weight: a rating below
    it withdraws an earlier positive. A rating that says what `before` says already changes nothing.
    weigh  float32 [n] of the ratings of positives -> their weights; default: 1 each

    Stored negatives are left out; how they were sampled stays. Takes a few copies of the ratings.
    """
    given = last_of_each_pair(given)
    width = 1 + max(int(part.item.max(initial=0)) for part in (before, given))
    own = _rows_of(before, np.unique(given.user))  # rows of `before` that may be replaced
    keys, new = (part.user * np.int64(width) + part.item for part in (before.take(own), given))  # new ascends
    among = np.zeros(SIEVE, bool)
    among[new & (SIEVE - 1)] = True
    again = np.flatnonzero(among[keys & (SIEVE - 1)])  # of the many rows those few that need a search
    place = np.searchsorted(new, keys[again])
    found = new[np.minimum(place, len(new) - 1)] == keys[again]
    again, place = again[found], place[found]
    learned = np.full(len(given), True)
    if positive_threshold is not None:
        learned = given.rating >= positive_threshold
        given = replace(given, rating=weigh(given.rating))
    same = learned[place] & (before.rating[own[again]] == given.rating[place])
    learned[place[same]] = False
    gone = own[again[~same]]
    added = given.take(learned)
    return Changes(before, added.take(np.lexsort((added.timestamp, added.user))), gone)


def last_of_each_pair(ratings: Ratings) -> Ratings:
    """Return the last row of each pair, by time and then by row, ordered by (user, item)."""
    order = np.lexsort((np.arange(len(ratings)), ratings.timestamp, ratings.item, ratings.user))
    user, item = ratings.user[order], ratings.item[order]
    last = np.append((user[1:] != user[:-1]) | (item[1:] != item[:-1]), True)[: len(order)]
    return ratings.take(order[last])


def _insert(before: Ratings, gone: np.ndarray, added: Ratings) -> Ratings:
    """Return `before` without the rows `gone`, with those `added`, sorted by user, after the user's own."""
    kept = before if not len(gone) else before.take(np.delete(np.arange(len(before)), gone))
    at = np.searchsorted(kept.user, added.user, side="right")
    first = np.flatnonzero(np.diff(at, prepend=-1)).tolist()  # the rows of one user go to one place
    places = at[first].tolist()
    blocks = list(zip(places, places, first, [*first[1:], len(added)], strict=False))
    user, item, rating, timestamp = (
        spliced(getattr(kept, name), getattr(added, name), blocks) for name in DTYPES
    )
    return Ratings(user, item, rating, timestamp, sampling=before.sampling)


def _rows_of(ratings: Ratings, users: np.ndarray) -> np.ndarray:
    """Return int64: the rows of `users` [n], ascending, in ratings whose users ascend."""
    first = np.searchsorted(ratings.user, users, "left")
    lengths = np.searchsorted(ratings.user, users, "right") - first
    return np.repeat(first - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
