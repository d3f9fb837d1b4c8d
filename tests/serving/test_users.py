from __future__ import annotations

from marquee.movielens.demographics import occupation
from marquee.serving.users import user_line


def test_what_a_release_tells_of_a_user():
    row = {"user": 0, "user_id": 42, "age": 25, "gender": "M", "occupation": "clerical", "zip_code": "1"}
    assert user_line(row, 1, False) == "user 42: age 25, gender M, occupation clerical; 1 rating"
    assert user_line(row, 1200, True) == "user 42: age 25-34, gender M, occupation clerical; 1,200 ratings"
    assert user_line({"user": 0, "user_id": "Bo", "age": None}, 2, False) == "user Bo: 2 ratings"


def test_codes_of_occupations_become_names():
    assert [occupation(code) for code in ("0", "20", "21", "artist", None)] == [
        *("other", "writer", "21", "artist", None)
    ]
