"""When ratings and users arrive, the others' splits, negatives and candidates stay what they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from marquee import parallel
from marquee.config import SPLITS, NegativeOptions, SplitOptions
from marquee.data import sampling
from marquee.data.ratings import Ratings
from marquee.data.sampling import add_negatives, sample_candidates
from marquee.data.splits import split
from marquee.errors import MarqueeError
from marquee.movielens.schema import Dataset, Scale, build_dataset
from marquee.rng import KeyedRandom

Row = tuple[int, int, float, int]  # user id, movie id, rating, timestamp
Pair = tuple[object, object]  # in the release's own ids
# Of the old rows of a user with m new ratings so many change part: 2 m where "last" has two cuts, since a
# later rating pushes one row from test to validation and another from validation to train.
MOVED = {
    "random": 0,
    "k_fold": 0,
    "random_per_user": 1,
    "user_holdout": 1,
    "leave_last_out": 2,
    "leave_random_out": 2,
    "per_user_time": 2,
}
EXCEPTED = {
    "global_time": "cuts everyone at one moment",
    "sliding_window": "cuts everyone at two moments",
    "file": "is what its files say",
}


def table_of(rows: Iterable[Row], text: bool = False) -> pa.Table:
    user, movie, rating, timestamp = zip(*rows, strict=True)
    if text:
        user, movie = ([f"{prefix}{n}" for n in ids] for prefix, ids in (("u", user), ("m", movie)))
    return pa.table(
        {
            "user": pa.chunked_array([user]),
            "movie": pa.chunked_array([movie]),
            "rating": pa.chunked_array([pa.array(rating, pa.float32())]),
            "timestamp": pa.chunked_array([pa.array(timestamp, pa.int64())]),
        }
    )


def ingested(rows: Iterable[Row], text: bool = False) -> Dataset:
    return build_dataset(table_of(rows, text), None, None, Scale(1, 5, 1), {})


def ids_of(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return data.users["user_id"].to_numpy(), data.movies["movie_id"].to_numpy()


def pairs(part: Ratings, data: Dataset) -> list[Pair]:
    users, movies = ids_of(data)
    return list(zip(users[part.user].tolist(), movies[part.item].tolist(), strict=True))


def parts_of(data: Dataset, options: SplitOptions) -> tuple[dict[Pair, str], dict[str, Ratings]]:
    """The part of every row, by its ids, and the parts."""
    found = split(Ratings.from_table(data.ratings), options, KeyedRandom(1, "split", *ids_of(data)))
    parts = {name: getattr(found, name) for name in ("train", "validation", "test", "fold_in")}
    return {pair: name for name, part in parts.items() for pair in pairs(part, data)}, parts


def sampled(data: Dataset, parts: dict[str, Ratings]) -> tuple[dict[Pair, list], dict[object, list]]:
    """Each training row's negatives, and each user's candidates, all in the release's own ids."""
    users, movies = ids_of(data)
    train = add_negatives(
        parts["train"], len(movies), NegativeOptions(), KeyedRandom(1, "negatives", users, movies)
    )
    assert train.negatives is not None
    seen = [parts[name] for name in ("train", "validation", "fold_in")]
    found = sample_candidates(
        seen, parts["test"], len(users), len(movies), 20, KeyedRandom(1, "candidates", users, movies)
    )
    lists = np.split(found.items, found.offsets[1:-1])
    return (
        dict(zip(pairs(train, data), movies[train.negatives].tolist(), strict=True)),
        {user: sorted(movies[items].tolist()) for user, items in zip(users.tolist(), lists, strict=True)},
    )


def history(n_users: int, n_movies: int, rng: np.random.Generator) -> list[Row]:
    """About 30 ratings a user, whose ids are 10, 20, ..., of movies 5, 10, ...; each movie has a rating."""
    rows = [(10, 5 * movie, 3.0, 0) for movie in range(1, n_movies + 1)]
    for user in range(2, n_users + 1):
        movies = 1 + rng.choice(n_movies, rng.integers(1, 60), replace=False)
        times = rng.integers(0, 40, len(movies))  # so few that many are equal
        rows += [
            (10 * user, 5 * int(movie), float(rng.integers(1, 6)), int(time))
            for movie, time in zip(movies, times, strict=True)
        ]
    return rows


@pytest.fixture(scope="module")
def grown() -> tuple[list[Row], list[Row]]:
    """A history, and what arrives later: 1 to 4 ratings of 1 % of the users, and 1 % new users in between."""
    rng = np.random.default_rng(0)
    old = history(600, 150, rng)
    new: list[Row] = []
    for user in rng.choice(np.arange(2, 600), 6, replace=False):
        rated = {movie for other, movie, _, _ in old if other == 10 * user}
        free = sorted({5 * movie for movie in range(1, 151)} - rated)
        for movie in rng.choice(free, rng.integers(1, 5), replace=False):
            new.append((10 * int(user), int(movie), 4.0, int(rng.integers(0, 80))))
    for user in rng.choice(600, 6, replace=False):
        movies = 5 * (1 + rng.choice(150, 25, replace=False))
        new += [(10 * int(user) + 3, int(movie), 5.0, int(rng.integers(0, 80))) for movie in movies]
    return old, new


