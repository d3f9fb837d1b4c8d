"""Items a user has not rated: negatives to learn from, and candidates to be ranked among.

A negative avoids the user's training positives and nothing else: to avoid what is held out as well
would tell the model where the answer lies. A candidate avoids all that is known of the user.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from marquee.config import NegativeOptions
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.io import as_array, as_column
from marquee.parallel import is_ascending, parallel_for

if TYPE_CHECKING:
    import pyarrow as pa

CELLS = 1 << 22  # users x items that are looked at together: 4 MB, of which the cache keeps what is in use
USERS = 1 << 10  # whose known pairs are looked at together: a few megabytes
REDRAWS = 8  # of collisions, before what is left is drawn from the complement


class NegativeSampler:
    """Draws negatives for every row of `train`, whose users are sorted; set up once, drawn from at will.

    sampling  uniform over the `n_items` items, or in proportion to (rows of the item in train)^alpha
              (Mikolov et al., 2013), each without the user's own rows

    A user for whom popularity leaves nothing (all that others rated, they rated) is drawn for uniformly.
    `law` [n_items] is what the chances are in proportion to.
    Raises MarqueeError for a user who has rated all items.
    """

    def __init__(self, train: Ratings, n_items: int, sampling: str = "uniform", alpha: float = 0.75) -> None:
        if (train.user[1:] < train.user[:-1]).any():
            raise ValueError("train must be sorted by user")
        counts = np.bincount(train.user)
        if counts.max(initial=0) >= n_items:
            raise MarqueeError(
                f"user {counts.argmax()} has rated all {n_items} items, so no negative can be drawn; "
                "raise tasks.ranking.positive_threshold or leave this user out"
            )
        self._user, self._item, self._n_items = train.user, train.item, n_items
        self._starts = np.append(0, np.cumsum(counts))  # [n_users + 1], rows
        self.law = np.ones(n_items)
        self._cumulative: np.ndarray | None = None
        if sampling == "popularity":
            popularity = np.bincount(train.item, minlength=n_items)
            self.law = np.where(popularity > 0, popularity**alpha, 0)
            cumulative = self.law.cumsum()
            self._cumulative = cumulative / cumulative[-1] if len(train) else cumulative

    def draw(self, rng: np.random.Generator, per_positive: int) -> np.ndarray:
        """int32 [n_positives, per_positive], with replacement; row n belongs to row n of train."""
        drawn = np.empty((len(self._user), per_positive), np.int32)
        n_users = len(self._starts) - 1
        step = max(1, CELLS // self._n_items)
        rated = np.zeros((min(step, n_users), self._n_items), bool)
        for first in range(0, n_users, step):  # blocks of users
            rows = slice(self._starts[first], self._starts[min(first + step, n_users)])
            local = self._user[rows] - first
            rated[local, self._item[rows]] = True
            self._fill(drawn[rows].reshape(-1), np.repeat(local, per_positive), rated, rng)
            rated[local, self._item[rows]] = False
        return drawn

    def _fill(self, drawn: np.ndarray, user: np.ndarray, rated: np.ndarray, rng: np.random.Generator) -> None:
        """Write a draw for each `user` [n] (a row of `rated`) into `drawn` [n]."""
        cell = user.astype(np.int64) * self._n_items
        flat = rated.reshape(-1)
        drawn[:] = self._propose(len(drawn), rng)
        again = np.flatnonzero(flat[cell + drawn])
        for _ in range(REDRAWS):
            if not len(again):
                return
            drawn[again] = self._propose(len(again), rng)
            again = again[flat[cell[again] + drawn[again]]]
        drawn[again] = self._from_complement(user[again], rated, rng)

    def _propose(self, n: int, rng: np.random.Generator) -> np.ndarray:
        if self._cumulative is None:
            return rng.integers(0, self._n_items, n, dtype=np.int32)
        return np.searchsorted(self._cumulative, rng.random(n), side="right")

    def _from_complement(self, user: np.ndarray, rated: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Exact draws from what each `user` [n] has not rated, at a cost of `n_items` for each user in it."""
        users, row = np.unique(user, return_inverse=True)
        weights = np.where(rated[users], 0, self.law)  # (len(users), n_items)
        nothing = weights.sum(1) == 0
        weights[nothing] = ~rated[users[nothing]]
        steps = weights.cumsum(1)
        steps = steps / steps[:, -1:] + np.arange(len(users))[:, None]  # row r climbs from r to r + 1
        height = np.minimum(row + rng.random(len(row)), np.nextafter(row + 1, 0))
        return np.searchsorted(steps.reshape(-1), height, side="right") - row * self._n_items


def add_negatives(
    train: Ratings, n_items: int, options: NegativeOptions, rng: np.random.Generator
) -> Ratings:
    """`train` with `negatives` drawn by `options`, and in `sampling` the JSON of the law they follow."""
    sampler = NegativeSampler(train, n_items, options.sampling, options.alpha)
    law = json.dumps({"sampling": options.sampling, "alpha": options.alpha})
    return replace(train, negatives=sampler.draw(rng, options.per_positive), sampling=law)


