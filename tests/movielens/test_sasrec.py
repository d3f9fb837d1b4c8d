"""The histories of Kang and McAuley (2018): an order and ids, and neither ratings nor times."""

from __future__ import annotations

import pytest

from marquee.errors import MarqueeError
from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import read_release
from tests.movielens.test_parsers import release

SASREC = {
    "ml-1m.txt": ["1 1", "1 2", "1 3", "2 3", "2 1"],
    "sas_to_original_users.txt": ["1 20", "2 10"],
    "sas_to_original_items.txt": ["1 300", "2 100", "3 200"],
}


def test_sasrec_keeps_the_order_of_the_file_and_the_ids_of_its_release(tmp_path):
    data = read_release(release(tmp_path, SASREC), "sasrec", None, CustomColumns(), implicit=True)
    assert data.users["user_id"].to_pylist() == [10, 20]
    assert data.movies["movie_id"].to_pylist() == [100, 200, 300]
    assert data.ratings.to_pydict() == {
        "user": [0, 0, 1, 1, 1],
        "item": [1, 2, 2, 0, 1],
        "rating": [1, 1, 1, 1, 1],
        "timestamp": [1, 2, 1, 2, 3],
    }
    assert data.card["feedback"] == "implicit"


@pytest.mark.parametrize(
    ("file", "lines", "words"),
    [
        ("ml-1m.txt", ["1 1", "2 1", "1 2"], "has a user in two places"),
        ("sas_to_original_items.txt", ["1 300", "2 100"], "has no line for movie 3"),
        ("sas_to_original_users.txt", ["1 20"], "has no line for user 2"),
        ("ml-1m.txt", ["1 1", "1 x"], "line 2: movie: 'x' is not a whole number"),
    ],
)
def test_a_broken_file_of_sasrec_is_named(tmp_path, file, lines, words):
    folder = release(tmp_path, {**SASREC, file: lines})
    with pytest.raises(MarqueeError, match=words) as caught:
        read_release(folder, "sasrec", None, CustomColumns(), implicit=True)
    assert file in str(caught.value)
