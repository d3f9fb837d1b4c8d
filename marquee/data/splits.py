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
from marquee.data.ratings import Ratings, count_weights
from marquee.data.split_checks import check
from marquee.data.time_cuts import BY_ONE_CUT, BY_TIME, cut, sorted_times, valid_fold, window_bounds
from marquee.errors import MarqueeError
from marquee.parallel import bits, parallel_user_blocks, ratings_per_user
from marquee.rng import KeyedRandom, next_draw, uniform

DOWN = 1e-9  # a coin that always rounds down, but leaves 0.29 of 100 rows 29
FOLD_IN = 0.8  # of the ratings of a user held out by user_holdout; the rest is test
TRAIN, VALIDATION, TEST, FOLDED_IN, LEFT_OUT = range(5)
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
) -> Split:
    """Divide `ratings`, sorted by (user, timestamp), as `options` say; `given` are the rows for `file`.

    A positive's rating becomes 1, or its weight in `implicit` data, whose ratings are counts.
    Raises MarqueeError where train or test would be empty, or `check` finds a leak.
    """
    _require_sorted(ratings)
    if not len(ratings):
        raise MarqueeError("there are no ratings to split; run ingest again")
    if options.split in BY_SHARE and options.validation + options.test >= 1:
        fractions = f"validation {options.validation} and test {options.test}"
        raise MarqueeError(f"{fractions} leave nothing to train on; make their sum less than 1")
    positives, train_file = ratings, None if given is None else given[0]
    if options.positive_threshold is not None:
        kept = ratings.rating >= options.positive_threshold
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
    parts = {name: positives.take(part == p) for name, p in PARTS.items()}
    del positives, part
    low_rated = _low_rated(ratings, parts["test"], options, train_file)
    done = Split(**parts, counts=_counts(ratings, parts), low_rated=low_rated)
    check(done, options)
    return done


def _low_rated(
    ratings: Ratings, test: Ratings, options: SplitOptions, train_file: np.ndarray | None
) -> Ratings:
    """Return the rows below the threshold that may be known when `test` is evaluated.

    They are of users with a test row. In a split by time they are not after the first of these rows: of the
    user's own, and for a cut in the time of all, of all. Under `file` they are rows of the `train_file`.
    """
    if options.positive_threshold is None or not len(test):
        return Ratings.empty()
    until = np.full(1 + int(ratings.user[-1]), np.iinfo(np.int64).min)  # [n_users]
    until[test.user[::-1]] = test.timestamp[::-1]  # rows ascend in time, so the first one is written last
    if options.split in BY_ONE_CUT:
        until[test.user] = test.timestamp.min()
    if options.split not in BY_TIME:
        until[test.user] = np.iinfo(np.int64).max
    rows = np.flatnonzero(ratings.rating < options.positive_threshold)
    if train_file is not None:
        rows = np.intersect1d(rows, train_file)
    return ratings.take(rows[ratings.timestamp[rows] <= until[ratings.user[rows]]])


def _require_sorted(ratings: Ratings) -> None:
    user, time = ratings.user, ratings.timestamp
    falls = (user[1:] < user[:-1]) | ((user[1:] == user[:-1]) & (time[1:] < time[:-1]))
    if falls.any():
        row = int(np.argmax(falls)) + 1
        raise MarqueeError(f"ratings are not sorted by user and timestamp at row {row}; run ingest again")


