"""Who learns from what."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from marquee.config import BY_SHARE, SPLITS, parse
from marquee.data.ratings import Ratings
from marquee.data.splits import BY_TIME, Split, SplitOptions, check, split
from marquee.errors import MarqueeError
from marquee.rng import KeyedRandom

DRAWN = [name for name in SPLITS if name != "file"]
fast = settings(max_examples=60)


def rng(seed: int = 0) -> KeyedRandom:
    return KeyedRandom(seed)


def rows(ratings: Ratings) -> list[tuple[int, int]]:
    return list(zip(ratings.user.tolist(), ratings.item.tolist(), strict=True))


def in_order(user: object, item: object, rating: object, timestamp: object) -> Ratings:
    """Ratings sorted as `ingest` leaves them: by user, then time, then the order given."""
    ratings = Ratings.of(user, item, rating, timestamp)
    return ratings.take(np.lexsort((ratings.timestamp, ratings.user)))


@st.composite
def small_ratings(draw: st.DrawFn, least: int = 1) -> Ratings:
    """Up to 8 users and `least` to 60 pairs, with few distinct timestamps so that ties abound."""
    pairs = draw(
        st.lists(st.tuples(st.integers(0, 7), st.integers(0, 11)), min_size=least, max_size=60, unique=True)
    )
    n = len(pairs)
    rating = draw(st.lists(st.integers(1, 5), min_size=n, max_size=n))
    time = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    return in_order([u for u, _ in pairs], [i for _, i in pairs], rating, time)


def grid(n_users: int, per_user: int) -> Ratings:
    """Every user rates items 0..per_user-1 at times 0..per_user-1."""
    users = np.repeat(np.arange(n_users), per_user)
    items = np.tile(np.arange(per_user), n_users)
    return Ratings.of(users, items, 1 + items % 5, items)


# leave_last_out


def test_the_last_rating_is_test_and_the_one_before_validation():
    done = split(grid(2, 4), SplitOptions("leave_last_out"), rng())
    assert rows(done.train) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert rows(done.validation) == [(0, 2), (1, 2)]
    assert rows(done.test) == [(0, 3), (1, 3)]


def test_a_user_with_fewer_than_three_ratings_stays_in_train_whole_and_is_counted():
    ratings = Ratings.of([0, 0, 0, 1, 1, 3], [0, 1, 2, 0, 1, 5])
    done = split(ratings, SplitOptions("leave_last_out"), rng())
    assert rows(done.train) == [(0, 0), (1, 0), (1, 1), (3, 5)]
    assert done.counts["users"] == 3
    assert done.counts["users_without_test"] == 2


def test_among_equal_timestamps_the_last_in_the_source_is_the_last():
    done = split(in_order([0, 0, 0, 0], [9, 4, 7, 2], 1, [5, 6, 6, 6]), SplitOptions("leave_last_out"), rng())
    assert rows(done.test) == [(0, 2)]
    assert rows(done.validation) == [(0, 7)]


@fast
@given(small_ratings())
def test_leave_last_out_equals_its_slow_twin(ratings: Ratings):
    train, validation, test = [], [], []
    for user in range(8):
        own = [pair for pair in rows(ratings) if pair[0] == user]
        if len(own) < 3:
            train += own
        else:
            train, validation, test = train + own[:-2], [*validation, own[-2]], [*test, own[-1]]
    if not test:
        with pytest.raises(MarqueeError, match="leaves no rating to test"):
            split(ratings, SplitOptions("leave_last_out"), rng())
        return
    done = split(ratings, SplitOptions("leave_last_out"), rng())
    assert (rows(done.train), rows(done.validation), rows(done.test)) == (train, validation, test)


# fractions


def held_out_per_user(name: str, ratings: Ratings) -> np.ndarray:
    """(n_users, 2): rows of each user in test and in validation, where a tenth of all is to go to either."""
    done, n = split(ratings, SplitOptions(name), rng()), int(ratings.user[-1]) + 1
    return np.column_stack([np.bincount(part.user, minlength=n) for part in (done.test, done.validation)])


def test_per_user_time_gives_every_user_of_twenty_two_of_each():
    assert held_out_per_user("per_user_time", grid(50, 20)).tolist() == [[2, 2]] * 50


def test_random_per_user_holds_out_a_users_fraction_and_about_half_of_it_as_test():
    held = held_out_per_user("random_per_user", grid(5000, 100))
    assert np.abs(held.sum(1) - 20).max() <= 1
    assert np.abs(held.mean(0) - 10).max() < 4 * held.std(0).max() / np.sqrt(5000)
    assert held.std(0).max() < 1.2  # 3 where each row is dealt by itself, as under `random`


@pytest.mark.parametrize("name", ["random_per_user", "per_user_time"])
def test_shares_are_rounded_by_a_fair_coin_of_each_user(name: str):
    held = held_out_per_user(name, grid(20_000, 7))  # .7 of a row for either
    assert set(held.sum(1).tolist()) == {1, 2}
    assert np.abs(held.mean(0) - 0.7).max() < 4 * held.std(0).max() / np.sqrt(20_000)


def test_each_row_of_a_user_is_held_out_equally_often():
    done = split(grid(6000, 3), SplitOptions("random_per_user", validation=0, test=1 / 3), rng())
    assert np.abs(np.bincount(done.test.item) - 2000).max() < 4 * np.sqrt(6000 * 2 / 9)


def test_the_only_rating_of_a_user_stays_in_train():
    ratings = Ratings.of(range(40), [0] * 40)
    with pytest.raises(MarqueeError, match="leaves no rating to test"):
        split(ratings, SplitOptions("random_per_user", test=0.5), rng())


def test_per_user_time_holds_out_the_end_of_each_history():
    done = split(grid(3, 10), SplitOptions("per_user_time", validation=0.2, test=0.1), rng())
    assert set(done.test.item.tolist()) == {9}
    assert set(done.validation.item.tolist()) == {7, 8}


def test_random_takes_about_its_shares_of_all_rows():
    done = split(grid(300, 100), SplitOptions("random", validation=0.25, test=0.1), rng())
    assert abs(done.counts["test"] - 3000) < 4 * np.sqrt(30_000 * 0.09)
    assert abs(done.counts["validation"] - 7500) < 4 * np.sqrt(30_000 * 0.1875)
    per_user = np.bincount(done.test.user, minlength=300)
    assert 6 < per_user.var() < 13  # binomial: 9


def test_no_validation_is_a_share_of_zero():
    for name in [*BY_SHARE, "user_holdout", "k_fold"]:
        done = split(grid(90, 20), SplitOptions(name, validation=0), rng())
        assert not len(done.validation), name
        if name in ("random_per_user", "per_user_time", "global_time"):
            assert done.counts["test"] == 180, name


# global_time


def test_equal_timestamps_stay_on_one_side_of_the_cut():
    times = [1, 2, 3, 3, 3, 3, 4, 5, 6, 7]
    ratings = Ratings.of([0] * 10, range(10), 1, times)
    done = split(ratings, SplitOptions("global_time", validation=0, test=0.5), rng())
    assert done.test.timestamp.tolist() == [4, 5, 6, 7]  # 4 rows are nearer to 5 than 8 are


@fast
@given(small_ratings(), st.sampled_from([0.1, 0.3, 0.5, 0.8]))
def test_global_time_cuts_where_its_slow_twin_does(ratings: Ratings, fraction: float):
    times = sorted(ratings.timestamp.tolist())
    options = SplitOptions("global_time", validation=0, test=fraction)
    if times[0] == times[-1]:
        with pytest.raises(MarqueeError, match="one timestamp"):
            split(ratings, options, rng())
        return
    wanted = max(1, round(fraction * len(times)))
    possible = [sum(time >= cut for time in times) for cut in sorted(set(times))[1:]]
    nearest = min(abs(size - wanted) for size in possible)
    done = split(ratings, options, rng())
    assert abs(len(done.test) - wanted) == nearest
    assert done.train.timestamp.max() < done.test.timestamp.min()


# user_holdout


def test_user_holdout_holds_out_whole_users_with_four_fifths_to_fold_in():
    done = split(grid(400, 10), SplitOptions("user_holdout", test=0.25), rng())
    tested = np.bincount(done.test.user, minlength=400)
    assert abs(np.count_nonzero(tested) - 100) < 4 * np.sqrt(400 * 0.1875)
    assert set(tested.tolist()) == {0, 2}
    assert set(done.fold_in.user) == set(done.test.user)
    assert not set(done.train.user) & set(done.test.user)
    assert np.bincount(done.validation.user, minlength=400).tolist() == (tested == 0).astype(int).tolist()


def test_user_holdout_leaves_a_user_with_one_rating_to_train():
    ratings = Ratings.of([0, 1, *np.repeat(range(2, 20), 2)], [0, 0, *[0, 1] * 18])
    for seed in range(20):
        done = split(ratings, SplitOptions("user_holdout", test=0.9), rng(seed))
        assert set(done.train.user.tolist()) >= {0, 1}
        assert len(done.fold_in) == len(done.test) > 8


# file


def test_given_rows_become_train_and_test_and_the_rest_is_left_out():
    options = SplitOptions("file", validation=0)
    done = split(grid(2, 3), options, rng(), given=(np.array([4, 0, 1]), np.array([5])))
    assert rows(done.train) == [(0, 0), (0, 1), (1, 1)]
    assert rows(done.test) == [(1, 2)]
    assert done.counts["left_out"] == 2


def test_validation_of_given_rows_is_a_share_of_train():
    train = np.flatnonzero(np.arange(100) % 10 < 8)
    test = np.flatnonzero(np.arange(100) % 10 >= 8)
    done = split(grid(10, 10), SplitOptions("file", validation=0.25), rng(), given=(train, test))
    assert np.bincount(done.validation.user).tolist() == [2] * 10
    assert done.counts["test"] == 20


def test_given_rows_below_positive_from_are_left_out():
    ratings = Ratings.of([0] * 5, range(5), [5, 1, 4, 2, 5])
    options = SplitOptions("file", validation=0, positive_threshold=4.0)
    done = split(ratings, options, rng(), given=(np.array([0, 1, 2]), np.array([3, 4])))
    assert (rows(done.train), rows(done.test)) == ([(0, 0), (0, 2)], [(0, 4)])


def test_a_row_given_for_both_train_and_test_is_an_error_that_names_the_files():
    options = SplitOptions("file")
    with pytest.raises(MarqueeError, match=r"u1\.base and u1\.test share a row \(user 0 and item 2\)"):
        split(grid(1, 4), options, rng(), given=(np.array([0, 2]), np.array([2, 3])))


# positives


def test_positives_get_rating_one_and_the_rest_is_left_out():
    ratings = Ratings.of([0] * 6, range(6), [5, 3.5, 4, 4.5, 1, 4], range(6))
    done = split(ratings, SplitOptions("leave_last_out", positive_threshold=4.0), rng())
    assert (rows(done.train), rows(done.validation), rows(done.test)) == (
        [(0, 0), (0, 2)],
        [(0, 3)],
        [(0, 5)],
    )
    assert done.train.rating.tolist() == [1, 1]
    assert done.counts["left_out"] == 2


def test_ratings_stay_as_they_are_without_positive_from():
    done = split(grid(1, 5), SplitOptions("leave_last_out"), rng())
    assert done.train.rating.tolist() == [1, 2, 3]
    assert done.counts["left_out"] == 0


def test_a_user_without_positives_has_no_test_row_and_is_counted():
    ratings = Ratings.of([0] * 4 + [1] * 4, [*range(4)] * 2, [5, 5, 5, 5, 1, 1, 1, 1])
    done = split(ratings, SplitOptions("leave_last_out", positive_threshold=4.0), rng())
    assert done.counts["users"] == 2
    assert done.counts["users_without_train"] == 1
    assert done.counts["users_without_test"] == 1


def test_no_positives_at_all_is_an_error_that_says_which_key_to_lower():
    with pytest.raises(MarqueeError, match=r"at least 5\.5: lower tasks\.ranking\.positive_threshold"):
        split(grid(3, 5), SplitOptions("random", positive_threshold=5.5), rng())
    with pytest.raises(
        MarqueeError, match=r"no rating to test; .* or lower tasks\.ranking\.positive_threshold"
    ):
        split(grid(3, 5), SplitOptions("leave_last_out", positive_threshold=4.5), rng())


# every split


@pytest.mark.parametrize("name", DRAWN)
@fast
@given(ratings=small_ratings(least=10), seed=st.integers(0, 5))
def test_every_positive_is_in_one_part_and_each_part_keeps_the_order(name: str, ratings: Ratings, seed: int):
    options = SplitOptions(name, validation=0.2, test=0.3, positive_threshold=3.0, fold=5)
    try:
        done = split(ratings, options, rng(seed))
    except MarqueeError as error:  # too few ratings, but never a leak
        if any(reason in str(error) for reason in ("leaves no rating", "no user has", "one timestamp")):
            reject()
        raise
    place = {pair: n for n, pair in enumerate(rows(ratings))}
    parts = (done.train, done.validation, done.test, done.fold_in)
    for part in parts:
        places = [place[pair] for pair in rows(part)]
        assert places == sorted(places)
        assert set(part.rating.tolist()) <= {1.0}
    together = sorted(pair for part in parts for pair in rows(part))
    assert together == sorted(rows(ratings.take(ratings.rating >= 3)))
    assert len(done.train)
    assert len(done.test)
    assert sum(done.counts[n] for n in ("train", "validation", "test", "fold_in", "left_out")) == len(ratings)
    if name in ("random_per_user", "per_user_time"):
        assert set(done.test.user) <= set(done.train.user)


@pytest.mark.parametrize("name", ["random_per_user", "random", "user_holdout", "k_fold"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_rows(name: str):
    one, same, other = (split(grid(30, 20), SplitOptions(name), rng(seed)).test for seed in (1, 1, 2))
    assert one.user.tobytes() + one.item.tobytes() == same.user.tobytes() + same.item.tobytes()
    assert rows(one) != rows(other)


def test_a_split_checks_itself():
    with pytest.raises(MarqueeError, match="user 0 rated item 4 twice"):
        split(Ratings.of([0, 0, 0], [4, 4, 2]), SplitOptions("leave_last_out"), rng())


def test_no_ratings_at_all_are_an_error():
    with pytest.raises(MarqueeError, match="no ratings to split"):
        split(Ratings.empty(), SplitOptions("random"), rng())


def test_shares_that_leave_nothing_to_train_on_are_an_error():
    with pytest.raises(MarqueeError, match=r"validation 0\.5 and test 0\.5 leave nothing to train on"):
        split(grid(2, 10), SplitOptions("random", validation=0.5, test=0.5), rng())


def test_ratings_out_of_order_are_an_error_that_names_the_row():
    with pytest.raises(MarqueeError, match="not sorted by user and timestamp at row 2"):
        split(Ratings.of([0, 0, 0], [0, 1, 2], 1, [1, 3, 2]), SplitOptions("random"), rng())


def test_an_unknown_split_is_an_error_that_names_the_nearest():
    with pytest.raises(MarqueeError, match="did you mean 'leave_"):
        parse(SplitOptions, {"split": "leave_one_out"}, "tasks.ranking")


# check


def hand_made(train: Ratings, validation: Ratings, test: Ratings) -> Split:
    return Split(train, validation, test, Ratings.empty(), {})


ONE, TWO, THREE = (Ratings.of([0], [item], 1, [item]) for item in (1, 2, 3))


@pytest.mark.parametrize("name", SPLITS)
def test_a_pair_in_two_parts_fails_the_check(name: str):
    for parts in ((ONE, TWO, ONE), (ONE, ONE, TWO), (ONE, TWO, TWO)):
        with pytest.raises(MarqueeError, match=r"user 0 rated item [12] twice"):
            check(hand_made(*parts), SplitOptions(name))


def test_a_pair_both_folded_in_and_tested_fails_the_check():
    with pytest.raises(MarqueeError, match="user 0 rated item 3 twice"):
        check(Split(ONE, TWO, THREE, THREE, {}), SplitOptions("user_holdout"))


@pytest.mark.parametrize("name", BY_TIME)
def test_a_training_row_after_a_held_out_one_fails_the_check(name: str):
    for parts in ((THREE, Ratings.empty(), TWO), (TWO, ONE, THREE), (ONE, THREE, TWO)):
        with pytest.raises(MarqueeError, match=f"split {name}"):
            check(hand_made(*parts), SplitOptions(name))


def test_equal_times_across_the_cut_fail_the_check_of_global_time_only():
    parts = Ratings.of([0], [1], 1, [7]), Ratings.empty(), Ratings.of([0], [2], 1, [7])
    check(hand_made(*parts), SplitOptions("leave_last_out"))
    with pytest.raises(MarqueeError, match="global_time"):
        check(hand_made(*parts), SplitOptions("global_time"))


def test_a_later_row_of_another_user_is_no_fault_of_leave_last_out():
    later = Ratings.of([1], [1], 1, [99])
    check(hand_made(later, Ratings.empty(), ONE), SplitOptions("leave_last_out"))
    with pytest.raises(MarqueeError, match="global_time"):
        check(hand_made(later, Ratings.empty(), ONE), SplitOptions("global_time"))


# real data


@pytest.mark.real
def test_ml_1m_by_leave_last_out_tests_every_user_and_of_the_positives_all_but_two(movielens: Path):
    text = zipfile.ZipFile(movielens / "ml-1m.zip").read("ml-1m/ratings.dat").decode()
    data = np.array(text.replace("::", " ").split(), np.int64).reshape(-1, 4)
    ratings = in_order(data[:, 0] - 1, data[:, 1], data[:, 2], data[:, 3])
    every = split(ratings, SplitOptions("leave_last_out"), rng())
    assert (every.counts["train"], every.counts["test"]) == (1_000_209 - 2 * 6_040, 6_040)
    liked = split(ratings, SplitOptions("leave_last_out", positive_threshold=4.0), rng())
    assert liked.counts == {
        "train": 563_211,
        "validation": 6_035,
        "test": 6_035,
        "fold_in": 0,
        "left_out": 1_000_209 - 575_281,
        "users": 6_040,
        "users_without_train": 2,
        "users_without_test": 5,
    }
