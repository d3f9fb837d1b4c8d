"""Say in a line what a release tells of a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marquee.movielens.demographics import AGES

WITHOUT = ("user", "user_id", "zip_code")


def user_line(row: Mapping[str, Any], n_ratings: int, ranges: bool) -> str:
    """Return `user 42: age 30, gender M, occupation administrator; 120 ratings`.

    row     of users.parquet
    ranges  whether an age stands for a range of ages, as in ML-1M
    """
    known = {name: value for name, value in row.items() if name not in WITHOUT and value not in (None, "")}
    if ranges and "age" in known:
        known["age"] = AGES.get(known["age"], known["age"])
    words = [f"{name.replace('_', ' ')} {value}" for name, value in known.items()]
    count = f"{n_ratings:,} rating{'s' * (n_ratings != 1)}"
    return f"user {row['user_id']}: {'; '.join([', '.join(words)] * bool(words) + [count])}"
