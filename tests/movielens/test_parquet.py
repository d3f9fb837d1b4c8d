"""Ratings and movies in Parquet: one file or Spark's parts, under the same rules as CSV."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marquee.config import CustomColumns
from marquee.movielens.download import fetch_release
from marquee.movielens.releases import RELEASES
from tests.movielens.test_own_files import HEAD, RATINGS, ROWS, fault, read, users


def columns(rows=ROWS):
    names = HEAD.strip().split(",")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def test_movies_may_be_parquet_too(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "raw").mkdir()
    pq.write_table(columns(), tmp_path / "mine/ratings.parquet")
    names = {"movieId": range(1, 21), "title": [f"Film {n}" for n in range(20)], "genres": ["War|Drama"] * 20}
    pq.write_table(pa.table({k: list(v) for k, v in names.items()}), tmp_path / "mine/movies.parquet")
    fetch_release(RELEASES["custom"], str(tmp_path / "mine"), tmp_path / "raw", tmp_path)
    data = read(tmp_path / "raw")
    assert (data.movies["title"].null_count, len(data.card["genres"])) == (0, 2)


@pytest.mark.parametrize("name", ["mine", "mine/ratings.parquet"])
def test_a_folder_of_parts_is_one_table(tmp_path, name):
    folder = tmp_path / "mine/ratings.parquet"
    folder.mkdir(parents=True)
    for part in range(2):
        pq.write_table(
            columns(ROWS[60 * part : 60 * part + 60]), folder / f"part-0000{part}-a.snappy.parquet"
        )
    (folder / "_SUCCESS").touch()
    (folder / ".part-00000-a.snappy.parquet.crc").write_bytes(b"crc")
    (tmp_path / "raw").mkdir()
    fetch_release(RELEASES["custom"], str(tmp_path / name), tmp_path / "raw", tmp_path)
    (tmp_path / "csv").mkdir()
    assert read(tmp_path / "raw").ratings == read(tmp_path / "csv", RATINGS).ratings
    last = tmp_path / "raw/ratings.parquet/part-00001.parquet"
    pq.write_table(columns([*ROWS[60:70], (1, 2, 3, 10**12)]), last)
    assert f"{last} row 11: the timestamp is not in the years" in fault(tmp_path / "raw")
    pq.write_table(columns([*ROWS[60:119], (2**40, 2, 3, 10**9)]), last)  # wider than the other part's ids
    assert users(read(tmp_path / "raw"))[-1] == 2**40
    last.write_bytes(b"PAR1")
    assert f"{last} is not a complete Parquet file" in fault(tmp_path / "raw")


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ([1.0, 2.0, 2.0], [1, 2]),
        (["7", "007", " 7 "], ["007", "7"]),
        ([2**63, 1, 1], ["1", str(2**63)]),
        (pa.array(["b", "a", "b"]).dictionary_encode(), ["a", "b"]),
    ],
)
def test_ids_of_a_parquet_file_follow_the_same_rule(tmp_path, ids, found):
    ids = ids if isinstance(ids, pa.Array) else pa.array(ids, pa.uint64() if ids[0] == 2**63 else None)
    table = pa.table({"userId": ids, "movieId": [1, 2, 3], "rating": [1, 2, 3]})
    pq.write_table(table, tmp_path / "ratings.parquet")
    assert users(read(tmp_path, columns=CustomColumns(timestamp=None))) == found


@pytest.mark.parametrize(
    "times", [["2001-09-09T01:46:40Z"], ["2001-09-09 01:46:40"], [1e9 + 0.5], ["1000000000"]]
)
def test_times_of_a_parquet_file_may_be_text_or_fractions(tmp_path, times):
    table = pa.table({"userId": [1], "movieId": [1], "rating": [1.0], "timestamp": times})
    pq.write_table(table, tmp_path / "ratings.parquet")
    assert read(tmp_path).ratings["timestamp"].to_pylist() == [10**9]
