from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.serving import output
from marquee.serving.catalogue import MovieCatalogue

MOVIES = MovieCatalogue(
    [10, 20, 30], ["Alien", None, "Heat"], [1979, None, 1995], [["Horror", "Sci-Fi"], [], ["Crime"]]
)
ROWS = output.rows_of(7, np.array([0, 1, -1]), np.array([0.25, 0.125, -np.inf], np.float32), MOVIES, "score")
COLUMNS = ["user", "rank", "movie_id", "title", "year", "genres", "score"]


def test_rows_end_where_the_list_does():
    assert ROWS[0] == {
        "user": 7,
        "rank": 1,
        "movie_id": 10,
        "title": "Alien",
        "year": 1979,
        "genres": ["Horror", "Sci-Fi"],
        "score": 0.25,
    }
    assert [row["movie_id"] for row in ROWS] == [10, 20]


def test_the_table_has_a_line_for_each_movie_and_one_for_why():
    rows = [{**ROWS[0], "why": "Aliens (1986) +0.1"}, ROWS[1]]
    assert output.text(rows, "score").splitlines() == [
        "          score  title  year  genres",
        "  1       0.250  Alien  1979  Horror, Sci-Fi",
        "                 Aliens (1986) +0.1",
        "  2       0.125  #20",
    ]
    assert "nothing is left" in output.text([], "score")


def test_a_long_title_is_cut():
    row = {**ROWS[0], "title": "x" * 60}
    assert f"{'x' * 43}…  1979" in output.text([row], "score")


def test_the_three_ratings_that_add_most_are_named_largest_first():
    history = Ratings.of([0, 0, 0], [0, 1, 2])
    effects = np.array([[0.1, -1], [0.3, 0], [-0.2, 0]], np.float32)
    said = output.explain_by_ratings(history, np.arange(3), effects, MOVIES)
    assert said == ["#20 +0.3, Alien (1979) +0.1", ""]
    assert output.explain_by_ratings(history, np.arange(0), np.zeros((0, 2)), MOVIES) == ["", ""]


def test_what_the_others_say():
    train = Ratings.of([0, 1, 2, 0], [0, 0, 0, 2], [5, 4, 5, 1])
    stars = output.explain_by_popularity(train, 3, True, "rated")
    assert stars(0) == "rated 4.67 by 3 others, 0.92 above average"
    assert stars(2) == "rated 1.00 by 1 others, 2.75 below average"
    assert stars(1) == "rated by nobody yet"
    assert output.explain_by_popularity(train, 3, False, "liked")(0) == "liked by 3 people"


def test_files_of_each_kind_hold_the_rows(tmp_path):
    for suffix in ("parquet", "csv", "json"):
        output.write(tmp_path / f"list.{suffix}", ROWS, COLUMNS)
    assert pq.read_table(tmp_path / "list.parquet").to_pylist() == ROWS
    assert json.loads((tmp_path / "list.json").read_text())["rows"] == ROWS
    assert (tmp_path / "list.csv").read_text().splitlines() == [
        ",".join(COLUMNS),
        "7,1,10,Alien,1979,Horror|Sci-Fi,0.25",
        "7,2,20,,,,0.125",
    ]


@pytest.mark.parametrize("name", ["list.xlsx", "list"])
def test_a_file_of_no_known_kind_is_refused(tmp_path, name):
    with pytest.raises(MarqueeError, match=r"end it in \.parquet, \.csv, \.json"):
        output.check_suffix(tmp_path / name)