@pytest.mark.parametrize("text", [False, True], ids=["numbers", "text"])
@pytest.mark.parametrize("name", MOVED)
def test_other_users_keep_their_parts_negatives_and_candidates(grown, name: str, text: bool):
    old, new = grown
    before, after = ingested(old, text), ingested([*new, *old], text)
    options = SplitOptions(name, validation=0.15, test=0.2, positive_threshold=2.0)
    part, parts = parts_of(before, options)
    later, later_parts = parts_of(after, options)
    arrived = Counter(f"u{user}" if text else user for user, _, _, _ in new)
    moved = Counter(user for user, movie in part if later[user, movie] != part[user, movie])
    assert set(moved) <= set(arrived)
    assert all(moved[user] <= MOVED[name] * arrived[user] for user in moved)
    negatives, candidates = sampled(before, parts)
    later_negatives, later_candidates = sampled(after, later_parts)
    untouched = [pair for pair in negatives if pair[0] not in arrived]
    assert len(untouched) > 5_000
    assert all(later_negatives[pair] == negatives[pair] for pair in untouched)
    users = [user for user, items in candidates.items() if items and user not in arrived]
    assert len(users) > 80
    assert all(later_candidates[user] == candidates[user] for user in users)


def test_every_split_either_keeps_its_past_or_is_excepted_with_a_reason():
    assert {*MOVED, *EXCEPTED} == set(SPLITS)


@st.composite
def two_histories(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Up to 50 ratings of 8 users, and up to 12 that arrive: of these, of users in between, of new movies."""
    key = st.tuples(st.integers(0, 7), st.integers(0, 9))
    old = draw(st.lists(key, min_size=12, max_size=50, unique=True))
    new = draw(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 19)), max_size=12, unique=True))
    old = [(2 * user, 2 * movie) for user, movie in old]
    new = [pair for pair in new if pair not in set(old)]
    times = draw(st.lists(st.integers(0, 5), min_size=len(old) + len(new), max_size=len(old) + len(new)))
    rows = [(*pair, 4.0, time) for pair, time in zip([*old, *new], times, strict=True)]
    return rows[: len(old)], rows[len(old) :]


@pytest.mark.parametrize("name", MOVED)
@settings(max_examples=150)
@given(
    rows=two_histories(),
    validation=st.sampled_from([0, 0.1, 0.3, 0.45]),
    test=st.sampled_from([0.1, 0.3, 0.5]),
)
def test_a_new_rating_moves_at_most_so_many_old_rows_of_its_user(name, rows, validation, test):
    old, new = rows
    options = SplitOptions(name, validation=validation, test=test)
    try:
        part, _ = parts_of(ingested(old), options)
        later, _ = parts_of(ingested([*old, *new]), options)
    except MarqueeError:  # too few rows for a part
        reject()
    arrived = Counter(user for user, _, _, _ in new)
    moved = Counter(user for user, movie in part if later[user, movie] != part[user, movie])
    assert all(moved[user] <= MOVED[name] * arrived[user] for user in moved)


def test_a_new_movie_changes_few_negatives_and_candidates_of_others(grown):
    old, _ = grown
    new = [(10, movie, 4.0, 3) for movie in (1, 402, 999)]  # three more movies, among 150
    before, after = ingested(old), ingested([*old, *new])
    options = SplitOptions("random_per_user")
    negatives, candidates = sampled(before, parts_of(before, options)[1])
    later_negatives, later_candidates = sampled(after, parts_of(after, options)[1])
    rows = [pair for pair in negatives if pair[0] != 10]
    same = np.mean([np.mean(np.equal(negatives[pair], later_negatives[pair])) for pair in rows])
    assert 0.94 < same < 1
    users = [user for user, items in candidates.items() if len(items) == 20 and user != 10]
    kept = np.mean([len({*candidates[user]} & {*later_candidates[user]}) / 20 for user in users])
    assert 0.94 < kept < 1


def test_the_order_of_the_rows_in_the_file_decides_nothing(grown):
    old, _ = grown
    shuffled = [old[row] for row in np.random.default_rng(1).permutation(len(old))]
    assert ingested(shuffled).ratings.equals(ingested(old).ratings)


def test_ties_in_time_follow_neither_the_id_nor_one_order_for_all_users():
    rows = [(user, movie, 3.0, 7) for user in range(200) for movie in range(6)]
    items = ingested(rows).ratings["item"].to_numpy().reshape(200, 6)
    assert len(np.unique(items, axis=0)) > 150
    last = np.bincount(items[:, -1], minlength=6)
    assert np.abs(last - 200 / 6).max() < 4 * np.sqrt(200 * 5 / 36)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", MOVED)
def test_no_block_and_no_number_of_threads_shows(grown, monkeypatch, name: str, threads: int):
    old, _ = grown
    options = SplitOptions(name, validation=0.15, test=0.2)

    def made() -> tuple:
        data = ingested(old)
        part, parts = parts_of(data, options)
        return data.ratings.to_pydict(), part, sampled(data, parts)

    at_once = made()
    monkeypatch.setattr(parallel, "ROWS", 70)
    monkeypatch.setattr(parallel, "n_threads", lambda: threads)
    for size, small in (("STATES", 300), ("NEGATIVE_CELLS", 400), ("CANDIDATE_CELLS", 400)):
        monkeypatch.setattr(sampling, size, small)
    assert made() == at_once