def _counts(ratings: Ratings, parts: Mapping[str, Ratings]) -> dict[str, int]:
    """Count rows and users of the split; users are those with any rating."""
    n_users = int(ratings.user[-1]) + 1
    users = ratings_per_user(ratings.user) > 0
    has = {name: ratings_per_user(part.user, n_users) > 0 for name, part in parts.items()}  # [n_users] each
    counts = {name: len(part) for name, part in parts.items()}
    return {
        **counts,
        "left_out": len(ratings) - sum(counts.values()),
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
    return _from_end(ratings.user, *_quotas(ratings_per_user(ratings.user), options, random))


def _quotas(counts: np.ndarray, options: SplitOptions, random: KeyedRandom) -> tuple[np.ndarray, np.ndarray]:
    """Return how many of each user's `counts` rows are test, and how many are test or validation."""
    coin = _coins(random, len(counts), options)
    test = _rows_of(counts, options.test, coin, options)
    if options.rounding == "coin":
        both = _round(counts * (options.test + options.validation), coin)
    else:
        both = test + _rows_of(counts, options.validation, coin, options)
    both = _all_but_one(both, counts)
    return np.minimum(test, both), both


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
    def assign(user: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        number = uniform(hashes)
        part = np.full(len(user), TRAIN, np.int8)
        part[number < options.test + options.validation] = VALIDATION
        part[number < options.test] = TEST
        return part

    return _by_hash(ratings, random, assign)


def _k_fold(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    """Deal the rows once for every `fold`, so that each is test in exactly one of them."""
    fold, n_folds = valid_fold(options), options.n_folds

    def assign(user: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        part = np.full(len(user), TRAIN, np.int8)
        dealt = (uniform(hashes) * n_folds).astype(np.int32)
        part[uniform(next_draw(hashes)) < options.validation] = VALIDATION
        part[dealt == fold - 1] = TEST
        return part

    return _by_hash(ratings, random, assign)


def _random_per_user(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    """Deal each user's rows to two urns by their hashes, and hold out the lowest of either.

    Rows held out of the first urn are test, those of the second validation. A new row falls into one urn, so
    it moves at most one other row: of the urn's held-out rows the last, or the first of those behind them.
    """
    if options.rounding != "coin":  # two quotas of one urn: exact, where the urns are so on average
        return _lowest_rows(ratings, random, *_quotas(ratings_per_user(ratings.user), options, random))
    fraction = options.test + options.validation

    def assign(user: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        second = uniform(hashes) >= options.test / fraction
        own = user - user[0]
        urn = 2 * own + second
        size = np.bincount(urn, minlength=2 * int(own[-1]) + 2).reshape(-1, 2)  # (n_users, 2)
        coin = uniform(random.users(user[0] + np.arange(len(size))))
        quota = _round(
            fraction * size, np.column_stack([coin, 1 - coin])
        )  # the opposite coin: the sum is even
        quota[:, 1] = _all_but_one(quota[:, 1], size[:, 1])
        quota[:, 0] = np.minimum(quota[:, 0], np.maximum(size[:, 0] - (size[:, 1] == 0), 0))
        part = np.where(second, np.int8(VALIDATION), np.int8(TEST))
        part[~_lowest(urn, hashes, size.reshape(-1), quota.reshape(-1))] = TRAIN
        return part

    return _by_hash(ratings, random, assign)


def _lowest_rows(ratings: Ratings, random: KeyedRandom, test: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Of each user's rows hold out the `both` [n_users] of lowest hash, the `test` lowest of them as test."""
    counts = ratings_per_user(ratings.user)

    def assign(user: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        users, own = slice(user[0], user[-1] + 1), user - user[0]
        part = np.full(len(user), TRAIN, np.int8)
        part[_lowest(own, hashes, counts[users], both[users])] = VALIDATION
        part[_lowest(own, hashes, counts[users], test[users])] = TEST
        return part

    return _by_hash(ratings, random, assign)


def _user_holdout(ratings: Ratings, options: SplitOptions, random: KeyedRandom) -> np.ndarray:
    """Hold out whole users, of those with two ratings or more: one to fold in, one to test."""
    counts = ratings_per_user(ratings.user)
    state = random.users(np.arange(len(counts)))
    held = (uniform(state) < options.test) & (counts >= 2)
    coin = uniform(next_draw(state)) if options.rounding == "coin" else DOWN
    test = np.clip(_rows_of(counts, 1 - FOLD_IN, coin, options), 1, np.maximum(counts - 1, 1))
    validation = _all_but_one(_rows_of(counts, options.validation, coin, options), counts)
    quota = np.where(held, test, validation)
    lowest = _lowest_rows(ratings, random, np.zeros_like(quota), quota)
    return _USER_HOLDOUT[held[ratings.user].view(np.int8), lowest]


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
    coin = _coins(random, len(counts), options)
    quota = _all_but_one(_rows_of(counts, options.validation, coin, options), counts)
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


def _by_hash(
    ratings: Ratings, random: KeyedRandom, assign: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Fill int8 [n] with `assign(user, hashes)` of each block of whole users."""
    part = np.empty(len(ratings), np.int8)

    def fill(rows: slice) -> None:
        user = ratings.user[rows]
        part[rows] = assign(user, random.rows(user, ratings.item[rows]))

    parallel_user_blocks(fill, [ratings.user])
    return part


def _lowest(group: np.ndarray, hashes: np.ndarray, size: np.ndarray, quota: np.ndarray) -> np.ndarray:
    """Mark the `quota` [n_groups] rows of lowest hash in each group of `size` [n_groups] rows, bool [n].

    Group and hash are sorted packed into one integer. Its 40 bits of hash distinguish a user's rows but for
    once in a thousand data sets of 32 million rows; two that are equal are both marked or both not.
    """
    hash_bits = min(40, 64 - bits(len(size)))
    key = group.astype(np.uint64) << np.uint64(hash_bits)
    key |= hashes >> np.uint64(64 - hash_bits)
    ordered = np.append(np.sort(key), np.uint64(2**64 - 1))
    first_left = ordered[np.cumsum(size) - size + quota]  # [n_groups]
    return key < first_left[group]


def _coins(random: KeyedRandom, n_users: int, options: SplitOptions) -> np.ndarray | float:
    """Return a number in [0, 1) for each user, float64 [n_users]; `DOWN` where no coin decides."""
    return uniform(random.users(np.arange(n_users))) if options.rounding == "coin" else DOWN


def _rows_of(
    counts: np.ndarray, fraction: float, coin: np.ndarray | float, options: SplitOptions
) -> np.ndarray:
    """Return how many of each user's `counts` rows the fraction is, int64; a single one under `one`."""
    if options.rounding == "one":
        return np.full(counts.shape, int(fraction > 0), np.int64)
    return _round(counts * fraction, coin)


def _round(expected: np.ndarray, coin: np.ndarray | float) -> np.ndarray:
    """Round `expected` rows up or down by a coin in [0, 1), int64: right on average, and never falling."""
    return np.floor(expected + coin).astype(np.int64)


def _all_but_one(quota: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.minimum(quota, np.maximum(counts - 1, 0))
