"""Bring foreign lists onto the users and items of one split, and check them for what makes figures false."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marquee.data.ratings import Ratings
from marquee.data.user_items import UserItems
from marquee.errors import MarqueeError
from marquee.io import as_array
from marquee.referee.tables import Table, encode

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Holdout:
    """Hold a split of another library: what was learned from, and what was held out.

    train, test  users and items as numbers from 0, ascending by id; 1 as the rating where there is none
    seen         user * n_items + item of train and validation, ascending: what lists should not contain
    users        int32 [m], ascending: the users of `test`
    candidates   the same: what lists may contain beside test items; None: anything
    """

    train: Ratings
    test: Ratings
    user_ids: pa.Array
    item_ids: pa.Array
    users: np.ndarray
    seen: np.ndarray
    candidates: np.ndarray | None

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    def keys(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return one int64 for each pair."""
        return users * np.int64(self.n_items) + items

    def relevant(self) -> UserItems:
        """Return the test items of each of `users`."""
        rows = np.searchsorted(self.users, self.test.user)
        return UserItems.of(rows, self.test.item, len(self.users))

    def codes(self, column: pa.ChunkedArray, ids: pa.Array) -> np.ndarray:
        """Return where in `ids` each id of `column` is, int32 [n]; -1 for an unknown one."""
        import pyarrow.compute as pc

        if column.type != ids.type:
            column, ids = column.cast("string"), ids.cast("string")
        found = pc.fill_null(pc.index_in(column, value_set=ids), -1)
        return np.concatenate([as_array(chunk) for chunk in found.chunks]).astype(np.int32)


@dataclass(frozen=True)
class Lists:
    """The top k of every test user.

    items    int32 [m, k]: -1 for an item that the split does not have, and behind the end of a list
    lengths  int64 [m]: how many items the list has, at most k; 0 without a list
    notes    one line for each thing that was found and does not stop the judgement
    """

    items: np.ndarray
    lengths: np.ndarray
    notes: list[str] = field(default_factory=list)


def holdout(
    train: Table,
    test: Table,
    validation: Table | None = None,
    candidates: Table | None = None,
    threshold: float | None = None,
) -> Holdout:
    """Return the split. With `threshold`, only test rows with at least that rating are relevant.

    Raises MarqueeError where test shares a pair with train or validation, or nothing is relevant.
    """
    import pyarrow as pa

    empty = {name: pa.chunked_array([], train[name].type) for name in ("user", "item")}
    given = (train, test, validation or empty, candidates or empty)
    pairs, (user_ids, item_ids) = encode(*given)
    parts = []
    for table, pair in zip(given, pairs, strict=True):
        rating = as_array(table["rating"]).astype(np.float32) if "rating" in table else np.float32(1)
        n = len(table["user"])
        parts.append(Ratings(*pair, np.broadcast_to(rating, n), np.broadcast_to(np.int64(0), n)))
    n_items = np.int64(len(item_ids))
    keys = [part.user * n_items + part.item for part in parts]
    seen, held_out = np.concatenate([keys[0], keys[2]]), parts[1]
    seen.sort()
    require_unseen(keys[1], seen, user_ids, item_ids)
    if threshold is not None:
        if "rating" not in test:
            raise MarqueeError(
                f"a threshold of {threshold:g} needs a column rating in the test: name one, or leave it out"
            )
        held_out = held_out.take(held_out.rating >= threshold)
    order = np.unique(held_out.user * n_items + held_out.item, return_index=True)[1]
    held_out = held_out.take(order)
    if not len(keys[1]):
        raise MarqueeError("the test has no rows: nothing can be judged")
    if not len(held_out):
        raise MarqueeError(f"the test has no rating of at least {threshold:g}: lower the threshold")
    allowed = np.sort(keys[3]) if candidates else None
    return Holdout(parts[0], held_out, user_ids, item_ids, np.unique(held_out.user), seen, allowed)


def require_unseen(tested: np.ndarray, seen: np.ndarray, user_ids: pa.Array, item_ids: pa.Array) -> None:
    """Raise MarqueeError where `tested` has one of the keys `seen`, ascending: user * n_items + item."""
    shared = tested[find_rows(tested, seen)]
    if len(shared):
        user, item = divmod(int(shared[0]), len(item_ids))
        raise MarqueeError(
            f"the test shares {len(shared):,} pairs with train and validation, user {user_ids[user]} with "
            f"item {item_ids[item]} first: split again, or no model is judged fairly"
        )


