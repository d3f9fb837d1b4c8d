"""The ids of links.csv and the tags of tags.csv: where a release has them, and what must not stop ingest."""

from __future__ import annotations

import csv

import pyarrow as pa
import pytest

from marquee.config import CustomColumns
from marquee.errors import MarqueeError
from marquee.movielens.links import LETTERS, TAGS, with_links, with_tags
from marquee.movielens.parsers import read_release
from marquee.movielens.schema import Scale

MOVIES = pa.table({"movie": [1, 2, 3], "title": ["A", "B", "C"]})


def linked(folder, text: str, link: str = "imdb_id") -> list[int | None] | None:
    (folder / "links.csv").write_text(text)
    found = with_links(folder, MOVIES, "movieId")
    return found[link].to_pylist() if link in found.column_names else None


def test_ids_are_numbers_however_they_are_written(tmp_path):
    text = "movieId,imdbId,tmdbId\n1,0114709,862\n3,tt0113277,\n2,,5\n9,1,1\n1,7,7\n"
    assert linked(tmp_path, text) == [114709, None, 113277]
    assert linked(tmp_path, text, "tmdb_id") == [862, 5, None]
    assert linked(tmp_path, "movieId,tmdbId\n1,862\n") is None
    assert linked(tmp_path, "movieId,imdbId\n1,862\n", "tmdb_id") is None
    assert linked(tmp_path, "") is None


def tagged(folder, *tags: tuple[int, str]) -> list[list[str] | None] | None:
    with (folder / "tags.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("userId", "movieId", "tag"), *((7, *one) for one in tags)])
    found = with_tags(folder, MOVIES, "movieId")
    return found["tags"].to_pylist() if "tags" in found.column_names else None


def test_a_movie_has_its_most_frequent_tags(tmp_path):
    given = [(1, "Slow"), (1, "Long"), (1, "slow "), (2, "long"), (9, "of no movie"), (1, "aged")]
    assert tagged(tmp_path, *given) == [["slow", "long", "aged"], ["long"], None]
    assert tagged(tmp_path, *((1, str(n)) for n in range(9))) == [[str(n) for n in range(TAGS)], None, None]
    assert tagged(tmp_path) is None
    assert with_tags(tmp_path / "nowhere", MOVIES, "movieId") is MOVIES


def test_tags_of_ten_million_ratings_have_no_head(tmp_path):
    (tmp_path / "tags.dat").write_text('7::1::"slow::1215184630\n8::2::odd: "one"::2\nbroken\n')
    assert with_tags(tmp_path, MOVIES, "movieId")["tags"].to_pylist() == [['"slow'], ['odd: "one"'], None]


def test_tags_of_strangers_are_short_lines_of_letters(tmp_path):
    hostile = [(1, "a\x1b[2Jb\nc"), (2, "x" * (LETTERS + 1)), (2, " \u200f "), (3, "\u202e<b>&amp;")]
    assert tagged(tmp_path, *hostile) == [["a\ufffd[2jb c"], None, ["<b>&amp;"]]


def test_a_file_that_is_no_csv_is_named(tmp_path):
    usual = csv.field_size_limit(100)
    try:
        with pytest.raises(MarqueeError, match=r"links\.csv line \d+: .*delete the file"):
            linked(tmp_path, "movieId,imdbId\n1," + "x" * 200 + "\n")
    finally:
        csv.field_size_limit(usual)


@pytest.mark.parametrize("layout", ["csv", "custom"])
def test_a_release_with_links_keeps_them_in_its_movies(tmp_path, layout):
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,2,5,1\n1,1,3,1\n")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,A (1990),Drama\n2,B (1991),War\n3,C,War\n")
    without = read_release(tmp_path, layout, Scale(1, 5, 1), CustomColumns()).movies
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n2,0113277,1\n3,1,1\n")
    (tmp_path / "tags.csv").write_text("userId,movieId,tag,timestamp\n1,2,slow,1\n1,3,odd,1\n")
    found = read_release(tmp_path, layout, Scale(1, 5, 1), CustomColumns()).movies
    assert found["tags"].to_pylist() == [None, ["slow"]]
    assert found["imdb_id"].to_pylist() == [None, 113277]
    assert found["imdb_id"].type == pa.int32()
    assert found["tmdb_id"].to_pylist() == [None, 1]
    assert found.drop(["imdb_id", "tmdb_id", "tags"]).equals(without)
