"""A folder of CSV parts reads as one file with all their rows would."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.errors import MarqueeError
from marquee.movielens.download import fetch_release
from marquee.movielens.releases import RELEASES
from tests.movielens.test_own_files import HEAD, RATINGS, fault, read, users

LINES = RATINGS.splitlines(keepends=True)[1:]


def parts_of(folder, *texts, header=HEAD):
    """`texts` as the files of folder/ratings.csv."""
    (folder / "ratings.csv").mkdir(parents=True)
    for number, text in enumerate(texts):
        (folder / f"ratings.csv/part-{number:05}-a.csv").write_text(header + text)
    return folder


def both(tmp_path, *texts, header=HEAD, **options):
    """What the parts read as, after one file with the same rows has been found equal."""
    (tmp_path / "one").mkdir()
    one = read(tmp_path / "one", header + "".join(texts), **options)
    found = read(parts_of(tmp_path / "several", *texts, header=header), **options)
    assert found.ratings == one.ratings
    assert found.users == one.users
    assert found.movies == one.movies
    assert found.card == one.card
    return found


@pytest.mark.parametrize("name", ["mine", "mine/ratings.csv"])
def test_parts_are_copied_in_order_without_spark_s_marks(tmp_path, name):
    folder = parts_of(tmp_path / "mine", "".join(LINES[:50]), "".join(LINES[50:]))
    (folder / "ratings.csv/_SUCCESS").touch()
    (folder / "ratings.csv/.part-00000-a.csv.crc").write_bytes(b"crc")
    (tmp_path / "raw").mkdir()
    fetch_release(RELEASES["custom"], str(tmp_path / name), tmp_path / "raw", tmp_path)
    copied = sorted(path.relative_to(tmp_path / "raw").as_posix() for path in (tmp_path / "raw").rglob("*.*"))
    assert copied == ["ratings.csv", "ratings.csv/part-00000.csv", "ratings.csv/part-00001.csv"]
    (tmp_path / "one").mkdir()
    assert read(tmp_path / "raw").ratings == read(tmp_path / "one", RATINGS).ratings


def test_a_part_may_be_empty_and_rows_of_any_part_may_be_rated_again(tmp_path):
    again = LINES[3].replace(",1", ",5", 1)
    assert len(both(tmp_path, "".join(LINES[:60]), "", "".join(LINES[60:]) + again).ratings) == 120


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["1", "2"], ["3"], [1, 2, 3]),
        (["1.0", "2.0"], ["3"], [1, 2, 3]),
        (["1.0", "7"], ["b"], ["1.0", "7", "b"]),
        (["007"], ["7"], ["007", "7"]),
        ([" 1", "2"], ["a "], ["1", "2", "a"]),
        (["1", str(2**63)], ["2"], ["1", "2", str(2**63)]),
    ],
)
def test_all_parts_decide_together_whether_ids_are_numbers(tmp_path, first, second, expected):
    texts = ["".join(f"{name},{n},4,{n}\n" for n, name in enumerate(names, 1)) for names in (first, second)]
    assert users(both(tmp_path, *texts)) == expected


def test_bad_rows_of_all_parts_are_counted_together(tmp_path):
    texts = "".join(LINES[:60]), "1,2,x,4\n" + "".join(LINES[60:90]), "1,2,y,4\n" + "".join(LINES[90:])
    raw = parts_of(tmp_path / "raw", *texts)
    said = fault(raw, max_bad_rows=1)
    assert f"{raw}/ratings.csv/part-00001-a.csv line 2: rating" in said
    assert "(and 1 more bad rows of 122)" in said
    assert "max_bad_rows to 2" in said
    assert read(raw, max_bad_rows=2).card["dropped"]["malformed"] == 2


def test_a_part_with_another_header_is_named(tmp_path):
    raw = parts_of(tmp_path / "raw", "".join(LINES))
    (raw / "ratings.csv/part-00001.csv").write_text("user,movieId,rating,timestamp\n1,2,3,4\n")
    assert "part-00001.csv line 1, separated by commas, has no column 'userId'" in fault(raw)


def test_times_of_parts_may_be_written_in_two_ways(tmp_path):
    raw = parts_of(tmp_path / "raw", "1,2,3,86400\n", "1,3,3,1970-01-03\n", "1,4,3,259200.5\n")
    assert np.diff(read(raw).ratings["timestamp"].to_numpy()).tolist() == [86400, 86400]


def test_a_folder_without_rows_is_one_line(tmp_path):
    assert "ratings.csv has no rows" in fault(parts_of(tmp_path / "raw", "", ""))
    (tmp_path / "mine/ratings.csv").mkdir(parents=True)
    with pytest.raises(MarqueeError, match=r"ratings\.csv is a folder without \.csv files"):
        fetch_release(RELEASES["custom"], str(tmp_path / "mine"), tmp_path, tmp_path)