def lists(split: Holdout, table: Table, k: int, path: Path, allow_seen: bool = False) -> Lists:
    """Return the top k of every test user from a table of user, item, and rank or score.

    Ranks decide where there are any; equal scores are ordered by the item's id. Raises MarqueeError, with the
    number of cases and the first, for a pair that is listed twice, ranks with gaps or twice, seen items
    (unless `allow_seen`), items outside the candidates, and lists for none of the test users.
    """
    notes: list[str] = []
    users, items = split.codes(table["user"], split.user_ids), split.codes(table["item"], split.item_ids)
    row = np.searchsorted(split.users, users).clip(max=len(split.users) - 1)
    tested = split.users[row] == users
    if not tested.any():
        raise MarqueeError(
            f"{path}: none of its users is in the test, whose first is "
            f"{split.user_ids[int(split.users[0])]}: write the ids of the test file"
        )
    if not (items[tested] >= 0).any():
        raise MarqueeError(
            f"{path}: none of its items is in train or test, whose first is {split.item_ids[0]}: "
            "write the ids of the train file"
        )
    if not tested.all():
        others = len(np.unique(np.asarray(table["user"].take(np.flatnonzero(~tested)))))
        notes.append(f"{int((~tested).sum()):,} rows of {others:,} users without test items are left out")
    order, notes_of_order = _order(table, row, items, tested, path, split)
    notes += notes_of_order
    row, items = row[order], items[order]
    _refuse_pairs(split, row, items, path, allow_seen, notes)
    lengths = np.bincount(row, minlength=len(split.users))
    place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    top = np.full((len(split.users), k), -1, np.int32)
    kept = place < k
    top[row[kept], place[kept]] = items[kept]
    unknown = int((items[kept] < 0).sum())
    if unknown:
        notes.append(f"{unknown:,} listed items are in neither train nor test and count as misses")
    if missing := int((lengths == 0).sum()):
        notes.append(f"{missing:,} of {len(lengths):,} test users have no list and count as 0")
    if short := int(((lengths > 0) & (lengths < k)).sum()):
        notes.append(f"{short:,} lists are shorter than {k}")
    return Lists(top, np.minimum(lengths, k), notes)


def _order(
    table: Table, row: np.ndarray, items: np.ndarray, tested: np.ndarray, path: Path, split: Holdout
) -> tuple[np.ndarray, list[str]]:
    """Return the tested rows of the table by user and rank, and what was found on the way."""
    kept = np.flatnonzero(tested)
    own = row[kept]
    if "rank" not in table and "score" not in table:
        raise MarqueeError(f"{path} has neither rank nor score: name a column rank, 1 for the best item")
    scores = as_array(table["score"])[kept] if "score" in table else None
    if "rank" not in table:
        assert scores is not None
        order = _within(own, items[kept], -scores)
        equal = (np.diff(own[order]) == 0) & (np.diff(scores[order]) == 0)
        tied = len(np.unique(own[order][1:][equal]))
        words = [f"{tied:,} lists have equal scores; they are ordered by the item's id"] if tied else []
        return kept[order], words
    ranks = as_array(table["rank"])[kept]
    order = _within(own, ranks)
    owner, rank = own[order], ranks[order]
    lengths = np.bincount(owner, minlength=len(split.users))
    expected = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + ranks.min()
    wrong = np.flatnonzero(rank != expected)
    if len(wrong) or ranks.min() not in (0, 1):
        at = int(wrong[0]) if len(wrong) else 0
        who, place = split.user_ids[int(split.users[owner[at]])], at - np.searchsorted(owner, owner[at]) + 1
        raise MarqueeError(
            f"{path}: the ranks of {len(np.unique(owner[wrong])) or 1:,} users are not 1, 2, 3, ...: "
            f"user {who} has {rank[at]:g} at place {place}: number each list again"
        )
    if scores is not None:
        against = (np.diff(owner) == 0) & (np.diff(scores[order]) > 0)
        if against.any():
            users = len(np.unique(owner[1:][against]))
            return kept[order], [f"rank and score disagree for {users:,} users; the rank decides"]
    return kept[order], []


def _refuse_pairs(
    split: Holdout, row: np.ndarray, items: np.ndarray, path: Path, allow_seen: bool, notes: list[str]
) -> None:
    known = items >= 0
    keys = split.keys(split.users[row[known]], items[known])
    ascending = np.sort(keys)
    twice = ascending[1:][np.diff(ascending) == 0]
    if len(twice):
        raise MarqueeError(
            f"{path}: {len(twice):,} pairs stand twice, first {_pair(split, twice[0])}: list each once"
        )
    seen = ascending[find_rows(ascending, split.seen)]
    if len(seen) and not allow_seen:
        raise MarqueeError(
            f"{path}: {len(seen):,} listed pairs were seen, first {_pair(split, seen[0])}: hide seen items, "
            "or pass --allow-seen where the protocol recommends them again"
        )
    if len(seen):
        notes.append(f"{len(seen):,} listed pairs were seen in train or validation")
    if split.candidates is not None:
        allowed = find_rows(keys, split.candidates) | find_rows(
            keys, split.keys(split.test.user, split.test.item)
        )
        if not allowed.all():
            first = _pair(split, keys[np.argmin(allowed)])
            raise MarqueeError(
                f"{path}: {int((~allowed).sum()):,} listed pairs are no candidates, first {first}: rank only "
                "the candidates"
            )


def _pair(split: Holdout, key: np.int64) -> str:
    user, item = divmod(int(key), split.n_items)
    return f"user {split.user_ids[user]}, item {split.item_ids[item]}"


def find_rows(keys: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return bool [n]: is each of `keys` one of `among`, which ascends. Keys in users' order are quickest."""
    if not len(among):
        return np.zeros(len(keys), bool)
    place = np.searchsorted(among, keys)
    return among[np.minimum(place, len(among) - 1, out=place)] == keys


def _within(own: np.ndarray, *by: np.ndarray) -> np.ndarray:
    """Return the rows by (own, the last of `by`, ..., the first, row), int64 [n], as np.lexsort does.

    Lists of one length are sorted together, as the lines of a matrix: a tenth of the time.
    """
    order = np.argsort(own, kind="stable")
    lengths = np.bincount(own)
    starts = np.cumsum(lengths) - lengths
    for length in np.unique(lengths[lengths > 1]):
        place = starts[lengths == length, None] + np.arange(length)
        rows = order[place]
        for column in by:
            rows = np.take_along_axis(rows, np.argsort(column[rows], axis=1, kind="stable"), axis=1)
        order[place] = rows
    return order
