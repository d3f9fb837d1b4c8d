import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee import parallel
from marquee.movielens import schema
from marquee.movielens.schema import Scale, build_dataset, encode_ids, in_order, latest, stable_order
from marquee.rng import KeyedRandom

STARS = Scale(1, 5, 1)
NOTHING_DROPPED = {"malformed": 0, "off_scale": 0}


def rows(*ratings):
    """Rows of (user, movie, rating, timestamp)."""
    user, movie, rating, timestamp = zip(*ratings, strict=True)
    return pa.table(
        {
            "user": pa.chunked_array([user]),
            "movie": pa.chunked_array([movie]),
            "rating": pa.array(rating, pa.float32()),
            "timestamp": pa.array(timestamp, pa.int64()),
        }
    )


def movies(**titles):
    """Movies m7="Orchard" with id 7, and one genre each."""
    ids = [int(name[1:]) for name in titles]
    return pa.table({"movie": ids, "title": list(titles.values()), "genres": [["Drama"]] * len(ids)})


def together(table, users=None, listed=None):
    return build_dataset(table, listed, users, STARS, NOTHING_DROPPED)


def hash_of(user_id, movie_id):
    """What ties in time are ordered by, of one pair."""
    return int(
        KeyedRandom(0, "order", np.array([user_id]), np.array([movie_id])).rows(*np.zeros((2, 1), int))[0]
    )


def test_ids_follow_the_release_ids_and_only_rated_movies_are_items():
    data = together(rows((9, 70, 3, 0), (4, 50, 4, 0)), listed=movies(m70="Elm", m60="Oak", m50="Ash"))
    assert data.users.to_pydict() == {"user": [0, 1], "user_id": [4, 9]}
    assert data.movies["movie_id"].to_pylist() == [50, 70]
    assert data.movies["title"].to_pylist() == ["Ash", "Elm"]
    assert data.ratings.to_pydict() == {
        "user": [0, 1],
        "item": [0, 1],
        "rating": [4.0, 3.0],
        "timestamp": [0, 0],
    }
    assert data.card["unrated_movies"] == 1


def test_the_tables_have_the_types_of_the_contract():
    data = together(rows((9, 70, 3, 0)), listed=movies(m70="Elm"))
    types = lambda table: {field.name: str(field.type) for field in table.schema}  # noqa: E731
    assert types(data.ratings) == {"user": "int32", "item": "int32", "rating": "float", "timestamp": "int64"}
    listed = types(data.movies)
    assert listed.pop("genres").startswith("list<")
    assert listed == {"item": "int32", "movie_id": "int64", "title": "string", "year": "int16"}
    assert types(data.users) == {"user": "int32", "user_id": "int64"}


def test_text_ids_are_numbered_alphabetically():
    data = together(rows(("zoe", "m2", 3, 0), ("ann", "m10", 4, 0)))
    assert data.users["user_id"].to_pylist() == ["ann", "zoe"]
    assert data.movies["movie_id"].to_pylist() == ["m10", "m2"]


def test_ratings_lie_by_user_then_time_then_hash():
    data = together(rows((1, 5, 1, 20), (1, 6, 2, 10), (0, 5, 3, 99), (1, 7, 4, 10), (1, 4, 5, 10)))
    tied = sorted([(6, 2), (7, 4), (4, 5)], key=lambda row: hash_of(1, row[0]))
    assert data.ratings["rating"].to_pylist() == [3, *(rating for _, rating in tied), 1]
    assert data.card["equal_timestamps"] == 2


def test_of_a_pair_rated_twice_the_latest_stays_and_on_a_tie_the_last_row():
    data = together(rows((1, 5, 1, 20), (1, 5, 2, 10), (2, 5, 3, 10), (2, 5, 4, 10)))
    assert data.ratings["rating"].to_pylist() == [1, 4]
    assert data.card["dropped"]["duplicates"] == 2
    assert data.card["ratings"] == 2


def test_an_unlisted_movie_keeps_its_ratings_without_title_or_genres():
    data = together(rows((1, 5, 1, 0), (2, 6, 2, 0)), listed=movies(m5="Elm (1990)"))
    assert data.movies.select(["title", "year", "genres"]).to_pylist() == [
        {"title": "Elm", "year": 1990, "genres": ["Drama"]},
        {"title": None, "year": None, "genres": []},
    ]
    assert data.card["unlisted_movies"] == 1
    assert data.card["unrated_movies"] == 0


def test_of_a_movie_listed_twice_the_first_row_counts():
    listed = pa.table({"movie": [5, 5], "title": ["Elm", "Oak"]})
    data = together(rows((1, 5, 1, 0)), listed=listed)
    assert data.movies["title"].to_pylist() == ["Elm"]
    assert data.card["unrated_movies"] == 0


def test_a_missing_genre_is_an_empty_list():
    listed = pa.table({"movie": [5, 6], "genres": [["(no genres listed)"], ["unknown", "War", "Drama"]]})
    data = together(rows((1, 5, 1, 0), (1, 6, 1, 1)), listed=listed)
    assert data.movies["genres"].to_pylist() == [[], ["War", "Drama"]]
    assert data.movies["title"].to_pylist() == [None, None]
    assert data.card["genres"] == {"Drama": 1, "War": 1}


def test_demographics_follow_their_user():
    users = pa.table({"user": [8, 9, 7], "age": pa.array([80, 90, 70], pa.int16())})
    data = together(rows((9, 5, 1, 0), (7, 5, 1, 0), (6, 5, 1, 0)), users=users)
    assert data.users.to_pydict() == {"user": [0, 1, 2], "user_id": [6, 7, 9], "age": [None, 70, 90]}


