"""Sample items that a user has not rated: negatives to learn from, candidates to rank test items among.

A negative avoids the user's training positives and nothing else: to avoid held-out items as well would
show the model where the answer lies. A candidate avoids the rows of the user that it is given: all of the
task's, and movies rated below the threshold where `evaluate.mask` says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from marquee.config import NegativeOptions
from marquee.data.ratings import Ratings
from marquee.data.user_items import UserItems
from marquee.engine import map_blocks
from marquee.errors import MarqueeError
from marquee.io import as_array, as_column
from marquee.parallel import bits, is_ascending, ratings_per_user, user_blocks
from marquee.rng import STEP, KeyedRandom, mix, uniform

if TYPE_CHECKING:
    import pyarrow as pa

STATES = 1 << 18  # draws that are made together: 2 MB
NEGATIVE_CELLS = 1 << 22  # users x items of a table of flags, 4 MB; a processor's cache keeps what is in use
CANDIDATE_CELLS = 1 << 23  # users x items of a table of draw numbers, 32 MB
REDRAWS = 8  # of an item that the user rated, before one of the unrated items is sampled directly


class ItemSlots:
    """Sample items uniformly, such that a new item takes over few of the draws and leaves the others.

    The items lie in a table of 2^b slots in the order of their hashes, each in the first free slot from the
    one that its hash begins with (linear probing). A draw that meets an empty slot is rejected, and the next
    one decides. A new item fills an empty slot; sampling an index would move every draw.

    keys  uint64 [n_items]: the hash of each item
    """

    def __init__(self, keys: np.ndarray) -> None:
        n = len(keys)
        self._bits = max(1, bits(n + n // 4))  # at most 80 % of the slots are taken
        order, number = np.argsort(keys, kind="stable"), np.arange(n)
        self.size = 1 << self._bits
        home = (keys[order] >> np.uint64(64 - self._bits)).astype(np.int64)
        slot = np.maximum.accumulate(home - number) + number
        self._item = np.full(self.size, -1, np.int32)
        self._item[np.minimum(slot, self.size - n + number)] = order

    def look_up(self, hashes: np.ndarray) -> np.ndarray:
        """Return the item in the slot that each of `hashes` begins with, int32, -1 for none."""
        return self._item[(hashes >> np.uint64(64 - self._bits)).view(np.int64)]

    def draw(self, state: np.ndarray) -> np.ndarray:
        """Return an item for each `state` [n], int32: the first that its draws meet.

        A hash serves for as many draws as it has bits; then follows the next one.
        """
        hashes = mix(state.copy())
        item = self.look_up(hashes)
        empty = np.flatnonzero(item < 0)
        hashes = hashes[empty]
        number = 0
        while len(empty):
            number += 1
            used, within = divmod(number, 64 // self._bits)
            if within:
                hashes <<= np.uint64(self._bits)
            else:
                hashes = mix(state[empty] + np.full(1, used, np.uint64) * STEP)
            item[empty] = found = self.look_up(hashes)
            missed = np.flatnonzero(found < 0)  # three times as fast as a mask
            empty, hashes = empty[missed], hashes[missed]
        return item


class NegativeSampler:
    """Samples negatives for every row of `train`, whose users ascend.

    sampling  uniform over the `n_items` items, or in proportion to (rows of the item in train)^alpha
              (Mikolov et al., 2013), each without the user's own rows

    A user for whom popularity leaves nothing (all that others rated, they rated) gets uniform negatives.
    `sampling_weights` [n_items] is what the chances are in proportion to.
    `user_ids` [n_users] are what messages call the users by.
    Raises MarqueeError for a user who has rated all items.
    """

    def __init__(
        self,
        train: Ratings,
        n_items: int,
        sampling: str = "uniform",
        alpha: float = 0.75,
        user_ids: np.ndarray | None = None,
    ) -> None:
        if not is_ascending(train.user):
            raise ValueError("train must be sorted by user")
        counts = ratings_per_user(train.user)
        if counts.max(initial=0) >= n_items:
            user = counts.argmax() if user_ids is None else user_ids[counts.argmax()]
            raise MarqueeError(
                f"user {user} has rated all {n_items} items, so no negative can be sampled: "
                "raise tasks.ranking.positive_threshold or leave this user out"
            )
        self._user, self._item, self._n_items = train.user, train.item, n_items
        self._starts = np.append(0, np.cumsum(counts))  # [n_users + 1], rows
        self.sampling_weights = np.ones(n_items)
        self._cumulative: np.ndarray | None = None
        if sampling == "popularity":
            popularity = np.bincount(train.item, minlength=n_items)
            self.sampling_weights = np.where(popularity > 0, popularity**alpha, 0)
            cumulative = self.sampling_weights.cumsum()
            self._cumulative = cumulative / cumulative[-1] if len(train) else cumulative

    def draw(self, random: KeyedRandom, per_positive: int) -> np.ndarray:
        """Return int32 [n_positives, per_positive], with replacement; row n belongs to row n of train.

        Each number is a function of its row's user and item, its column and what else the user rated.
        """
        drawn = np.empty((len(self._user), per_positive), np.int32)
        if not len(drawn):
            return drawn
        blocks = user_blocks(self._user, rows=max(1, STATES // per_positive))

        def take(k: int, found: np.ndarray) -> None:
            drawn[blocks[k][0]] = found.T

        propose = self._by_popularity
        if self._cumulative is None:
            propose = ItemSlots(random.items(np.arange(self._n_items))).draw
        shared = {"sampler": self, "random": random, "per_positive": per_positive, "propose": propose}
        map_blocks(_draw_block, blocks, shared, take=take)
        return drawn

    def draw_block(
        self,
        rows: slice,
        random: KeyedRandom,
        per_positive: int,
        propose: Callable[[np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """Return int32 [per_positive, rows] for a block of whole users; `propose` samples items."""
        # The draw number is column << 40, + attempt << 20 after an item that the user rated, + empty slots.
        columns = (np.arange(per_positive, dtype=np.uint64)[:, None] << np.uint64(40)) * STEP
        step = max(1, NEGATIVE_CELLS // self._n_items)
        user, item = self._user[rows], self._item[rows]
        state = random.rows(user, item) + columns  # [per_positive, rows]: numpy is fast along rows
        found = propose(state.reshape(-1)).reshape(state.shape)
        rated = np.zeros(step * self._n_items, bool)  # of `step` users, one after another
        for first in range(user[0], user[-1] + 1, step):
            part = slice(*np.searchsorted(user, np.array([first, first + step], user.dtype)))
            own = (user[part] - first).astype(np.int64) * self._n_items
            rated[own + item[part]] = True
            self._replace(found[:, part], own, rated, state[:, part], propose)
            rated[own + item[part]] = False
        return found

    def _replace(
        self,
        found: np.ndarray,
        own: np.ndarray,
        rated: np.ndarray,
        state: np.ndarray,
        propose: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        """Sample again where `found` [per_positive, n] is `rated`; `own` [n] is where its flags begin."""
        cells = np.divmod(np.flatnonzero(rated[found + own]), len(own))
        *attempts, last = (np.arange(1, REDRAWS + 2, dtype=np.uint64) << np.uint64(20)) * STEP
        for attempt in attempts:
            if not len(cells[0]):
                return
            found[cells] = item = propose(state[cells] + attempt)
            again = rated[item + own[cells[1]]]
            cells = cells[0][again], cells[1][again]
        begins = own[cells[1]]
        for begin in np.unique(begins):
            of_user = cells[0][begins == begin], cells[1][begins == begin]
            flags = rated[begin : begin + self._n_items]
            found[of_user] = self._from_complement(flags, uniform(mix(state[of_user] + last)))

    def _by_popularity(self, state: np.ndarray) -> np.ndarray:
        assert self._cumulative is not None
        return np.searchsorted(self._cumulative, uniform(mix(state.copy())), side="right")

    def _from_complement(self, rated: np.ndarray, number: np.ndarray) -> np.ndarray:
        """Return the item for each `number` [n] in [0, 1), of those that are not `rated` [n_items]."""
        weights = np.where(rated, 0, self.sampling_weights)
        steps = (weights if weights.any() else ~rated).cumsum(dtype=float)
        height = np.minimum(number * steps[-1], np.nextafter(steps[-1], 0))
        return np.searchsorted(steps, height, side="right")


def _draw_block(rows: slice, sampler: NegativeSampler, **given: Any) -> np.ndarray:
    return sampler.draw_block(rows, **given)


def add_negatives(
    train: Ratings,
    n_items: int,
    options: NegativeOptions,
    random: KeyedRandom,
    user_ids: np.ndarray | None = None,
) -> Ratings:
    """Return `train` with `negatives` sampled by `options`, and in `sampling` how (JSON)."""
    sampler = NegativeSampler(train, n_items, options.sampling, options.alpha, user_ids)
    how = json.dumps({"sampling": options.sampling, "alpha": options.alpha})
    return replace(train, negatives=sampler.draw(random, options.per_positive), sampling=how)


class Candidates(UserItems):
    """The items to rank for each user: row u is user u."""

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
    seen: Sequence[Ratings], held_out: Ratings, n_users: int, n_items: int, count: int, random: KeyedRandom
) -> Candidates:
    """Sample `count` distinct items, ascending, uniform over all allowed sets, for each user of `held_out`.

    None is in any of `seen` or in `held_out` for that user; where fewer are left, all of them are given.
    Users without a held-out row get none. A user's list is a function of that user's own rows.
    """
    sampler = _CandidateSampler((*seen, held_out), n_users, n_items, count, random)
    found = map_blocks(
        _sample, [(first,) for first in range(0, n_users, sampler.block)], {"sampler": sampler}
    )
    lengths = np.zeros(n_users, np.int64)
    lengths[sampler.evaluated] = np.concatenate([np.empty(0, np.int64), *(own for own, _ in found)])
    items = np.concatenate([np.empty(0, np.int32), *(items for _, items in found)])
    return Candidates(np.append(0, np.cumsum(lengths)), items)


def _sample(first: int, sampler: _CandidateSampler) -> tuple[np.ndarray, np.ndarray]:
    """Return how many candidates each evaluated user of a block has, int64, and all of them, int32."""
    lists = sampler.sample(first)
    lengths = np.array([len(items) for items in lists], np.int64)
    return lengths, np.concatenate([np.empty(0, np.int32), *lists])


class _CandidateSampler:
    """Samples candidates for a range of users; see `sample_candidates`."""

    def __init__(
        self, parts: Sequence[Ratings], n_users: int, n_items: int, count: int, random: KeyedRandom
    ) -> None:
        self._parts = [_by_user(part) for part in parts]
        self._starts = [np.append(0, np.cumsum(ratings_per_user(p.user, n_users))) for p in self._parts]
        self.evaluated = np.flatnonzero(np.diff(self._starts[-1]))
        self._random, self._count, self._n_users, self._n_items = random, count, n_users, n_items
        self._item_keys = random.items(np.arange(n_items))
        self._slots = ItemSlots(self._item_keys)
        wanted = min(count, n_items)
        n_draws = 8 + 6 * wanted * self._slots.size // (5 * n_items)  # enough for a user with few ratings
        self._number = np.arange(n_draws, 0, -1)
        self._step = max(1, min(CANDIDATE_CELLS // (n_items + 1), STATES // n_draws))
        self.block = 16 * self._step  # users to whom a thread gives one table

    def sample(self, first: int) -> list[np.ndarray]:
        """Return the candidates of each evaluated user of the block that begins with user `first`."""
        stop = min(first + self.block, self._n_users)
        met = np.empty((min(self._step, stop - first), self._n_items + 1), np.int32)
        lists: list[np.ndarray] = []
        for begin in range(first, stop, self._step):
            lists.extend(self._sample(begin, min(begin + self._step, stop), met))
        return lists

    def _sample(self, first: int, stop: int, met: np.ndarray) -> list[np.ndarray]:
        """Take the first `count` items that a user's draws meet, without those known or met before.

        Where the draws are used up before, the allowed items of the least hashes are taken instead.

        met  int32 [stop - first or more, n_items + 1]: memory for the number of the draw that meets an item
             first, 0 for a known item; column 0 is the empty slot, column i + 1 is item i
        """
        user = self.evaluated[slice(*np.searchsorted(self.evaluated, (first, stop)))]
        user_keys, width, first_met = self._random.users(user), met.shape[1], met.reshape(-1)
        item = self._slots.look_up(mix(user_keys[:, None] + self._number.astype(np.uint64) * STEP))
        cell = (item + ((user - first) * width + 1)[:, None]).reshape(-1)
        number = np.tile(self._number.astype(np.int32), len(user))
        first_met[cell] = number  # of equal cells the last one stays: numbers fall, so that is the first draw
        for part, start in zip(self._parts, self._starts, strict=True):
            rows = slice(start[first], start[stop])
            first_met[(part.user[rows] - first) * width + part.item[rows] + 1] = 0
        met[:, 0] = 0
        new = (first_met[cell] == number).reshape(item.shape)
        chosen = new & (new[:, ::-1].cumsum(1, dtype=np.int32)[:, ::-1] <= self._count)
        lacking = np.flatnonzero(chosen.sum(1) < self._count)
        if not len(lacking):
            return list(np.sort(item[chosen].reshape(-1, self._count), axis=1))
        lists = [np.sort(items[own]) for items, own in zip(item, chosen, strict=True)]
        for row in lacking:
            lists[row] = self._least(user[row], user_keys[row])
        return lists

    def _least(self, user: int, user_key: np.uint64) -> np.ndarray:
        """Return the items that the user did not rate, of more than `count` those of the least hashes."""
        own = zip(self._parts, self._starts, strict=True)
        known = [part.item[start[user] : start[user + 1]] for part, start in own]
        allowed = np.delete(np.arange(self._n_items, dtype=np.int32), np.concatenate(known))
        if len(allowed) > self._count:
            hashes = mix(self._item_keys[allowed] + user_key)
            allowed = np.sort(allowed[np.argpartition(hashes, self._count)[: self._count]])
        return allowed


class _Pairs(NamedTuple):
    """What executors need of rows: user int32 [n], ascending, and item int32 [n]."""

    user: np.ndarray
    item: np.ndarray


def _by_user(part: Ratings) -> _Pairs:
    if is_ascending(part.user):
        return _Pairs(part.user, part.item)
    order = np.argsort(part.user, kind="stable")
    return _Pairs(part.user[order], part.item[order])
