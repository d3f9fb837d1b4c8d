"""Intervals of coverage, which no user has by himself: of the union of all lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from marquee.evaluation.test_set import ModelResult

EVERYWHERE = 64  # lists: an item in more of them is missing in one resample of e^64, so in none


class ResampledCoverage:
    """Count the items in the lists of each resample of the users, for every coverage@k of a board.

    A resample leaves out a third of the users with all of their lists, so its coverage is too low. What it
    shows is the scatter: an interval is that of the resamples around their mean, laid around the value.
    """

    def __init__(self, board: Sequence[ModelResult]) -> None:
        self._users = board[0].per_user["user"]
        self._found = [
            _Listed(one, metric, self._users)
            for one in board
            if one.lists is not None
            for metric in one.metrics
            if metric.startswith("coverage@")
        ]

    def add(self, users: slice, counts: np.ndarray) -> None:
        """Take in a block of users, and how often each resample contains each, float64 [B, b]."""
        sampled = np.packbits(np.ascontiguousarray((counts > 0).T), axis=1)  # (b, B / 8)
        for one in self._found:
            one.add(users, sampled)

    def intervals(self, n_resamples: int, confidence: float) -> Iterator[tuple[str, str, float, float]]:
        """Yield model, metric, and the two bounds."""
        tail = (1 - confidence) / 2
        for one in self._found:
            counts = np.unpackbits(one.sampled, axis=1, count=n_resamples).sum(0, dtype=np.int64)
            shift = (counts - counts.mean()) / max(one.n_listed, 1)
            low, high = one.value * (1 + np.quantile(shift, [tail, 1 - tail]))
            yield one.model, one.metric, float(low), min(float(high), 1.0)


class _Listed:
    """The rarely listed items of one model: which resamples have each, a bit for each resample."""

    def __init__(self, one: ModelResult, metric: str, users: np.ndarray) -> None:
        assert one.lists is not None
        self.model, self.metric, self.value = one.model, metric, one.metrics[metric]
        self._items = one.lists["item"][:, : int(metric.partition("@")[2])]
        self._owner = np.searchsorted(users, one.lists["user"])  # rows of `users`, ascending
        lists = np.bincount(self._items.reshape(-1) + 1)[1:]  # of each item
        self._rare = np.append((lists > 0) & (lists <= EVERYWHERE), False)  # the last stands for -1, no item
        self._place = np.cumsum(self._rare, dtype=np.int32) - 1  # of a rare item among them
        self.n_listed = int((lists > 0).sum())
        self.sampled = np.zeros((int(self._rare.sum()), 0), np.uint8)

    def add(self, users: slice, sampled: np.ndarray) -> None:
        if not self.sampled.size:
            self.sampled = np.zeros((len(self.sampled), sampled.shape[1]), np.uint8)
        part = slice(*np.searchsorted(self._owner, [users.start, users.stop]))
        row, rank = np.nonzero(self._rare[self._items[part]])
        place = self._place[self._items[part][row, rank]]
        order = np.argsort(place, kind="stable")
        if len(order):
            place, owner = place[order], self._owner[part][row[order]] - users.start
            starts = np.flatnonzero(np.diff(place, prepend=-1))
            self.sampled[place[starts]] |= np.bitwise_or.reduceat(sampled[owner], starts, axis=0)
