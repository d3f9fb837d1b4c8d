"""Who learns from what: ratings divided into train, validation and test.

Every split gives each row a part, so the output keeps the input's order (user, timestamp, order in the
source), and equal timestamps stay in that order. Nothing loops over users or rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from marquee.config import SplitOptions
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.parallel import packed_pairs, parallel_user_blocks, ratings_per_user

FOLD_IN = 0.8  # of a held-out user's ratings, under user_holdout; the rest is their test
TRAIN, VALIDATION, TEST, HISTORY, LEFT_OUT = range(5)
BY_SHARE = ("random_per_user", "random", "per_user_time", "global_time")
RowIndices = tuple[np.ndarray, np.ndarray]  # the rows of train and of test, under `file`


@dataclass(frozen=True)
class Split:
    """Disjoint parts of one set of ratings. `fold_in` is what user_holdout folds in, otherwise empty."""

    train: Ratings
    validation: Ratings
    test: Ratings
    fold_in: Ratings
    counts: dict[str, int]


def split(
    ratings: Ratings, options: SplitOptions, rng: np.random.Generator, given: RowIndices | None = None
) -> Split:
    """`ratings`, sorted by (user, timestamp), divided as `options` say; `given` are the rows for `file`.

    Raises MarqueeError when a part that must not be empty is, or `check` finds a leak.
    """
    _require_sorted(ratings)
    if not len(ratings):
        raise MarqueeError("there are no ratings to split; run ingest again")
    if options.split in BY_SHARE and options.validation + options.test >= 1:
        shares = f"validation {options.validation} and test {options.test}"
        raise MarqueeError(f"{shares} leave nothing to train on; make their sum less than 1")
    positives = ratings
    if options.positive_threshold is not None:
        kept = ratings.rating >= options.positive_threshold
        positives = ratings.take(kept)
        positives = replace(positives, rating=np.ones_like(positives.rating))
        if given is not None:
            given = (_rows_among(kept, given[0]), _rows_among(kept, given[1]))
    if not len(positives):
        least = f"{options.positive_threshold:g}"
        raise MarqueeError(
            f"no user has a rating of at least {least}: lower tasks.ranking.positive_threshold"
        )
    if options.split == "file":
        part = _file(positives, options, rng, given)
    else:
        part = _ASSIGN[options.split](positives, options, rng)
    train, validation, test, fold_in = (positives.take(part == p) for p in (TRAIN, VALIDATION, TEST, HISTORY))
    counts = _counts(ratings, train, validation, test, fold_in)
    done = Split(train, validation, test, fold_in, counts)
    check(done, options)
    return done


def check(split: Split, options: SplitOptions) -> None:
    """Raises MarqueeError if a part is empty that must not be, two share a pair, or time runs backwards."""
    train, validation, test = split.train, split.validation, split.test
    for name, rows in (("train on", train), ("test", test)):
        if not len(rows):
            ways = "take another split or share"
            if options.positive_threshold is not None:
                ways += ", or lower tasks.ranking.positive_threshold"
            raise MarqueeError(f"split {options.split} leaves no rating to {name}; {ways}")
    _check_disjoint(split)
    for earlier, later in ((train, validation), (train, test), (validation, test)):
        if not len(earlier) or not len(later):
            continue
        if options.split == "global_time" and later.timestamp.min() <= earlier.timestamp.max():
            raise MarqueeError("split global_time put a row beside or before one that it must follow")
        if options.split in ("leave_last_out", "per_user_time"):
            counts = ratings_per_user(earlier.user, int(later.user[-1]) + 1)
            last = earlier.timestamp[np.cumsum(counts)[later.user] - 1]
            wrong = later.user[(counts[later.user] > 0) & (later.timestamp < last)]
            if len(wrong):
                raise MarqueeError(
                    f"split {options.split} holds out a row of user {wrong[0]} that is not the last"
                )


def _check_disjoint(split: Split) -> None:
    """Users ascend in every part, so that a block of users is all that a pair can stand in."""
    parts = (split.train, split.validation, split.test, split.fold_in)
    width = 1 + max(int(p.item.max()) for p in parts if len(p))

    def check_block(*rows: slice) -> None:
        held = [(part.user[r], part.item[r]) for part, r in zip(parts, rows, strict=True)]
        user, item = (np.concatenate(columns) for columns in zip(*held, strict=True))
        pairs = packed_pairs(user, item, width)
        pairs.sort()
        twice = pairs[1:][pairs[1:] == pairs[:-1]]
        if len(twice):
            own, which = divmod(int(twice[0]), width)
            raise MarqueeError(
                f"user {user.min() + own} has item {which} twice among train and held out; drop one rating"
            )

    parallel_user_blocks(check_block, [part.user for part in parts])


def _require_sorted(ratings: Ratings) -> None:
    user, time = ratings.user, ratings.timestamp
    falls = (user[1:] < user[:-1]) | ((user[1:] == user[:-1]) & (time[1:] < time[:-1]))
    if falls.any():
        row = int(np.argmax(falls)) + 1
        raise MarqueeError(f"ratings are not sorted by user and timestamp at row {row}; run ingest again")


def _rows_among(kept: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The positions that `rows` [n] have once only the `kept` rows (a mask) remain."""
    return (np.cumsum(kept) - 1)[rows[kept[rows]]]


