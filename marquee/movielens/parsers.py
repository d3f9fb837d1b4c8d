"""Read each layout that MovieLens has been published in into the same rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marquee.config import CustomColumns, ScaleOptions
from marquee.errors import MarqueeError, did_you_mean
from marquee.movielens.column_types import NUMBER, SECONDS, TEXT, WHOLE, ColumnType, whole
from marquee.movielens.core_filter import CoreFilter, removed
from marquee.movielens.csv_reader import BadRows, read
from marquee.movielens.demographics import occupation
from marquee.movielens.feedback import with_feedback
from marquee.movielens.genres import split_genres
from marquee.movielens.links import with_links, with_tags
from marquee.movielens.named_columns import read_named
from marquee.movielens.notes import dropped_rows, ids_that_are_text, untitled_movies
from marquee.movielens.releases import FILES
from marquee.movielens.schema import ALL, COUNTS, Dataset, Scale, build_dataset
from marquee.movielens.text_rows import CsvSpec

Parsed = tuple[pa.Table, pa.Table | None, pa.Table | None]  # rows, movies, users: for `build_dataset`

RATING = {"user": WHOLE, "movie": WHOLE, "rating": NUMBER, "timestamp": SECONDS}
UNSTATED = ScaleOptions()
SASREC = FILES["sasrec"]
# fmt: off
GENRES_100K = [
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime",
    "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery",
    "Romance", "Sci-Fi", "Thriller", "War", "Western",
]
# fmt: on


def read_release(
    folder: Path,
    layout: str,
    scale: Scale | None,
    columns: CustomColumns,
    max_bad_rows: int = 0,
    stated: ScaleOptions = UNSTATED,
    implicit: bool = False,
    wanted: CoreFilter = ALL,
    feedback: pa.Table | None = None,
) -> Dataset:
    """Read the release in `folder` into Marquee's schema.

    layout        "ml-100k", "ml-1m", "ml-10m", "csv" (GroupLens' later releases), "ncf", "sasrec" or "custom"
    scale         of the ratings; None: inferred from the data
    columns       the column names of "custom"
    stated        lowest and highest rating of "custom" where `scale` is None; those beyond are off the scale
    max_bad_rows  malformed rows and ratings off the scale that may be dropped, in all files together
    implicit      whether the rating column of "custom" counts, such as plays; without one each row counts 1
    wanted        which ratings stay
    feedback      ratings of visitors that are added, as `read_feedback` returns them

    Raises MarqueeError with file, line and remedy for a file that is missing, unreadable, empty or of another
    layout, and for more bad rows than allowed.
    """
    bad = BadRows(max_bad_rows)
    limits = scale
    if scale is None and stated != UNSTATED:
        low, high = (
            end if end is not None else way * math.inf for way, end in ((-1, stated.low), (1, stated.high))
        )
        limits = Scale(low, high, 0)
    if implicit:
        limits = COUNTS
    if layout == "custom":
        rows, movies, users = (*read_named(folder, columns, bad, limits), None)
    elif layout in LAYOUTS:
        rows, movies, users = LAYOUTS[layout](folder, bad, scale)
    else:
        raise MarqueeError(f"layout {layout!r} does not exist{did_you_mean(layout, [*LAYOUTS, 'custom'])}")
    if movies is not None:
        movies = with_tags(folder, with_links(folder, movies, columns.movie), columns.movie)
    if scale is None:
        scale = Scale.of(pc.unique(rows["rating"]).to_numpy(), None if implicit else limits)
    notes = ids_that_are_text(rows) if layout == "custom" else []
    if feedback is not None:
        rows, added = with_feedback(rows, movies, feedback, COUNTS if implicit else scale)
        notes.append(added)
    whole = [rows]
    del rows  # `build_dataset` frees the rows as it takes them
    found = build_dataset(whole.pop(), movies, users, scale, bad.dropped, implicit, wanted)
    if "filtered" in found.card:
        notes.append(removed(found.card["filtered"]))
    notes += [*dropped_rows(found.card), *untitled_movies(found.card, found.movies, movies)]
    return replace(found, notes=tuple(notes))


def _ml_100k(folder: Path, bad: BadRows, scale: Scale | None) -> Parsed:
    rows = read(CsvSpec(folder / "u.data", "\t", RATING), bad, scale)
    genres = GENRES_100K
    if (folder / "u.genre").exists():
        spec = CsvSpec(folder / "u.genre", "|", {"genre": TEXT, "flag": None})
        genres = read(spec, bad)["genre"].to_pylist()
    fields = {"movie": WHOLE, "title": TEXT, "released": None, "video": None, "url": None}
    flags: dict[str, ColumnType | None] = dict.fromkeys(genres, whole(8))
    movies = read(CsvSpec(folder / "u.item", "|", {**fields, **flags}, encoding="latin-1"), bad)
    flagged = zip(*(movies[name].to_pylist() for name in genres), strict=True)
    names = [[g for g, flag in zip(genres, row, strict=True) if flag] for row in flagged]
    movies = movies.select(["movie", "title"]).append_column("genres", pa.array(names, pa.list_(pa.string())))
    fields = {"user": WHOLE, "age": whole(16), "gender": TEXT, "occupation": TEXT, "zip_code": TEXT}
    return rows, movies, read(CsvSpec(folder / "u.user", "|", fields, encoding="latin-1"), bad)


def _ml_1m(folder: Path, bad: BadRows, scale: Scale | None) -> Parsed:
    rows, movies, _ = _ml_10m(folder, bad, scale)
    # an age is the lower bound of its range (`demographics.AGES`)
    fields = {"user": WHOLE, "gender": TEXT, "age": whole(16), "occupation": TEXT, "zip_code": TEXT}
    users = read(CsvSpec(folder / "users.dat", "::", fields, encoding="latin-1"), bad)
    names = pa.array([occupation(code) for code in users["occupation"].to_pylist()], pa.string())
    users = users.set_column(users.column_names.index("occupation"), "occupation", names)
    return rows, movies, users.select(["user", "age", "gender", "occupation", "zip_code"])


def _ml_10m(folder: Path, bad: BadRows, scale: Scale | None) -> Parsed:
    rows = read(CsvSpec(folder / "ratings.dat", "::", RATING), bad, scale)
    fields = {"movie": WHOLE, "title": TEXT, "genres": TEXT}
    movies = read(CsvSpec(folder / "movies.dat", "::", fields, encoding="latin-1"), bad)
    return rows, split_genres(movies), None


def _csv(folder: Path, bad: BadRows, scale: Scale | None) -> Parsed:
    rows, movies = read_named(folder, CustomColumns(), bad, scale, ids=WHOLE)
    return rows, movies, None


def _ncf(folder: Path, bad: BadRows, scale: Scale | None) -> Parsed:
    """Read the leave-one-out files of He et al. (2017): training rows without times, then test rows."""
    untimed = {name: kind for name, kind in RATING.items() if name != "timestamp"}
    train = read(CsvSpec(folder / "ml-1m.train.rating.no_timestamp", "\t", untimed), bad, scale)
    test = read(CsvSpec(folder / "ml-1m.test.rating", "\t", RATING), bad, scale)
    train = train.append_column("timestamp", pa.repeat(pa.scalar(0, pa.int64()), len(train)))
    return pa.concat_tables([train, test]), None, None


def _sasrec(folder: Path, bad: BadRows, scale: Scale | None) -> Parsed:
    """Read the histories of Kang and McAuley (2018): a line for each user and movie, the earliest first.

    The files have an order and neither ratings nor times. A rating is 1, and the time of a user's n-th movie
    is second n. Ids are those of the release that the histories were made from.
    """
    pair: dict[str, ColumnType | None] = {"user": WHOLE, "movie": WHOLE}
    rows = read(CsvSpec(folder / SASREC[0], " ", pair), bad)
    columns = {}
    for name, column, file in zip(rows.column_names, rows.columns, SASREC[1:], strict=True):
        names = read(CsvSpec(folder / file, " ", {"number": WHOLE, "id": WHOLE}), bad)
        place = pc.index_in(column, value_set=names["number"].combine_chunks())
        if place.null_count:
            number = column.filter(pc.is_null(place))[0].as_py()
            raise MarqueeError(f"{folder / file} has no line for {name} {number}: get a complete copy")
        columns[name] = names["id"].take(place)
    n = np.arange(1, len(rows) + 1)
    user = columns["user"].to_numpy()
    if len(np.unique(user)) != 1 + np.count_nonzero(np.diff(user)):
        raise MarqueeError(f"{folder / SASREC[0]} has a user in two places: get another copy")
    first = np.maximum.accumulate(np.where(np.diff(user, prepend=user[0] - 1) != 0, n, 0))
    columns["rating"] = pa.chunked_array([np.ones(len(n), np.float32)])
    columns["timestamp"] = pa.chunked_array([n - first + 1])
    return pa.table(columns), None, None


LAYOUTS: dict[str, Callable[[Path, BadRows, Scale | None], Parsed]] = {
    "ml-100k": _ml_100k,
    "ml-1m": _ml_1m,
    "ml-10m": _ml_10m,
    "csv": _csv,
    "ncf": _ncf,
    "sasrec": _sasrec,
}
