"""Split ratings into train, validation and test.

Every split gives each row a part, and the parts keep the order of the ratings (user, timestamp, hash).
What chance decides about a row is a function of its user's and its item's own ids (`rng`), so that new
ratings leave other users' parts alone. Nothing loops over users or rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from marquee.config import BY_SHARE, SplitOptions
from marquee.data import shares
from marquee.data.ratings import Ratings, count_weights
from marquee.data.shares import (
    DOWN,
    FOLDED_IN,
    LEFT_OUT,
    TEST,
    TRAIN,
    VALIDATION,
    all_but_one,
    coins,
    quotas,
    rows_of,
)
from marquee.data.split_checks import check
from marquee.data.time_cuts import BY_ONE_CUT, BY_TIME, cut, sorted_times, valid_fold, window_bounds
from marquee.engine import map_blocks
from marquee.errors import MarqueeError
from marquee.parallel import SCANNED, chosen, ratings_per_user, row_blocks, user_blocks
from marquee.rng import KeyedRandom, next_draw, uniform

FOLD_IN = 0.8  # of the ratings of a user held out by user_holdout; the rest is test
PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST, "fold_in": FOLDED_IN}
RowIndices = tuple[np.ndarray, np.ndarray]  # the rows of train and of test, under `file`


@dataclass(frozen=True)
class Split:
    """Disjoint parts of one set of ratings; only user_holdout fills `fold_in`.

    low_rated  what test users rated below the threshold, in a split by time not after their test rows
    """

    train: Ratings
    validation: Ratings
    test: Ratings
    fold_in: Ratings
    counts: dict[str, int]
    low_rated: Ratings = field(default_factory=Ratings.empty)


def split(
    ratings: Ratings,
    options: SplitOptions,
    random: KeyedRandom,
    given: RowIndices | None = None,
    implicit: bool = False,
    in_place: bool = False,
) -> Split:
    """Divide `ratings`, sorted by (user, timestamp), as `options` say; `given` are the rows for `file`.

    in_place  use the memory of `ratings`, whose rows and values then are others

    A positive's rating becomes 1, or its weight in `implicit` data, whose ratings are counts.
    Raises MarqueeError where train or test would be empty, or `check` finds a leak.
    """
    _require_sorted(ratings)
    if not len(ratings):
        raise MarqueeError("there are no ratings to split; run ingest again")
    if options.split in BY_SHARE and options.validation + options.test >= 1:
        fractions = f"validation {options.validation} and test {options.test}"
        raise MarqueeError(f"{fractions} leave nothing to train on; make their sum less than 1")
    in_place = in_place and given is None
    rated = ratings_per_user(ratings.user)  # [n_users]
    positives, rest, train_file = ratings, ratings, None if given is None else given[0]
    if options.positive_threshold is not None:
        kept = ratings.rating >= options.positive_threshold
        if in_place:
            positives, rest = _parted(ratings, kept)
        else:
            positives = ratings.take(kept)
        weights = count_weights if implicit else np.ones_like
        positives = replace(positives, rating=weights(positives.rating))
        if given is not None:
            position = np.cumsum(kept) - 1  # [n]: of each kept row among the positives
            train_rows, test_rows = (position[rows[kept[rows]]] for rows in given)
            given = train_rows, test_rows
    if not len(positives):
        raise MarqueeError(
            f"no user has a rating of at least {options.positive_threshold:g}: "
            "lower tasks.ranking.positive_threshold"
        )
    if options.split == "file":
        part = _file(positives, options, random, given)
    else:
        part = _ASSIGN[options.split](positives, options, random)
    parts = _parts(positives, part, in_place)
    del positives, part
    low_rated = _low_rated(rest, parts["test"], options, train_file)
    done = Split(**parts, counts=_counts(rated, parts), low_rated=low_rated)
    check(done, options)
    return done


def _parted(ratings: Ratings, kept: np.ndarray) -> tuple[Ratings, Ratings]:
    """Move the rows of the mask `kept` before all others; return both, in the memory of `ratings`."""
    both = []
    for column in (ratings.user, ratings.item, ratings.rating, ratings.timestamp):
        (others,) = chosen(~kept, column)
        (front,) = chosen(kept, column, in_place=True)
        column[len(front) :] = others
        both.append((front, column[len(front) :]))
    positives, rest = zip(*both, strict=True)
    return Ratings(*positives), Ratings(*rest)


def _parts(ratings: Ratings, part: np.ndarray, in_place: bool) -> dict[str, Ratings]:
    """Return the ratings of each of PARTS; the most numerous ones stay where they are if `in_place`."""
    sizes = np.bincount(part, minlength=LEFT_OUT + 1)
    largest = max(PARTS.values(), key=sizes.__getitem__) if in_place else None
    parts = {name: ratings.take(part == p) for name, p in PARTS.items() if p != largest}
    for name, p in PARTS.items():
        if p == largest:
            columns = ratings.user, ratings.item, ratings.rating, ratings.timestamp
            user, item, rating, timestamp = chosen(part == p, *columns, in_place=True)
            parts[name] = Ratings(user, item, rating, timestamp)
    return {name: parts[name] for name in PARTS}


def _low_rated(
    ratings: Ratings, test: Ratings, options: SplitOptions, train_file: np.ndarray | None
) -> Ratings:
    """Return the rows below the threshold that may be known when `test` is evaluated.

    They are of users with a test row. In a split by time they are not after the first of these rows: of the
    user's own, and for a cut in the time of all, of all. Under `file` they are rows of the `train_file`.
    """
    if options.positive_threshold is None or not len(test):
        return Ratings.empty()
    last = max(int(part.user[-1]) for part in (ratings, test) if len(part))
    until = np.full(1 + last, np.iinfo(np.int64).min)  # [n_users]
    until[test.user[::-1]] = test.timestamp[::-1]  # rows ascend in time, so the first one is written last
    if options.split in BY_ONE_CUT:
        until[test.user] = test.timestamp.min()
    if options.split not in BY_TIME:
        until[test.user] = np.iinfo(np.int64).max
    low = ratings.rating < options.positive_threshold
    if train_file is not None:
        low[np.setdiff1d(np.arange(len(low)), train_file)] = False
    for rows in (slice(*block) for block in row_blocks(len(low), SCANNED)):
        low[rows] &= ratings.timestamp[rows] <= until[ratings.user[rows]]
    return ratings.take(low)


def _require_sorted(ratings: Ratings) -> None:
    user, time = ratings.user, ratings.timestamp
    falls = (user[1:] < user[:-1]) | ((user[1:] == user[:-1]) & (time[1:] < time[:-1]))
    if falls.any():
        row = int(np.argmax(falls)) + 1
        raise MarqueeError(f"ratings are not sorted by user and timestamp at row {row}; run ingest again")


def _counts(rated: np.ndarray, parts: Mapping[str, Ratings]) -> dict[str, int]:
    """Count rows and users of the split; `rated` [n_users] is how many ratings each user has."""
    users = rated > 0
    n_users = len(rated)
    has = {name: ratings_per_user(part.user, n_users) > 0 for name, part in parts.items()}  # [n_users] each
    counts = {name: len(part) for name, part in parts.items()}
    return {
        **counts,
        "left_out": int(rated.sum()) - sum(counts.values()),
        "users": int(users.sum()),
        "users_without_train": int((users & ~has["train"] & ~has["fold_in"]).sum()),
        "users_without_test": int((users & ~has["test"]).sum()),
    }


# Each of the following gives every row its part, int8 [n].


def _leave_last_out(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    """Hold out two rows of each user; users with fewer than three stay in train whole."""
    enough = ratings_per_user(ratings.user) >= 3
    return _from_end(ratings.user, enough.astype(np.int32), 2 * enough.astype(np.int32))


def _leave_random_out(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    """Hold out the two rows of lowest hash of each user; users with fewer than three stay in train whole."""
    test = (ratings_per_user(ratings.user) >= 3).astype(np.int64)
    return _lowest_rows(ratings, random, test, 2 * test)


def _per_user_time(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    return _from_end(ratings.user, *quotas(ratings_per_user(ratings.user), options, random))


def _from_end(user: np.ndarray, test: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Of each user's rows hold out the last `held_out` [n_users], the last `test` [n_users] as test."""
    ends = np.cumsum(ratings_per_user(user))
    row = np.arange(len(user), dtype=np.int32)
    part = np.full(len(user), TRAIN, np.int8)
    part[row >= (ends - held_out).astype(np.int32)[user]] = VALIDATION
    part[row >= (ends - test).astype(np.int32)[user]] = TEST
    return part