def _counts(
    ratings: Ratings, train: Ratings, validation: Ratings, test: Ratings, fold_in: Ratings
) -> dict[str, int]:
    """What a reader should know about the split; users are those with any rating."""
    n_users = int(ratings.user[-1]) + 1

    def has(part: Ratings) -> np.ndarray:
        return ratings_per_user(part.user, n_users) > 0  # [n_users]

    users, learnt, tested = has(ratings), has(train) | has(fold_in), has(test)
    sizes = {"train": train, "validation": validation, "test": test, "fold_in": fold_in}
    counts = {name: len(part) for name, part in sizes.items()}
    return {
        **counts,
        "left_out": len(ratings) - sum(counts.values()),
        "users": int(users.sum()),
        "users_without_train": int((users & ~learnt).sum()),
        "users_without_test": int((users & ~tested).sum()),
    }


# Each of the following gives every row its part, int8 [n].


def _leave_last_out(ratings: Ratings, options: SplitOptions, rng: np.random.Generator) -> np.ndarray:
    """Users with fewer than three ratings stay in train whole."""
    enough = ratings_per_user(ratings.user) >= 3
    return _assign(ratings.user, _rank_from_end(ratings.user), enough, enough)


def _random_per_user(ratings: Ratings, options: SplitOptions, rng: np.random.Generator) -> np.ndarray:
    test, validation = _shares(ratings_per_user(ratings.user), options, rng)
    return _assign(ratings.user, _rank_at_random(ratings.user, rng), test, validation)


def _per_user_time(ratings: Ratings, options: SplitOptions, rng: np.random.Generator) -> np.ndarray:
    test, validation = _shares(ratings_per_user(ratings.user), options, rng)
    return _assign(ratings.user, _rank_from_end(ratings.user), test, validation)


def _random(ratings: Ratings, options: SplitOptions, rng: np.random.Generator) -> np.ndarray:
    part = np.full(len(ratings), TRAIN, np.int8)
    order = rng.permutation(len(ratings))
    n_test, n_validation = (round(share * len(ratings)) for share in (options.test, options.validation))
    part[order[:n_test]] = TEST
    part[order[n_test : n_test + n_validation]] = VALIDATION
    return part


def _global_time(ratings: Ratings, options: SplitOptions, rng: np.random.Generator) -> np.ndarray:
    times = np.sort(ratings.timestamp)
    if times[0] == times[-1]:
        raise MarqueeError("all ratings have one timestamp, so global_time cannot cut; take another split")
    n = len(times)
    first_test = _cut(times, min(n - round(options.test * n), n - 1))
    first_validation = _cut(times[:first_test], first_test - round(options.validation * n))
    part = np.full(n, TRAIN, np.int8)
    part[ratings.timestamp >= times[first_validation]] = VALIDATION
    part[ratings.timestamp >= times[first_test]] = TEST
    return part


def _cut(times: np.ndarray, wanted: int) -> int:
    """The index nearest to `wanted` at which ascending `times` rise; len(times) if there is none."""
    if wanted >= len(times):
        return len(times)
    wanted = max(0, wanted)
    left, right = (int(np.searchsorted(times, times[wanted], side)) for side in ("left", "right"))
    if left > 0 and (right == len(times) or wanted - left <= right - wanted):
        return left
    return right


def _user_folds(ratings: Ratings, options: SplitOptions, rng: np.random.Generator) -> np.ndarray:
    """Whole users are held out, of those with two ratings or more: one to fold in, one to test."""
    user = ratings.user
    counts = ratings_per_user(user)
    able = np.flatnonzero(counts >= 2)
    n_held = min(len(able), max(1, round(options.test * np.count_nonzero(counts))))
    held = np.zeros(len(counts), bool)
    held[rng.choice(able, n_held, replace=False)] = True
    test = np.clip(_apportion(counts * held, 1 - FOLD_IN, rng), 1, np.maximum(counts - 1, 1)) * held
    validation = _capped(_apportion(counts * ~held, options.validation, rng), counts)
    part = _assign(user, _rank_at_random(user, rng), test, validation)
    part[(part == TRAIN) & held[user]] = HISTORY
    return part