class Candidates(NamedTuple):
    """Those of user u are items[offsets[u]:offsets[u + 1]].

    offsets  int64 [n_users + 1]
    items    int32 [n]
    """

    offsets: np.ndarray
    items: np.ndarray

    def to_table(self) -> pa.Table:
        """One row per user, in order: user int32, candidates list<int32>."""
        import pyarrow as pa

        users = as_column(np.arange(len(self.offsets) - 1, dtype=np.int32))
        lists = pa.ListArray.from_arrays(as_column(self.offsets.astype(np.int32)), as_column(self.items))
        return pa.table({"user": users, "candidates": lists})

    @classmethod
    def from_table(cls, table: pa.Table) -> Candidates:
        lists = table["candidates"].combine_chunks()
        lengths = as_array(lists.value_lengths())
        return cls(np.append(0, np.cumsum(lengths, dtype=np.int64)), as_array(lists.flatten()))


def sample_candidates(
    seen: Sequence[Ratings],
    held_out: Ratings,
    n_users: int,
    n_items: int,
    count: int,
    rng: np.random.Generator,
) -> Candidates:
    """For each user of `held_out`, `count` distinct items, ascending, uniform over all allowed sets.

    None is in any of `seen` or in `held_out` for that user; where fewer are left, all of them are given.
    Users without a held-out row get none.
    """
    parts = [_by_user(part) for part in (*seen, held_out)]
    evaluated = np.flatnonzero(np.bincount(held_out.user, minlength=n_users))  # [m]
    firsts = range(0, n_users, USERS)
    pairs: list[np.ndarray] = [np.empty(0)] * len(firsts)  # of each block, see `_known_pairs`
    counts = np.zeros(n_users, np.int64)

    def gather(n: int) -> None:
        users = slice(firsts[n], min(firsts[n] + USERS, n_users))
        pairs[n] = _known_pairs(parts, users, n_items)
        ends = np.arange(1 + users.stop - users.start) * n_items
        counts[users] = np.diff(np.searchsorted(pairs[n], ends.astype(pairs[n].dtype)))

    parallel_for(gather, len(firsts))
    chosen = _distinct(n_items - counts[evaluated], count, rng)  # [m, count], -1 where too few
    lengths = np.zeros(n_users, np.int64)
    lengths[evaluated] = (chosen >= 0).sum(1)
    offsets = np.append(0, np.cumsum(lengths))
    items = np.empty(offsets[-1], np.int32)

    def place(n: int) -> None:
        users = slice(firsts[n], min(firsts[n] + USERS, n_users))
        rows = slice(*np.searchsorted(evaluated, (users.start, users.stop)))
        nth = chosen[rows][chosen[rows] >= 0]  # the how-manieth allowed item
        user = np.repeat(np.arange(len(lengths[users])), lengths[users])
        items[offsets[users.start] : offsets[users.stop]] = _allowed(
            nth, user, pairs[n], counts[users], n_items
        )

    parallel_for(place, len(firsts))
    return Candidates(offsets, items)


def _by_user(part: Ratings) -> Ratings:
    return part if is_ascending(part.user) else part.take(np.argsort(part.user, kind="stable"))


def _known_pairs(parts: Sequence[Ratings], users: slice, n_items: int) -> np.ndarray:
    """int [n]: (user - the first) * n_items + item of the rows of `users`, ascending, each once."""
    ends = np.array([users.start, users.stop], np.int32)  # of the column's type, which is otherwise copied
    bounds = [(part, slice(*np.searchsorted(part.user, ends))) for part in parts]
    own, item = (np.concatenate(c) for c in zip(*((p.user[r], p.item[r]) for p, r in bounds), strict=True))
    small = (users.stop - users.start) * n_items < 1 << 31  # sorts in half the time
    pairs = (own - users.start).astype(np.int32 if small else np.int64) * n_items + item
    pairs.sort()
    return pairs[np.diff(pairs, prepend=-1) > 0]  # np.unique hashes, at a hundred times the time


def _allowed(
    nth: np.ndarray, user: np.ndarray, pairs: np.ndarray, counts: np.ndarray, n_items: int
) -> np.ndarray:
    """int [n]: the `nth` [n] (from 0) of the items that `user` [n], counted in the block, has no pair with.

    Before a pair stand as many allowed items as its item exceeds its place among its user's `counts` pairs.
    """
    starts = np.cumsum(counts) - counts
    places = np.arange(len(pairs)) - np.repeat(starts, counts)
    sought = (user * n_items + nth).astype(pairs.dtype)
    return nth + np.searchsorted((pairs - places).astype(pairs.dtype), sought, side="right") - starts[user]


def _distinct(available: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """int32 [m, count]: ascending distinct numbers below available [m], after -1 for each that lacks.

    Floyd's sampling without replacement (Bentley and Floyd, 1987), a draw at a time for all rows.
    """
    chosen = np.full((count, len(available)), -1, np.int32)
    lacking = np.maximum(count - available, 0)
    for n in range(count):
        top = available - count + n  # [m]; negative while there are too few
        draw = (rng.random(len(available)) * (top + 1)).astype(np.int32)
        taken = (chosen[:n] == draw).any(0)
        chosen[n] = np.where(n < lacking, -1, np.where(taken, top, draw))
    return np.sort(chosen.T, axis=1)
