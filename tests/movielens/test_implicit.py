"""Data without ratings: every row is a positive, and a column may count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marquee.config import CustomColumns
from marquee.errors import MarqueeError
from marquee.movielens.parsers import read_release
from marquee.movielens.schema import Dataset


def read(folder: Path, lines: list[str], rating: str | None, bad: int = 0) -> Dataset:
    (folder / "ratings.csv").write_text("\n".join(lines) + "\n")
    columns = CustomColumns(rating=rating, timestamp="timestamp" if "timestamp" in lines[0] else None)
    return read_release(folder, "custom", None, columns, bad, implicit=True)


def test_without_a_rating_column_each_row_counts_once(tmp_path):
    found = read(tmp_path, ["userId,movieId,timestamp", "1,10,100", "1,11,200", "2,10,300"], None)
    assert found.ratings["rating"].to_pylist() == [1, 1, 1]
    assert found.card["feedback"] == "implicit"
    assert found.card["added_up"] == 0


def test_a_log_of_plays_is_added_up_with_the_latest_time(tmp_path):
    lines = ["userId,movieId,timestamp", "1,10,300", "2,10,50", "1,10,100", "1,11,200", "1,10,250"]
    found = read(tmp_path, lines, None)
    assert found.ratings.to_pydict() == {
        "user": [0, 0, 1],
        "item": [1, 0, 0],
        "rating": [1, 3, 1],
        "timestamp": [200, 300, 50],
    }
    assert (found.card["added_up"], found.card["dropped"]["duplicates"]) == (2, 0)


def test_counts_of_any_size_have_a_short_histogram(tmp_path):
    hours = [0.07, 0.3, 1, 1.5, 2, 3.99, 350_000]
    found = read(tmp_path, ["userId,movieId,hours", *(f"1,{n},{h}" for n, h in enumerate(hours))], "hours")
    assert found.ratings["rating"].to_numpy().sum() == pytest.approx(sum(hours), rel=1e-6)
    expected = {"rating": [0.0625, 0.25, 1, 2, 262_144], "count": [1, 1, 2, 2, 1]}
    assert found.card["histogram"] == expected
    assert found.card["mean_rating"] == pytest.approx(np.mean(hours), rel=1e-6)
    assert found.card["scale"]["high"] == 350_000


@pytest.mark.parametrize("count", ["0", "-3"])
def test_a_count_of_nothing_is_a_bad_row(tmp_path, count):
    lines = ["userId,movieId,plays", "1,10,4", f"1,11,{count}", "2,10,1"]
    with pytest.raises(MarqueeError, match=r"line 3: rating .* is not on the scale \(counts above 0\)"):
        read(tmp_path, lines, "plays")
    found = read(tmp_path, lines, "plays", bad=1)
    assert (len(found.ratings), found.card["dropped"]["off_scale"]) == (2, 1)


def test_a_missing_rating_column_names_the_way_to_implicit_data(tmp_path):
    (tmp_path / "ratings.csv").write_text("userId,movieId\n1,10\n")
    with pytest.raises(MarqueeError, match=r"no column 'rating', .* `marquee use custom --implicit`"):
        read_release(tmp_path, "custom", None, CustomColumns(timestamp=None))