def _file(
    ratings: Ratings, options: SplitOptions, rng: np.random.Generator, given: RowIndices | None
) -> np.ndarray:
    if given is None:
        raise ValueError("split file needs the given rows of train and test")
    part = np.full(len(ratings), LEFT_OUT, np.int8)
    part[given[0]] = TRAIN
    both = given[1][part[given[1]] == TRAIN]
    if len(both):
        pair = f"user {ratings.user[both[0]]} and item {ratings.item[both[0]]}"
        raise MarqueeError(f"{' and '.join(map(str, options.files))} share a row ({pair}); drop one")
    part[given[1]] = TEST
    return _with_validation(part, ratings, options, rng)


def _random_folds(ratings: Ratings, options: SplitOptions, rng: np.random.Generator) -> np.ndarray:
    """One deal for every `fold`, so that each rating is test in exactly one of them."""
    n, fold, folds = len(ratings), options.fold, options.n_folds
    if fold > folds:
        raise MarqueeError(f"fold is {fold}, but there are {folds} folds; take one of 1 to {folds}")
    order = rng.permutation(n)
    part = np.full(n, TRAIN, np.int8)
    part[order[n * (fold - 1) // folds : n * fold // folds]] = TEST
    return _with_validation(part, ratings, options, rng)


def _with_validation(
    part: np.ndarray, ratings: Ratings, options: SplitOptions, rng: np.random.Generator
) -> np.ndarray:
    """`part` [n] after a share of each user's training rows went to validation."""
    rows = np.flatnonzero(part == TRAIN)
    user = ratings.user[rows]
    counts = ratings_per_user(user)
    validation = _capped(_apportion(counts, options.validation, rng), counts)
    part[rows] = _assign(user, _rank_at_random(user, rng), np.zeros_like(counts), validation)
    return part


_Assign = Callable[[Ratings, SplitOptions, np.random.Generator], np.ndarray]
_ASSIGN: dict[str, _Assign] = {
    "leave_last_out": _leave_last_out,
    "random_per_user": _random_per_user,
    "random": _random,
    "per_user_time": _per_user_time,
    "global_time": _global_time,
    "user_holdout": _user_folds,
    "k_fold": _random_folds,
}


def _assign(user: np.ndarray, rank: np.ndarray, test: np.ndarray, validation: np.ndarray) -> np.ndarray:
    """Of each user the `test` [n_users] rows of lowest `rank` [n], then the `validation` [n_users] next."""
    part = np.full(len(user), TRAIN, np.int8)
    held_out = test.astype(np.int32) + validation.astype(np.int32)
    part[rank < held_out[user]] = VALIDATION
    part[rank < test.astype(np.int32)[user]] = TEST
    return part


def _shares(
    counts: np.ndarray, options: SplitOptions, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """How many rows of each user are test and validation, int64 [n_users] each; one stays in train."""
    share = options.test + options.validation
    held_out = _capped(_apportion(counts, share, rng), counts)
    test = _apportion(held_out, options.test / share, rng)
    return test, held_out - test


def _apportion(counts: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """`share` of each count, rounded up or down so that the sum is the rounded share of the sum.

    Users are lined up at random and each gets what the rounded running total grows by, so who is rounded
    up is chance and a user of five ratings has one in ten held out with probability one half.
    """
    line = rng.permutation(len(counts))
    total = np.floor(share * np.cumsum(counts[line]) + 0.5).astype(np.int64)
    parts = np.empty(len(counts), np.int64)
    parts[line] = np.diff(total, prepend=0)
    return parts


def _capped(parts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.minimum(parts, np.maximum(counts - 1, 0))


def _rank_from_end(user: np.ndarray) -> np.ndarray:
    """int32 [n]: 0 for the last row of each user, 1 for the one before. `user` is sorted."""
    ends = np.cumsum(ratings_per_user(user)).astype(np.int32)
    return ends[user] - np.arange(1, len(user) + 1, dtype=np.int32)


def _rank_at_random(user: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int32 [n]: a random permutation of 0..count-1 within each user. `user` is sorted.

    Rows are sorted by (user, random bits, position in the user) packed into one integer. That is ten
    times as fast as lexsort, and as no two are equal, the order is the same on every processor.
    """
    counts = ratings_per_user(user)
    position_bits, user_bits = int(counts.max(initial=1)).bit_length(), len(counts).bit_length()
    random_bits = 63 - user_bits - position_bits
    drawn = rng.integers(0, 1 << random_bits, len(user), dtype=np.int64)
    rank = np.empty(len(user), np.int32)

    def order(rows: slice) -> None:
        own, packed = user[rows] - user[rows.start], drawn[rows]
        own_counts = ratings_per_user(own)
        starts = (np.cumsum(own_counts) - own_counts).astype(np.int32)[own]  # [rows] of the block
        position = np.arange(len(own), dtype=np.int32) - starts
        packed |= own.astype(np.int64) << random_bits
        packed <<= position_bits
        packed |= position
        packed.sort()
        packed &= (1 << position_bits) - 1
        rank[rows][starts + packed] = position

    parallel_user_blocks(order, [user])
    return rank
