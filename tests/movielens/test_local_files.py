"""A user's own files are copied, and what is no file is refused before it is read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from marquee.movielens.releases import RELEASES
from tests.movielens.release_files import RELEASE
from tests.movielens.test_download import fault, folder_of, get, place

assert place  # the fixture: every test runs in a folder of its own

OWN = {"ratings.csv": b"user,movie,rating\n1,2,3\n", "movies.csv": b"movie,title\n2,Film\n"}


def own(source):
    return get(source, RELEASES["custom"])


def test_own_ratings_are_copied_with_their_titles():
    assert own(folder_of({**OWN, "notes.txt": b"private"})) == dict(sorted(OWN.items()))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".CSV"])
def test_own_ratings_may_be_one_file_of_any_name(suffix):
    mine = folder_of({f"january{suffix}": b"..."}) / f"january{suffix}"
    assert own(mine) == {f"ratings{suffix.lower()}": b"..."}


@pytest.mark.parametrize("source", ["official", "nowhere", "mine", "both", "mine/ratings.xls"])
def test_what_is_not_one_table_of_own_ratings_says_what_may_be(source):
    folder_of({"ratings.xls": b""})
    folder_of({"ratings.csv": b"", "ratings.parquet": b""}, "both")
    line = fault(source, RELEASES["custom"])
    assert line.startswith(f"dataset.path is {source!r}, ")
    assert "a CSV or Parquet file with your ratings, or to a folder with ratings.csv" in line


@pytest.mark.parametrize("release", [RELEASES["custom"], RELEASE], ids=["own", "ml-100k"])
@pytest.mark.parametrize(
    "source", ["pipe", "/dev/zero", "socket", "a\0b", "x" * 5000, "loop", "~nobody-is-called-so/x", "mine"]
)
def test_a_source_that_hangs_or_cannot_be_is_refused_at_once(release, source):
    os.mkfifo("pipe")
    Path("loop").symlink_to("loop")
    folder_of({})
    for name in ("ratings.csv", *RELEASE.files):
        os.mkfifo(f"mine/{name}")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert "dataset.path" in fault(source, release)


def test_an_address_of_own_ratings_is_refused_without_its_password():
    line = fault("https://ann:secret@example.org/ratings.csv?key=secret", RELEASES["custom"])
    assert "download your ratings" in line
    assert "secret" not in line


def test_own_tables_may_not_be_folders_or_come_twice():
    folder_of({"a.doc": b""}, "mine/ratings.csv")
    assert "mine/ratings.csv is a folder without .csv files" in fault("mine", RELEASES["custom"])
    folder_of({"ratings.csv": b"", "ratings.tsv": b""}, "both")
    assert "which contains ratings.csv and ratings.tsv" in fault("both", RELEASES["custom"])


def test_tables_separated_by_tabs_and_files_of_splits_are_copied():
    files = {"ratings.tsv": b"r", "movies.txt": b"m", "u1.base": b"b", "ml.negative": b"n", "notes.doc": b""}
    assert own(folder_of(files)) == {
        "ml.negative": b"n",
        "movies.csv": b"m",
        "ratings.csv": b"r",
        "u1.base": b"b",
    }
