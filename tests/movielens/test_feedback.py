"""Visitors' ratings beside a release: they come after its users, and only where the movie is the same."""

from __future__ import annotations

import pyarrow as pa
import pytest

from marquee.errors import MarqueeError
from marquee.io import write_parquet
from marquee.movielens.feedback import FIRST, PREFIX, read_feedback, to_table, with_feedback
from marquee.movielens.schema import Scale, build_dataset

STARS = Scale(1, 5, 1)
MOVIES = pa.table({"movie": pa.array([10, 20, 30]), "title": ["Heat (1995)", "Star Maker, The (1995)", None]})


def release(text: bool = False) -> pa.Table:
    users, movies = [3, 1, 2, 2], [10, 20, 20, 30]
    return pa.table(
        {
            "user": pa.chunked_array([pa.array([f"é{u}" if text else u for u in users])]),
            "movie": pa.chunked_array([pa.array([str(m) if text else m for m in movies])]),
            "rating": pa.chunked_array([pa.array([5, 4, 3, 2], pa.float32())]),
            "timestamp": pa.chunked_array([pa.array([7, 8, 9, 10])]),
        }
    )


def given(*rows: tuple[str, str, str, float], dataset: str = "mine") -> pa.Table:
    """(visitor, movie, title, rating) of each row."""
    return to_table(
        [
            {"visitor": v * 64, "dataset": dataset, "movie": m, "title": t, "rating": r, "time": 100 + at}
            for at, (v, m, t, r) in enumerate(rows)
        ]
    )


HEAT = ("a", "10", "Heat (1995)", 5.0)


def test_visitors_come_after_the_users_of_the_release_who_keep_their_numbers_and_rows():
    rows, note = with_feedback(release(), MOVIES, given(HEAT, ("0", "20", "The Star Maker (1995)", 1)), STARS)
    before, after = (build_dataset(part, MOVIES, None, STARS, {}) for part in (release(), rows))
    assert after.users["user_id"].to_pylist() == [1, 2, 3, FIRST, FIRST + int("a" * 13, 16)]
    assert after.ratings.slice(0, 4).equals(before.ratings)
    assert after.movies.equals(before.movies)
    assert after.ratings.slice(4).to_pydict() == {
        "user": [3, 4],
        "item": [1, 0],
        "rating": [1, 5],
        "timestamp": [101, 100],
    }
    assert "2 ratings of 2 visitors" in note
    assert after.users["user_id"].to_numpy().max() < 2**53  # JSON and JavaScript keep it


def test_text_ids_stay_text():
    rows, _ = with_feedback(release(text=True), None, given(("a", "10", "#10", 5)), STARS)
    assert rows["user"].to_pylist()[-1] == PREFIX + "a" * 13
    assert rows["movie"].to_pylist()[-1] == "10"


@pytest.mark.parametrize(
    "other",
    [
        ("a", "11", "Heat (1995)", 5),  # no such movie
        ("a", "10", "Ronin (1998)", 5),  # another movie has the number now
        ("a", "10", "Heat (1995)", 6),  # off the scale
        ("a", "10", "Heat (1995)", 4.5),
        ("a", "30", "Heat (1995)", 5),  # it has no title here
    ],
)
def test_a_rating_of_another_movie_or_scale_is_left_out_and_counted(other):
    rows, note = with_feedback(release(), MOVIES, given(HEAT, other), STARS)
    assert len(rows) == 5
    assert "1 ratings of 1 visitors" in note
    assert "1 left out" in note


def test_a_movie_without_a_title_goes_by_its_number():
    rows, _ = with_feedback(release(), MOVIES, given(("a", "30", "#30", 5)), STARS)
    assert rows["movie"].to_pylist()[-1] == 30


def test_a_user_of_the_release_with_an_id_of_visitors_is_refused():
    rows = release()
    taken = pa.array([FIRST + int("a" * 13, 16), 1, 2, 2])
    with pytest.raises(MarqueeError, match="an id that visitors get"):
        with_feedback(rows.set_column(0, "user", pa.chunked_array([taken])), MOVIES, given(HEAT), STARS)


def test_only_ratings_of_this_release_are_read(tmp_path):
    path = tmp_path / "ratings.parquet"
    assert read_feedback("mine", path) is None
    write_parquet(path, pa.concat_tables([given(HEAT), given(HEAT, HEAT, dataset="ml-1m")]))
    found = read_feedback("ml-1m", path)
    assert found is not None
    assert len(found) == 2
    assert read_feedback("ml-100k", path) is None


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "ratings.parquet"
    write_parquet(path, given(HEAT).drop(["title"]))
    with pytest.raises(MarqueeError, match="is damaged"):
        read_feedback("mine", path)
