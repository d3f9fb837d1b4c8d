"""The IMDb and TMDb ids of links.csv: where a release has it, and what must not stop ingest."""

from __future__ import annotations

import csv

import pyarrow as pa
import pytest

from marquee.config import CustomColumns
from marquee.errors import MarqueeError
from marquee.movielens.links import with_links
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
    found = read_release(tmp_path, layout, Scale(1, 5, 1), CustomColumns()).movies
    assert found["imdb_id"].to_pylist() == [None, 113277]
    assert found["imdb_id"].type == pa.int32()
    assert found["tmdb_id"].to_pylist() == [None, 1]
    assert found.drop(["imdb_id", "tmdb_id"]).equals(without)
