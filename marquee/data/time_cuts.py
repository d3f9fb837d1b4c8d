"""Moments that divide the ratings of all users: one for `global_time`, and those of `sliding_window`."""

from __future__ import annotations

import numpy as np

from marquee.config import SplitOptions
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError

DAY = 86_400  # seconds
BY_ONE_CUT = ("global_time", "sliding_window")  # in the time of all users
BY_TIME = ("leave_last_out", "per_user_time", *BY_ONE_CUT)


def sorted_times(ratings: Ratings, options: SplitOptions) -> np.ndarray:
    """Return all timestamps, ascending. Raises MarqueeError where they are all equal."""
    times = np.sort(ratings.timestamp)
    if times[0] == times[-1]:
        raise MarqueeError(
            f"all ratings have one timestamp, so {options.split} cannot cut; take another split"
        )
    return times


def cut(times: np.ndarray, wanted: int) -> int:
    """Return the index nearest to `wanted` at which ascending `times` rise; len(times) if there is none."""
    if wanted >= len(times):
        return len(times)
    wanted = max(0, wanted)
    left, right = (int(np.searchsorted(times, times[wanted], side)) for side in ("left", "right"))
    if left > 0 and (right == len(times) or wanted - left <= right - wanted):
        return left
    return right


def valid_fold(options: SplitOptions) -> int:
    """Return `options.fold`. Raises MarqueeError where there is no such fold."""
    fold, n_folds = options.fold, options.n_folds
    if fold > n_folds:
        raise MarqueeError(f"fold is {fold}, but there are {n_folds} folds; take one of 1 to {n_folds}")
    return fold


def window_bounds(ratings: Ratings, options: SplitOptions) -> np.ndarray:
    """Return when train, validation and test of a window begin and when test ends, Unix seconds, int64 [4].

    The ratings are cut by time into `n_folds` + 1 parts of about one size; test is the part after the
    `fold`-th. Train and validation are what came before, or its last `train_days`; validation is the latest
    of it. Equal timestamps are never divided, so a part may be empty.
    """
    fold, pieces = valid_fold(options), options.n_folds + 1
    times = sorted_times(ratings, options)
    first, last = (cut(times, round(len(times) * piece / pieces)) for piece in (fold, fold + 1))
    times = np.append(times, times[-1] + 1)
    start = 0
    if options.train_days is not None:
        reach = min(DAY * options.train_days, float(times[first] - times[0]))
        start = int(np.searchsorted(times, times[first] - np.int64(reach)))
    validation = start + cut(times[start:first], round((1 - options.validation) * (first - start)))
    return times[[start, validation, first, last]]
