"""What a split by time makes of ratings without times, or with equal ones."""

from __future__ import annotations

import numpy as np

from marquee.data.ratings import Ratings
from marquee.data.splits import Split
from marquee.data.time_cuts import BY_ONE_CUT, BY_TIME

TOO_MANY = 0.75  # of the test users; a third to a half is usual, since films are rated many at a time


def time_warnings(ratings: Ratings, parts: Split, split: str) -> list[str]:
    """Return a sentence for each way in which times do not decide what `split` held out; [] where they do."""
    if split not in BY_TIME:
        return []
    time = ratings.timestamp
    if time.min() == time.max():
        lacking = "no rating has a timestamp" if time[0] == 0 else "all ratings have one timestamp"
        return [
            f"{lacking}, so {split} holds out ratings of each user at random (by a hash of the ids), "
            "not the last"
        ]
    found = []
    if unknown := int((time == 0).sum()):
        found.append(
            f"{unknown:,} of {len(time):,} ratings have no timestamp; {split} takes them as the oldest"
        )
    test_users, tied = tied_users(parts)
    if split not in BY_ONE_CUT and tied >= TOO_MANY * test_users:
        found.append(
            f"for {tied:,} of {test_users:,} test users the first held-out rating has the timestamp of one "
            f"that stayed, so which of them {split} holds out is random (by a hash of the ids)"
        )
    return found


def tied_users(parts: Split) -> tuple[int, int]:
    """Return how many users have test rows, and of how many the first has the time of a row before it."""
    test, before = parts.test, (parts.train, parts.validation)
    n_users = 1 + int(max(part.user.max(initial=0) for part in (test, *before)))
    first, last = (np.full(n_users, np.iinfo(np.int64).min) for _ in range(2))
    first[test.user[::-1]] = test.timestamp[::-1]  # rows ascend in time, so the first one is written last
    for part in before:
        last[part.user] = part.timestamp
    tested = np.unique(test.user)
    return len(tested), int((first[tested] == last[tested]).sum())
