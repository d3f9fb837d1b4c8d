"""Ratings that visitors of `marquee serve` gave, as one more source beside a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marquee.errors import MarqueeError
from marquee.io import read_parquet, reading
from marquee.movielens.schema import Scale
from marquee.movielens.titles import movie_name, split_title

FOLDER = "data/feedback"
RATINGS = Path(FOLDER, "ratings.parquet")
# Visitors come after the users of a release, so that these keep their numbers: whole numbers from here on
# (up to 2^53, which JSON keeps), or text that begins with a letter behind all others of ASCII.
FIRST, DIGITS, PREFIX = 1 << 52, 13, "~visitor-"
SCHEMA = pa.schema(
    {
        "visitor": pa.string(),  # SHA-256 of the visitor's token, in hexadecimal
        "dataset": pa.string(),
        "movie": pa.string(),
        "title": pa.string(),
        "rating": pa.float32(),
        "timestamp": pa.int64(),
    }
)


def to_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return what `ingest` reads; of a row time, model and position only the time matters there."""
    return pa.table(
        {name: [row["time" if name == "timestamp" else name] for row in rows] for name in SCHEMA.names},
        SCHEMA,
    )


def read_feedback(name: str, path: Path = RATINGS) -> pa.Table | None:
    """Return the ratings of the release `name`; None where nobody has given any."""
    if not path.exists():
        return None
    with reading(path):
        found = read_parquet(path).select(SCHEMA.names).cast(SCHEMA)
        found = found.filter(pc.equal(found["dataset"], name))
    return found if len(found) else None


def with_feedback(
    rows: pa.Table, movies: pa.Table | None, feedback: pa.Table, scale: Scale
) -> tuple[pa.Table, str]:
    """Return a release's `rows` with those of visitors below, and a line on the latter.

    A rating counts if the release has ratings of its movie, under the title that the visitor saw, and if its
    scale has it. Raises MarqueeError where a user of the release has an id that visitors get.
    """
    known = pc.unique(rows["movie"])
    place = pc.index_in(feedback["movie"], known.cast(pa.string())).combine_chunks()
    kept = scale.allows(feedback["rating"].to_numpy()) & _same_titles(feedback, place, known, movies)
    found, place = feedback.filter(pa.array(kept)), place.filter(pa.array(kept))
    whole = pa.types.is_integer(rows["user"].type)
    if whole:  # ids of visitors are beyond 32 bits
        rows = rows.set_column(rows.column_names.index("user"), "user", rows["user"].cast(pa.int64()))
    visitors = pc.unique(found["visitor"]).to_pylist()
    ids = [visitor_id(one, whole) for one in visitors]
    if pc.any(pc.is_in(rows["user"], pa.array(ids, rows["user"].type))).as_py():
        raise MarqueeError(f"a user of the release has an id that visitors get: remove {RATINGS}")
    places = pc.index_in(found["visitor"], pa.array(visitors, pa.string()))
    added = pa.table(
        {
            "user": pa.array(ids, rows["user"].type).take(places.combine_chunks()),
            "movie": known.take(place),
            "rating": found["rating"].cast(rows["rating"].type),
            "timestamp": found["timestamp"],
        }
    )
    left = len(feedback) - len(found)
    note = f"{len(found):,} ratings of {len(visitors):,} visitors added from {RATINGS}"
    if left:
        note += f"; {left:,} left out, of movies that this data does not have or off its scale"
    return pa.concat_tables([rows.select(added.column_names), added]), note


def visitor_id(visitor: str, whole: bool) -> int | str:
    """Return the user id of a visitor, a SHA-256, among ids that are `whole` numbers, or else text."""
    return FIRST + int(visitor[:DIGITS], 16) if whole else f"{PREFIX}{visitor[:DIGITS]}"


def _same_titles(feedback: pa.Table, place: pa.Array, known: pa.Array, movies: pa.Table | None) -> np.ndarray:
    """Return bool [n]: whether the movie at `place` of `known` is still called what the visitor saw."""
    listed: dict[Any, str | None] = {}
    if movies is not None and "title" in movies.column_names:
        pairs = zip(movies["movie"].to_pylist(), movies["title"].to_pylist(), strict=True)
        listed = dict(reversed(list(pairs)))  # of a movie listed twice the first row counts

    @cache
    def name(movie: Any) -> str:
        text = (listed.get(movie) or "").strip()
        title, year = split_title(text) if text else (None, None)
        return movie_name(title, year, movie)

    seen = zip(known.take(place).to_pylist(), feedback["title"].to_pylist(), strict=True)
    return np.array([movie is not None and name(movie) == title for movie, title in seen], bool)