def test_the_card_counts_what_is_there():
    data = together(rows((1, 5, 1, 0), (1, 6, 5, 30), (2, 5, 5, 20)))
    assert data.card == {
        "users": 2,
        "items": 2,
        "ratings": 3,
        "density": 0.75,
        "feedback": "explicit",
        "mean_rating": pytest.approx(11 / 3),
        "histogram": {"rating": [1, 5], "count": [1, 2]},
        "first_timestamp": 20,
        "last_timestamp": 30,
        "equal_timestamps": 0,
        "genres": {},
        "scale": {"low": 1, "high": 5, "step": 1},
        "unrated_movies": 0,
        "dropped": {"malformed": 0, "off_scale": 0, "duplicates": 0},
        "unlisted_movies": 0,
    }


def test_without_times_the_card_gives_none():
    card = together(rows((1, 5, 1, 0))).card
    assert (card["first_timestamp"], card["last_timestamp"]) == (None, None)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 3, 5], Scale(1, 5, 1)),
        ([0.5, 3, 5], Scale(0.5, 5, 0.5)),
        ([1, 1.5, 5], Scale(1, 5, 0.5)),
        ([0.1, 0.2, 0.9], Scale(0.1, 0.9, 0.1)),
        ([-9.87, 0.003, 10], Scale(-9.87, 10, 0)),
        ([4], Scale(4, 4, 1)),
    ],
)
def test_a_scale_is_the_narrowest_that_holds_the_ratings(values, scale):
    assert Scale.of(np.array(values, np.float32)) == scale


def test_a_scale_allows_its_steps_and_nothing_else():
    half_stars = Scale(0.5, 5, 0.5)
    values = np.array([0, 0.5, 3, 3.25, 4.5, 5, 5.5, np.nan], np.float32)
    assert half_stars.allows(values).tolist() == [False, True, True, False, True, True, False, False]
    assert str(half_stars) == "0.5 to 5 in steps of 0.5"
    assert Scale(0, 1, 0).allows(0.123)


SMALL = st.integers(0, 6)
LARGE = st.one_of(SMALL, st.integers(-(2**62), 2**62))


@given(st.lists(st.tuples(SMALL, LARGE), min_size=1, max_size=60))
def test_the_stable_order_is_that_of_a_plain_stable_sort(pairs):
    user, timestamp = (np.array(column) for column in zip(*pairs, strict=True))
    expected = sorted(range(len(pairs)), key=lambda row: pairs[row])
    assert stable_order(user.astype(np.int32), timestamp).tolist() == expected


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("by_user", [True, False])
def test_rows_have_the_same_order_in_one_block_and_in_many_by_any_number_of_threads(
    monkeypatch, threads, by_user
):
    rng = np.random.default_rng(0)
    user, timestamp = rng.integers(0, 50, 2000).astype(np.int32), rng.integers(0, 40, 2000)
    user = np.sort(user) if by_user else user
    row = np.arange(2000)
    item, random = rng.integers(0, 9, 2000).astype(np.int32), KeyedRandom(0, "order")
    expected = np.lexsort((row, random.rows(user, item), timestamp, user))
    monkeypatch.setattr(parallel, "ROWS", 64)
    monkeypatch.setattr(schema, "SHARED", 3)  # blocks go to executors a few at a time
    monkeypatch.setattr("marquee.parallel.n_threads", lambda: threads)
    columns = user, item, row.astype(np.float32), timestamp
    stays = np.ones(2000, bool)
    found = in_order(random, *(column.copy() for column in columns), stays)
    assert [column.tolist() for column in found] == [column[expected].tolist() for column in columns]
    user, item = user[expected], timestamp[expected].astype(np.int32)
    last = {pair: n for n, pair in enumerate(zip(user.tolist(), item.tolist(), strict=True))}
    assert np.flatnonzero(latest(user, item)).tolist() == sorted(last.values())
    assert stays.tolist() == latest(user, found[1]).tolist()


@given(st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=60))
def test_the_latest_of_each_pair_is_its_last_row(pairs):
    pairs.sort(key=lambda pair: pair[0])
    user, item = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    assert set(np.flatnonzero(latest(user, item))) == set({pair: n for n, pair in enumerate(pairs)}.values())


@given(st.lists(st.lists(LARGE, max_size=20), min_size=1, max_size=4).filter(any))
def test_numbering_is_contiguous_and_leads_back_to_the_ids(chunks):
    ids = pa.chunked_array(chunks, pa.int64())
    code, known = encode_ids(ids)
    assert known.to_pylist() == sorted(set(ids.to_pylist()))
    assert known.take(pa.array(code)).to_pylist() == ids.to_pylist()


@given(st.lists(st.tuples(LARGE, LARGE, st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=40))
def test_nothing_is_lost_and_every_id_is_used(given_rows):
    data = together(rows(*given_rows))
    back = zip(
        data.users["user_id"].take(data.ratings["user"].combine_chunks()).to_pylist(),
        data.movies["movie_id"].take(data.ratings["item"].combine_chunks()).to_pylist(),
        data.ratings["rating"].to_pylist(),
        data.ratings["timestamp"].to_pylist(),
        strict=True,
    )
    last = {}  # (user, movie) -> row, the latest as a plain loop finds it
    for row in given_rows:
        if row[:2] not in last or row[3] >= last[row[:2]][3]:
            last[row[:2]] = row
    assert sorted(back) == sorted(last.values())
    assert data.card["ratings"] + data.card["dropped"]["duplicates"] == len(given_rows)
    for column, n in (("user", len(data.users)), ("item", len(data.movies))):
        assert set(data.ratings[column].to_pylist()) == set(range(n))
