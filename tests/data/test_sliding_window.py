"""Windows over time: each is trained on what came before it, and on nothing else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee.config import SplitOptions
from marquee.data.ratings import Ratings
from marquee.data.splits import Split, split
from marquee.data.time_cuts import DAY, window_bounds
from marquee.errors import MarqueeError
from tests.data.test_splits import in_order, rng, rows, small_ratings

N_FOLDS = 4


def windows(ratings: Ratings, **options: float) -> list[Split]:
    named = [
        SplitOptions("sliding_window", fold=fold, n_folds=N_FOLDS, **options)
        for fold in range(1, N_FOLDS + 1)
    ]
    return [split(ratings, one, rng()) for one in named]


def many(n: int = 400) -> Ratings:
    """Ratings of 20 users, of whom the later ones come later; about two have each time."""
    chance = np.random.default_rng(5)
    time = np.sort(chance.integers(0, n // 2, n)) * DAY
    user = np.minimum(np.arange(n) * 20 // n + chance.integers(0, 4, n), 19)
    return in_order(user, np.arange(n), chance.integers(1, 6, n), time)


@pytest.mark.parametrize("days", [None, 30, 1e300])
def test_all_that_a_window_learns_from_is_before_its_test_and_no_later_one_is_in_it(days):
    found = windows(many(), validation=0.2, train_days=days)
    for window in found:
        assert window.train.timestamp.max() < window.validation.timestamp.min()
        assert window.validation.timestamp.max() < window.test.timestamp.min()
    for one, other in pairwise(found):
        assert one.test.timestamp.max() < other.test.timestamp.min()


def test_the_windows_have_about_one_size_and_end_with_the_last_rating():
    found = windows(many(), validation=0.2)
    assert all(abs(len(window.test) - 80) <= 4 for window in found)
    assert found[-1].counts["left_out"] == 0
    for window in found:  # all that came before, four fifths of it as train
        before = (many().timestamp < window.test.timestamp.min()).sum()
        assert len(window.train) + len(window.validation) == before
        assert len(window.validation) == pytest.approx(before / 5, abs=4)


def test_train_days_is_how_far_back_a_window_looks():
    for window in windows(many(), validation=0.2, train_days=30):
        begin = window.test.timestamp.min()
        known = (many().timestamp < begin) & (many().timestamp >= begin - 30 * DAY)
        assert len(window.train) + len(window.validation) == known.sum()


def test_a_user_who_comes_later_is_tested_without_a_training_row():
    window = windows(many(), validation=0.2)[1]
    assert window.counts["users_without_train"] > 0
    assert not set(window.test.user) <= set(window.train.user)


@settings(max_examples=60)
@given(small_ratings(), st.integers(1, N_FOLDS))
def test_a_window_is_what_its_slow_twin_cuts(ratings: Ratings, fold: int):
    options = SplitOptions("sliding_window", validation=0, fold=fold, n_folds=N_FOLDS)
    times = sorted(ratings.timestamp.tolist())
    if times[0] == times[-1]:
        with pytest.raises(MarqueeError, match="so sliding_window cannot cut"):
            window_bounds(ratings, options)
        return

    def edge(part: int) -> float:
        """The rise nearest to that part of the ratings; the earlier one of two."""
        wanted = round(len(times) * part / (N_FOLDS + 1))
        rises = [n for n in range(1, len(times)) if times[n] > times[n - 1]]
        if wanted >= len(times):
            return np.inf
        return times[min(rises, key=lambda n: (abs(n - wanted), n))]

    _, _, first, last = window_bounds(ratings, options).tolist()
    tested = [first <= time < last for time in times]
    assert tested == [edge(fold) <= time < edge(fold + 1) for time in times]


def test_a_window_without_a_rating_is_an_error_with_its_cure():
    ratings = Ratings.of([0] * 10, range(10), 1, [0] * 9 + [5])
    with pytest.raises(MarqueeError, match="leaves no rating to test; take fewer n_folds"):
        split(ratings, SplitOptions("sliding_window", fold=2, n_folds=N_FOLDS), rng())
    with pytest.raises(MarqueeError, match="train on; take fewer n_folds, or more train_days"):
        windows(many(), train_days=0.001)
    with pytest.raises(MarqueeError, match="fold is 5, but there are 4 folds"):
        split(many(), SplitOptions("sliding_window", fold=5, n_folds=N_FOLDS), rng())


def test_rows_of_the_future_are_in_no_part():
    first = windows(many())[0]
    everything = {pair for part in (first.train, first.validation, first.test) for pair in rows(part)}
    assert first.counts["left_out"] == 400 - len(everything) > 200
