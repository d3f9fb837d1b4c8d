"""Import a user's ratings from a CSV: a table of their own, or the export of another site."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.movielens.schema import Scale
from marquee.movielens.titles import split_title
from marquee.serving.catalogue import MovieCatalogue


@dataclass(frozen=True)
class Format:
    """A layout, recognised by its columns in lower case. Without a scale it has that of the data."""

    rating: str
    title: str = ""
    movie: str = ""
    scale: Scale | None = None


LETTERBOXD, IMDB = Scale(0.5, 5, 0.5), Scale(1, 10, 1)
FORMATS = (
    Format(rating="your rating", title="title", scale=IMDB),
    Format(rating="rating", title="name", scale=LETTERBOXD),
    Format(rating="rating", movie="movieid"),
    Format(rating="rating", title="title"),
)


@dataclass(frozen=True)
class Row:
    """One rating, on the scale of the data, of a title (perhaps with its year) or of a movie's id."""

    line: int
    rating: float
    title: str = ""
    year: int | None = None
    movie: str = ""


def read_ratings(path: Path, scale: Scale) -> list[Row]:
    """Read the rated rows of a CSV with `rating` and `title` (perhaps `year`) or `movieId`.

    Its ratings are on `scale`. Those of a Letterboxd export (`Name, Year, Rating`, half stars to 5) and of
    an IMDb one (`Title, Year, Your Rating`, 1 to 10) are stretched onto it, from lowest to highest.
    Raises MarqueeError for a missing or empty file, other columns, or a rating off the scale.
    """
    lines = list(_rows(path))
    if not lines:
        raise MarqueeError(f"{path} is empty: it needs a line of column names and a line for each rating")
    columns = {name.strip().casefold(): place for place, name in enumerate(lines[0][1])}
    fits = (known for known in FORMATS if {known.rating, known.title or known.movie} <= columns.keys())
    chosen = next(fits, None)
    if chosen is None:
        raise MarqueeError(
            f"{path} has the columns {', '.join(lines[0][1])[:80]}: give it title,rating or movieId,rating, "
            "or take a Letterboxd export (Name,Year,Rating) or an IMDb one (Title,Year,Your Rating)"
        )
    rows = []
    for line, cells in lines[1:]:
        row = {name: cells[place].strip() for name, place in columns.items() if place < len(cells)}
        if text := row.get(chosen.rating, ""):
            rating = on_scale(text, chosen.scale or scale, f"{path} line {line}")
            if old := chosen.scale:
                rating = scale.low + (rating - old.low) / (old.high - old.low) * (scale.high - scale.low)
            title, year = split_title(row.get(chosen.title, ""))
            given = row.get("year", "")
            year = int(given) if given.isdigit() else year
            rows.append(Row(line, rating, title, year, row.get(chosen.movie, "") if chosen.movie else ""))
    if not rows:
        raise MarqueeError(f"{path} has no ratings below its column names: add a line for each")
    return rows


def on_scale(text: str, scale: Scale, where: str) -> float:
    """Return the rating in `text`. Raises MarqueeError, which begins with `where`, for one off `scale`."""
    try:
        rating = float(text)
    except ValueError:
        rating = math.nan
    if not scale.allows(rating):
        raise MarqueeError(f"{where}: the rating {text!r} is off the scale: give one from {scale}")
    return rating


def read_text(path: Path) -> str:
    """Return the file's text, read as UTF-8, or as Windows-1252 where it is not that.

    Raises MarqueeError for a missing file and for an archive.
    """
    if not path.is_file():
        raise MarqueeError(f"{path} does not exist: give the path of a file")
    content = path.read_bytes()
    if content.startswith(b"PK"):
        raise MarqueeError(f"{path} is an archive: unpack it and give the file inside")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of every line that is not empty."""
    reader = csv.reader(read_text(path).splitlines())
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise MarqueeError(f"{path} line {reader.line_num}: not readable as CSV ({error})") from None


@dataclass(frozen=True)
class Matched:
    """(item, rating) of the rows whose movie is known, and the names of the others."""

    pairs: list[tuple[int, float]]
    missing: list[str]
    several: list[str]

    def notes(self, path: str) -> list[str]:
        """Return a line for each kind of row that was left out."""
        return [
            f"{path}: {len(names):,} {kind}, left out: {'; '.join(names[:5])}{'; …' * (len(names) > 5)}"
            for kind, names in (("not in this data", self.missing), ("fit several movies", self.several))
            if names
        ]


def match(rows: Sequence[Row], movies: MovieCatalogue) -> Matched:
    """Find the movies of `rows` by id, or by whole name and year (one year off where none has that very one).

    An export has no misspelt titles, so none are corrected.
    """
    search = movies.search()
    by_id = {str(number): item for item, number in enumerate(movies.ids)}
    done = Matched([], [], [])
    for row in rows:
        name = row.title or f"#{row.movie}"
        found = search.exact(row.title, row.year) if row.title else [by_id.get(row.movie, -1)]
        if not found or found[0] < 0:
            done.missing.append(name)
        elif len(found) > 1:
            done.several.append(name)
        else:
            done.pairs.append((found[0], row.rating))
    return done


def rate(given: Sequence[tuple[str, str]], movies: MovieCatalogue, scale: Scale) -> list[tuple[int, float]]:
    """Return (item, rating) of each (title, rating).

    Raises MarqueeError for a title that fits no movie or several, and for a rating off the scale.
    """
    search = movies.search()
    return [
        (movies.find_one(title, search), on_scale(rating, scale, f"--rate {title!r}"))
        for title, rating in given
    ]
