from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from marquee.errors import MarqueeError
from marquee.serving import output
from marquee.serving.catalogue import MovieCatalogue

MOVIES = MovieCatalogue(
    [10, 20, 30], ["Alien", None, "Heat"], [1979, None, 1995], [["Horror", "Sci-Fi"], [], ["Crime"]]
)
ROWS = output.list_rows(
    7, np.array([0, 1, -1]), np.array([0.25, 0.125, -np.inf], np.float32), MOVIES, "score"
)
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


def test_the_table_has_a_line_for_each_movie_and_one_for_its_explanation():
    rows = [{**ROWS[0], "explanation": "Aliens (1986) +0.1"}, ROWS[1]]
    assert output.table(rows, "score").splitlines() == [
        "   score  title  year  genres",
        "1  0.250  Alien  1979  Horror, Sci-Fi",
        "          Aliens (1986) +0.1",
        "2  0.125  #20",
    ]
    assert "\n" not in output.table([], "score")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0695, "0.0695"), (0.06949999, "0.0695"), (4.2, "4.20"), (9.996, "10.0"), (0.9999, "1.00")),
        *(
            (99.94, "99.9"),
            (99.96, "100"),
            (312.4, "312"),
            (12345.6, "12,346"),
            (0.0, "0"),
            (-0.0123, "-0.0123"),
        ),
        *((0.00012345, "0.000123"), (0.00001234, "1.23e-05"), (-3e-9, "-3.00e-09"), (float("nan"), "nan")),
    ],
)
def test_three_significant_digits(value, text):
    assert output.significant(value) == text


def test_a_long_title_is_cut():
    row = {**ROWS[0], "title": "x" * 60}
    assert f"{'x' * 43}…  1979" in output.table([row], "score")


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
    with pytest.raises(MarqueeError, match=r"\.parquet, \.csv, \.json"):
        output.check_suffix(tmp_path / name)
