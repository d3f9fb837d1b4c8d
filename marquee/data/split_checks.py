"""Check a split before it is written: its parts are disjoint, not empty, and in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marquee.config import SplitOptions
from marquee.data.time_cuts import BY_ONE_CUT
from marquee.errors import MarqueeError
from marquee.parallel import packed_pairs, parallel_user_blocks, ratings_per_user

if TYPE_CHECKING:
    from marquee.data.splits import Split


def check(split: Split, options: SplitOptions) -> None:
    """Raise MarqueeError if train or test is empty, two parts share a pair, or time runs backwards."""
    train, validation, test = split.train, split.validation, split.test
    for name, rows in (("train on", train), ("test", test)):
        if not len(rows):
            ways = "take another split or fraction"
            if options.split == "sliding_window":
                ways = "take fewer n_folds" + ", or more train_days" * (options.train_days is not None)
            if options.positive_threshold is not None:
                ways += ", or lower tasks.ranking.positive_threshold"
            raise MarqueeError(f"split {options.split} leaves no rating to {name}; {ways}")
    _check_disjoint(split)
    for earlier, later in ((train, validation), (train, test), (validation, test)):
        if not len(earlier) or not len(later):
            continue
        if options.split in BY_ONE_CUT and later.timestamp.min() <= earlier.timestamp.max():
            raise MarqueeError(f"split {options.split} put a row beside or before one that it must follow")
        if options.split in ("leave_last_out", "per_user_time"):
            counts = ratings_per_user(earlier.user, int(later.user[-1]) + 1)
            last = earlier.timestamp[np.cumsum(counts)[later.user] - 1]
            wrong = later.user[(counts[later.user] > 0) & (later.timestamp < last)]
            if len(wrong):
                raise MarqueeError(
                    f"split {options.split} holds out a row of user {wrong[0]} that is not the last"
                )


def _check_disjoint(split: Split) -> None:
    """Raise MarqueeError if two parts share a pair: users ascend, so blocks of users can be checked alone."""
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
                f"user {user.min() + own} rated item {which} twice among train and held out; drop one rating"
            )

    parallel_user_blocks(check_block, [part.user for part in parts])