def _global_time(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    times = sorted_times(ratings, options)
    n = len(times)
    first_test = cut(times, min(n - round(options.test * n), n - 1))
    first_validation = cut(times[:first_test], first_test - round(options.validation * n))
    part = np.full(n, TRAIN, np.int8)
    part[ratings.timestamp >= times[first_validation]] = VALIDATION
    part[ratings.timestamp >= times[first_test]] = TEST
    return part


def _sliding_window(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    parts = np.array([LEFT_OUT, TRAIN, VALIDATION, TEST, LEFT_OUT], np.int8)
    return parts[np.searchsorted(window_bounds(ratings, options), ratings.timestamp, side="right")]


def _random(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    return _by_hash(ratings, random, shares.by_chance, options=options)


def _k_fold(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    """Deal the rows once for every `fold`, so that each is test in exactly one of them."""
    return _by_hash(ratings, random, shares.by_fold, options=options, fold=valid_fold(options))


def _random_per_user(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    """Deal each user's rows to two urns by their hashes, and hold out the lowest of either."""
    if options.rounding != "coin":  # two quotas of one urn: exact, where the urns are so on average
        return _lowest_rows(ratings, random, *quotas(ratings_per_user(ratings.user), options, random))
    return _by_hash(ratings, random, shares.by_two_urns, options=options, coins=random)


def _lowest_rows(ratings: Ratings, random: KeyedRandom, test: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Of each user's rows hold out the `both` [n_users] of lowest hash, the `test` lowest of them as test."""
    counts = ratings_per_user(ratings.user)
    return _by_hash(ratings, random, shares.by_quota, counts=counts, test=test, both=both)


def _user_holdout(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    """Hold out whole users, of those with two ratings or more: one to fold in, one to test."""
    counts = ratings_per_user(ratings.user)
    state = random.users(np.arange(len(counts)))
    held = (uniform(state) < options.test) & (counts >= 2)
    coin = uniform(next_draw(state)) if options.rounding == "coin" else DOWN
    test = np.clip(rows_of(counts, 1 - FOLD_IN, coin, options), 1, np.maximum(counts - 1, 1))
    validation = all_but_one(rows_of(counts, options.validation, coin, options), counts)
    quota = np.where(held, test, validation)
    part = _lowest_rows(ratings, random, np.zeros_like(quota), quota)
    for rows in (slice(*block) for block in row_blocks(len(part), SCANNED)):  # an index is widened to 8 bytes
        part[rows] = _USER_HOLDOUT[held[ratings.user[rows]].view(np.int8), part[rows]]
    return part


_USER_HOLDOUT = np.array([[TRAIN, VALIDATION], [FOLDED_IN, TEST]], np.int8)  # by held-out user, by part


def _file(
    ratings: Ratings, options: SplitOptions, random: KeyedRandom, given: RowIndices | None
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
    rows = np.flatnonzero(part == TRAIN)
    if not len(rows):
        return part
    train = ratings.take(rows)
    counts = ratings_per_user(train.user)
    coin = coins(random, len(counts), options)
    quota = all_but_one(rows_of(counts, options.validation, coin, options), counts)
    part[rows] = _lowest_rows(train, random, np.zeros_like(quota), quota)
    return part


_Assign = Callable[[Ratings, SplitOptions, KeyedRandom], np.ndarray]
_ASSIGN: dict[str, _Assign] = {
    "leave_last_out": _leave_last_out,
    "leave_random_out": _leave_random_out,
    "random_per_user": _random_per_user,
    "random": _random,
    "per_user_time": _per_user_time,
    "global_time": _global_time,
    "sliding_window": _sliding_window,
    "user_holdout": _user_holdout,
    "k_fold": _k_fold,
}


def _by_hash(ratings: Ratings, random: KeyedRandom, assign: shares.Assign, **given: object) -> np.ndarray:
    """Return int8 [n], `assign(user, hashes, **given)` of each block of whole users."""
    part = np.empty(len(ratings), np.int8)
    blocks = user_blocks(ratings.user)

    def take(k: int, found: np.ndarray) -> None:
        part[blocks[k][0]] = found

    shared = {"user": ratings.user, "item": ratings.item, "random": random, "assign": assign, "given": given}
    map_blocks(shares.assigned, blocks, shared, take=take)
    return part
