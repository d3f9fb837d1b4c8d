"""Read what other sites export: Letterboxd, IMDb, TMDb, movielens.org, and tables of one's own."""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.movielens.schema import Scale
from marquee.movielens.titles import split_title
from marquee.serving.export_files import Table, tables


@dataclass(frozen=True)
class Format:
    """Describe a layout, recognised by the columns that it needs, in lower case.

    rating  the user's own rating; "" where there is none
    titles  of a movie, the original one first
    year    columns that begin with a year, or with a date
    date    of the rating: of two ratings of one movie the later counts
    kind    what is no movie is passed over by it
    scale   of the ratings; None: that of the data
    """

    site: str
    needs: frozenset[str]
    rating: str = "rating"
    titles: tuple[str, ...] = ("title",)
    year: tuple[str, ...] = ("year",)
    movie: tuple[str, ...] = ()
    imdb: tuple[str, ...] = ("const", "imdb id", "imdb_id", "imdbid")
    date: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    scale: Scale | None = None


HALVES, TENS, ANY_TEN = Scale(0.5, 5, 0.5), Scale(1, 10, 1), Scale(1, 10, 0)
FORMATS = (
    Format(
        "IMDb",
        frozenset({"your rating", "title"}),
        "your rating",
        ("original title", "title"),
        ("year", "release date"),
        date=("date rated",),
        kind=("title type",),
        scale=TENS,
    ),
    Format(
        "TMDb",
        frozenset({"your rating", "name"}),
        "your rating",
        ("name",),
        ("year", "release date"),
        date=("date rated",),
        kind=("type",),
        scale=ANY_TEN,
    ),
    Format(
        "movielens.org",
        frozenset({"movie_id", "average_rating", "title"}),
        movie=("movie_id",),
        scale=HALVES,
    ),
    Format(
        "Letterboxd",
        frozenset({"name", "rating"}),
        titles=("name",),
        date=("watched date", "date"),
        scale=HALVES,
    ),
    Format("Letterboxd", frozenset({"name", "letterboxd uri"}), "", ("name",), date=("watched date", "date")),
    Format("", frozenset({"movieid"}), movie=("movieid",), date=("timestamp", "date")),
    Format("", frozenset({"movie_id"}), movie=("movie_id",), date=("timestamp", "date")),
    Format("", frozenset({"title"}), date=("timestamp", "date"), kind=("title type",)),
)
ACCEPTED = (
    "give it title,rating or movieId,rating, or take an export of Letterboxd (Name,Year,Rating), "
    "IMDb (Title,Year,Your Rating), TMDb or movielens.org"
)
USERS = ("userid", "user_id", "user")
SEPARATORS = ",;\t|"
OTHER_KINDS = ("series", "episode", "season", "game", "podcast", "show", "musicvideo")
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})", re.ASCII)
YEAR = re.compile(r"(?:18|19|20)[0-9]{2}(?![0-9])")


@dataclass(frozen=True)
class Row:
    """Hold one movie of an export; `rating` is on the scale of the data, and None where the user gave none.

    titles  the original one first; none where `movie`, the release's id, is all there is
    imdb    the number of its IMDb id
    date    in ISO form, or "" where it is not known; rows compare by it
    """

    file: str
    line: int
    titles: tuple[str, ...] = ()
    year: int | None = None
    movie: str = ""
    imdb: int | None = None
    rating: float | None = None
    date: str = ""

    @property
    def name(self) -> str:
        title = _one_line(self.titles[-1] if self.titles else f"#{self.movie}")
        return title if self.year is None or not self.titles else f"{title} ({self.year})"


@dataclass(frozen=True)
class Export:
    """Hold the movies of one or several files.

    rated     rows with a rating
    unrated   rows without one: watched, or only listed
    others    what is no movie, by name
    """

    rated: list[Row]
    unrated: list[Row]
    others: list[Row]

    @classmethod
    def empty(cls) -> Export:
        return cls([], [], [])


def read_export(path: Path, scale: Scale | None) -> Export:
    """Read the file, or the files in the zip or folder, `path`. Ratings come out on `scale`.

    Without a scale ratings are not read, and every row is unrated. The ratings of another site are stretched
    onto it, lowest to lowest and highest to highest; one of 0 counts as none. A movie of Letterboxd's `likes`
    counts as rated with the highest rating.
    Raises MarqueeError for a missing, unreadable or empty file, other columns, and a rating off its scale.
    """
    found = Export.empty()
    for table in tables(path):
        one = _read(table, scale)
        for name in ("rated", "unrated", "others"):
            getattr(found, name).extend(getattr(one, name))
    return found


