"""Give each row of a block of whole users its part, by hashes of its user's and its item's own ids.

An `Assign` is a function of one block, for threads and for executors (`marquee.engine`): it takes the users
[n], ascending, and the hashes [n] of the block's rows, and by name what else it needs, and returns int8 [n].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from marquee.config import SplitOptions
from marquee.parallel import bits
from marquee.rng import KeyedRandom, next_draw, uniform

TRAIN, VALIDATION, TEST, FOLDED_IN, LEFT_OUT = range(5)
DOWN = 1e-9  # a coin that always rounds down, but leaves 0.29 of 100 rows 29
Assign = Callable[..., np.ndarray]


def assigned(
    rows: slice,
    user: np.ndarray,
    item: np.ndarray,
    random: KeyedRandom,
    assign: Assign,
    given: Mapping[str, Any],
) -> np.ndarray:
    """Return the parts of the block `rows` of `user` [n_ratings] and `item` [n_ratings]."""
    own = user[rows]
    return assign(own, random.rows(own, item[rows]), **given)


def by_chance(user: np.ndarray, hashes: np.ndarray, options: SplitOptions) -> np.ndarray:
    number = uniform(hashes)
    part = np.full(len(user), TRAIN, np.int8)
    part[number < options.test + options.validation] = VALIDATION
    part[number < options.test] = TEST
    return part


def by_fold(user: np.ndarray, hashes: np.ndarray, options: SplitOptions, fold: int) -> np.ndarray:
    part = np.full(len(user), TRAIN, np.int8)
    dealt = (uniform(hashes) * options.n_folds).astype(np.int32)
    part[uniform(next_draw(hashes)) < options.validation] = VALIDATION
    part[dealt == fold - 1] = TEST
    return part


def by_two_urns(
    user: np.ndarray, hashes: np.ndarray, options: SplitOptions, coins: KeyedRandom
) -> np.ndarray:
    """Deal each user's rows to two urns, and hold out the lowest of either.

    Rows held out of the first urn are test, those of the second validation. A new row falls into one urn, so
    it moves at most one other row: of the urn's held-out rows the last, or the first of those behind them.
    """
    fraction = options.test + options.validation
    second = uniform(hashes) >= options.test / fraction
    own = user - user[0]
    urn = 2 * own + second
    size = np.bincount(urn, minlength=2 * int(own[-1]) + 2).reshape(-1, 2)  # (n_users, 2)
    coin = uniform(coins.users(user[0] + np.arange(len(size))))
    both_coins = np.column_stack([coin, 1 - coin])  # the opposite coin: the sum is even
    quota = round_by(fraction * size, both_coins)
    quota[:, 1] = all_but_one(quota[:, 1], size[:, 1])
    quota[:, 0] = np.minimum(quota[:, 0], np.maximum(size[:, 0] - (size[:, 1] == 0), 0))
    part = np.where(second, np.int8(VALIDATION), np.int8(TEST))
    part[~lowest(urn, hashes, size.reshape(-1), quota.reshape(-1))] = TRAIN
    return part


def by_quota(
    user: np.ndarray, hashes: np.ndarray, counts: np.ndarray, test: np.ndarray, both: np.ndarray
) -> np.ndarray:
    """Of each user's `counts` rows hold out the `both` of lowest hash, the `test` lowest of them as test."""
    users, own = slice(user[0], user[-1] + 1), user - user[0]
    part = np.full(len(user), TRAIN, np.int8)
    part[lowest(own, hashes, counts[users], both[users])] = VALIDATION
    part[lowest(own, hashes, counts[users], test[users])] = TEST
    return part


def lowest(group: np.ndarray, hashes: np.ndarray, size: np.ndarray, quota: np.ndarray) -> np.ndarray:
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


def quotas(counts: np.ndarray, options: SplitOptions, random: KeyedRandom) -> tuple[np.ndarray, np.ndarray]:
    """Return how many of each user's `counts` rows are test, and how many are test or validation."""
    coin = coins(random, len(counts), options)
    test = rows_of(counts, options.test, coin, options)
    if options.rounding == "coin":
        both = round_by(counts * (options.test + options.validation), coin)
    else:
        both = test + rows_of(counts, options.validation, coin, options)
    both = all_but_one(both, counts)
    return np.minimum(test, both), both


def coins(random: KeyedRandom, n_users: int, options: SplitOptions) -> np.ndarray | float:
    """Return a number in [0, 1) for each user, float64 [n_users]; `DOWN` where no coin decides."""
    return uniform(random.users(np.arange(n_users))) if options.rounding == "coin" else DOWN


def rows_of(
    counts: np.ndarray, fraction: float, coin: np.ndarray | float, options: SplitOptions
) -> np.ndarray:
    """Return how many of each user's `counts` rows the fraction is, int64; a single one under `one`."""
    if options.rounding == "one":
        return np.full(counts.shape, int(fraction > 0), np.int64)
    return round_by(counts * fraction, coin)


def round_by(expected: np.ndarray, coin: np.ndarray | float) -> np.ndarray:
    """Round `expected` rows up or down by a coin in [0, 1), int64: right on average, and never falling."""
    return np.floor(expected + coin).astype(np.int64)


def all_but_one(quota: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.minimum(quota, np.maximum(counts - 1, 0))
