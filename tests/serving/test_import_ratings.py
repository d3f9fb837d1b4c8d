from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marquee.errors import MarqueeError
from marquee.movielens.schema import Scale
from marquee.serving.catalogue import MovieCatalogue
from marquee.serving.exports import on_scale, read_export
from marquee.serving.import_ratings import match, match_export, rate

WHOLE, HALVES = Scale(1, 5, 1), Scale(0.5, 5, 0.5)
MOVIES = MovieCatalogue(
    ids=[10, 20, 30, 40],
    titles=["Alien", "Heat", "Heat", "The Matrix"],
    years=[1979, 1995, 1972, 1999],
    genres=[["Sci-Fi"], ["Crime"], [], ["Sci-Fi"]],
)


@pytest.fixture
def ratings(tmp_path):
    def read(text: str, scale: Scale = WHOLE, encoding: str = "utf-8"):
        path = tmp_path / "mine.csv"
        path.write_bytes(text.encode(encoding))
        return read_export(path, scale).rated

    return read


def counts() -> np.ndarray:
    return np.array([5, 5, 5, 5])


def test_ones_own_table_by_title(ratings):
    rows = ratings('title,rating\nAlien (1979),5\n\n"Heat",2\n')
    assert [(row.line, row.titles[0], row.year, row.rating) for row in rows] == [
        (2, "Alien", 1979, 5.0),
        (4, "Heat", None, 2.0),
    ]


def test_ones_own_table_by_number_and_with_more_columns(ratings):
    rows = ratings("userId,movieId,rating,timestamp\n1,20,4,0\n1,40,1,0\n")
    assert [(row.movie, row.rating) for row in rows] == [("20", 4.0), ("40", 1.0)]


def test_letterboxd_has_half_stars_which_are_brought_to_the_scale(ratings):
    text = "Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,Alien,1979,https://x,5\n,Heat,1995,,0.5\n,M,1931,,\n"
    assert [(r.titles[0], r.year, r.rating) for r in ratings(text)] == [
        ("Alien", 1979, 5.0),
        ("Heat", 1995, 1.0),
    ]
    assert [row.rating for row in ratings(text, HALVES)] == [5.0, 0.5]


def test_imdb_has_tens(ratings):
    text = "Const,Your Rating,Date Rated,Title,URL,Title Type,Year\ntt1,10,2024-01-01,Alien,u,Movie,1979\n"
    text += "tt2,1,2024-01-01,Heat,u,Movie,1995\ntt3,7,2024-01-01,M,u,Movie,1931\n"
    assert [row.rating for row in ratings(text)] == [5.0, 1.0, pytest.approx(1 + 4 * 6 / 9)]
    assert [row.rating for row in ratings(text, HALVES)] == [5.0, 0.5, pytest.approx(3.5)]


def test_the_encodings_that_spreadsheets_write_are_read(ratings):
    for encoding in ("utf-8-sig", "cp1252"):
        assert ratings("Title,Rating\nAmélie,5\n", encoding=encoding)[0].titles == ("Amélie",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("film,stars\nAlien,5\n", "has the columns film, stars: give it title,rating or movieId,rating"),
        (
            "title,rating\nAlien,6\n",
            "line 2: the rating '6' is off the scale: give one from 1 to 5 in steps of 1",
        ),
        ("title,rating\nAlien,good\n", "line 2: the rating 'good' is off the scale"),
        (
            "Name,Year,Rating\nAlien,1979,8\n",
            "line 2: the rating '8' is off the scale: give one from 0.5 to 5",
        ),
        ("PK\x03\x04", "is an archive that does not open"),
        ("title,rating\nAlien,1_0\n", "line 2: the rating '1_0' is off the scale"),
        ("title,stars\nAlien,5\n", "has the columns title, stars"),
        ("userId,movieId,rating\n1,20,5\n2,20,4\n", "line 3: a second user"),
        ("a\x00" * 3 + "\x00" * 6, "is no text file"),
        ('title,rating\n"Alien,5\n', "has no ratings below its column names"),
    ],
)
def test_a_file_that_does_not_serve_says_why(ratings, text, words):
    with pytest.raises(MarqueeError, match=r"mine\.csv") as caught:
        match(ratings(text), MOVIES, counts).require_pairs(Path("mine.csv"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MarqueeError, match=r"no\.csv"):
        read_export(tmp_path / "no.csv", WHOLE)


def test_rows_find_their_movies_and_the_rest_is_told(ratings):
    rows = ratings("title,rating\nAlien,5\nHeat,4\nheat (1972),3\nMetropolis,2\nMatrix,1\n")
    found = match(rows, MOVIES, counts)
    assert found.pairs == [(0, 5.0), (2, 3.0), (3, 1.0)]
    assert {kind: [row.name for row in left] for kind, left in found.left_out.items() if left} == {
        "not in this data": ["Metropolis"],
        "fit several movies": ["Heat"],
    }
    assert found.notes("mine.csv") == [
        "mine.csv: 3 of 5 movies found",
        "mine.csv: 1 not in this data, left out: Metropolis",
        "mine.csv: 1 fit several movies, left out: Heat",
    ]
    numbers = match(ratings("movieId,rating\n20,4\n99,1\n30.0,2\n"), MOVIES, counts)
    assert numbers.pairs == [(1, 4.0), (2, 2.0)]
    assert [row.name for row in numbers.left_out["not in this data"]] == ["#99"]


def test_a_file_without_ratings_or_without_known_movies_says_so(ratings, tmp_path):
    for text, words in (
        ("title,rating\n", "has no ratings"),
        ("title,rating\nNowhere,3\n", "none of the 1 mov"),
    ):
        ratings(text)
        found = match_export(read_export(tmp_path / "mine.csv", WHOLE), MOVIES, counts)
        with pytest.raises(MarqueeError, match=words):
            found.require_pairs(tmp_path / "mine.csv")


def test_a_rating_on_the_command_line():
    given = [("alien", "5"), ("Heat (1972)", "1"), ("#40", "3")]
    assert rate(given, MOVIES, WHOLE) == [(0, 5.0), (2, 1.0), (3, 3.0)]
    for title, rating, fault in (
        ("alien", "6", "off the scale"),
        ("heat", "5", r"fits 2 movies: Heat \(1995\); Heat \(1972\)"),
        ("#7", "5", "no movie has the id '7'"),
        ("aliem3", "5", r"'aliem3': did you mean one of: Alien \(1979\)"),
    ):
        with pytest.raises(MarqueeError, match=fault):
            rate([(title, rating)], MOVIES, WHOLE)


def test_a_scale_without_steps_takes_anything_between():
    assert on_scale("3.7", Scale(1, 5, 0), "here") == 3.7
    with pytest.raises(MarqueeError, match="here: the rating 'nan'"):
        on_scale("nan", Scale(1, 5, 0), "here")