def _read(table: Table, scale: Scale | None) -> Export:
    separator, layout, lines = _recognised(table, scale is not None and not table.likes)
    columns = {name.strip().casefold(): place for place, name in reversed(list(enumerate(lines[0][1])))}
    found, users = Export.empty(), set[str]()
    for line, cells in lines[1:]:
        row = {name: cells[place].strip() for name, place in columns.items() if place < len(cells)}
        users.add(_first(row, USERS))
        if len(users) > 1:
            raise MarqueeError(f"{table.name} line {line}: a second user; give the ratings of one user only")
        rating = None if scale is None else _rating(row, layout, table, line, scale, separator)
        date = _date(row, layout)
        if scale and table.likes and rating is None:
            rating = 1.0 if math.isinf(scale.high) else scale.high
            date = ""  # a rating comes after a like, whenever that was
        titles, year = _titles(row, layout)
        movie, imdb = _first(row, layout.movie), re.search("[0-9]{1,9}$", _first(row, layout.imdb))
        number = int(imdb[0]) if imdb else None
        one = Row(table.name, line, titles, year, movie, number, rating, date)
        if not (titles or movie or number):
            continue
        kind = _first(row, layout.kind).casefold().replace(" ", "")
        other = kind == "tv" or any(word in kind for word in OTHER_KINDS)
        (found.others if other else found.unrated if rating is None else found.rated).append(one)
    return found


def _recognised(table: Table, rated: bool) -> tuple[str, Format, list[tuple[int, list[str]]]]:
    """Return the separator that makes the first line one of a known format, the format, and all lines.

    A format with ratings needs their column where `rated`.
    """
    first: list[str] = []
    for separator in SEPARATORS:
        header = next(_lines(table, separator), None)
        if header is None:
            raise MarqueeError(
                f"{table.name} is empty: it needs a line of column names and a line for each rating"
            )
        names = {name.strip().casefold() for name in header[1]}
        first = first or header[1]
        for layout in FORMATS:
            if layout.needs | ({layout.rating} - {""} if rated else set()) <= names:
                return separator, layout, list(_lines(table, separator))
    raise MarqueeError(f"{table.name} has the columns {_one_line(', '.join(first)[:80])}: {ACCEPTED}")


def _lines(table: Table, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of every line that is not empty."""
    reader = csv.reader(io.StringIO(table.text, newline=""), delimiter=separator)
    longest = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a review may be of any length
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise MarqueeError(f"{table.name} line {reader.line_num}: not readable as CSV ({error})") from None
    finally:
        csv.field_size_limit(longest)


def _first(row: Mapping[str, str], columns: Sequence[str]) -> str:
    """Return the first of these cells that is not empty."""
    return next((row[name] for name in columns if row.get(name)), "")


def _titles(row: Mapping[str, str], layout: Format) -> tuple[tuple[str, ...], int | None]:
    titles = list(dict.fromkeys(row[name] for name in layout.titles if row.get(name)))
    split = [split_title(title) for title in titles]
    years = [year for _, year in split if year is not None]
    given = next((found for name in layout.year if (found := YEAR.match(row.get(name, "")))), None)
    if given:  # brackets that do not repeat the year belong to the title
        bare = (
            title if year in (None, int(given[0])) else whole
            for whole, (title, year) in zip(titles, split, strict=True)
        )
        return tuple(bare), int(given[0])
    return tuple(title for title, _ in split), years[0] if years else None


def _date(row: Mapping[str, str], layout: Format) -> str:
    """Return the dates of a row in ISO form, which order as text: `2024-01-31`, or Unix seconds."""
    dates = []
    for name in layout.date:
        text = row.get(name, "")
        if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            dates.append(text[:19].replace(" ", "T"))
        elif re.fullmatch(r"[0-9]{1,11}(\.[0-9]*)?", text):
            dates.append(
                datetime.fromtimestamp(min(int(text.split(".")[0]), 253402300799), UTC).isoformat()[:19]
            )
    return " ".join(dates)


def _rating(
    row: Mapping[str, str], layout: Format, table: Table, line: int, scale: Scale, separator: str
) -> float | None:
    """Return the row's rating on `scale`; None where it has none, or 0 of a site that has no 0."""
    text = row.get(layout.rating, "")
    if separator != ",":
        text = text.replace(",", ".")  # 4,5 where a comma does not separate columns
    if not text:
        return None
    theirs = layout.scale
    if theirs is None:
        return on_scale(text, scale, f"{table.name} line {line}")
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    if value in (0, -1):
        return None
    if theirs.step == 0 and 0 < value < theirs.low:
        value = theirs.low
    if not theirs.allows(value):
        raise MarqueeError(
            f"{table.name} line {line}: the rating {text[:40]!r} is off the scale: give one from {theirs}"
        )
    if math.isinf(scale.high):  # counts: any film in the file is one more positive
        return value
    return scale.low + (value - theirs.low) / (theirs.high - theirs.low) * (scale.high - scale.low)


def _one_line(text: str) -> str:
    """Return the text as a message may have it: without line ends and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def on_scale(text: str, scale: Scale, where: str) -> float:
    """Return the rating in `text`. Raises MarqueeError, which begins with `where`, for one off `scale`."""
    rating = float(text) if NUMBER.fullmatch(text) else math.nan
    if not scale.allows(rating):
        raise MarqueeError(f"{where}: the rating {text[:40]!r} is off the scale: give one from {scale}")
    return rating
