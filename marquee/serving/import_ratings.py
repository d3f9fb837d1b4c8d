"""A person's ratings out of a CSV: a table of their own, or the export of another site."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.movielens.schema import Scale
from marquee.movielens.titles import split_title
from marquee.serving.catalogue import MovieCatalogue


@dataclass(frozen=True)
class Format:
    """How a CSV is recognised, by its columns in lower case, and read. No scale: that of the data itself."""

    rating: str
    title: str = ""
    movie: str = ""
    scale: Scale | None = None

    def fits(self, columns: Mapping[str, int]) -> bool:
        return {name for name in (self.rating, self.title, self.movie) if name} <= columns.keys()


LETTERBOXD, IMDB = Scale(0.5, 5, 0.5), Scale(1, 10, 1)
FORMATS = (
    Format(rating="your rating", title="title", scale=IMDB),
    Format(rating="rating", title="name", scale=LETTERBOXD),
    Format(rating="rating", movie="movieid"),
    Format(rating="rating", title="title"),
)


@dataclass(frozen=True)
class Row:
    """One rating, on the scale of the data; of a title, perhaps with its year, or of a movie's number."""

    line: int
    rating: float
    title: str = ""
    year: int | None = None
    movie: str = ""


def read_ratings(path: Path, scale: Scale) -> list[Row]:
    """The rated rows of a CSV with `title` (and `year`) or `movieId`, and `rating`, on `scale`; or of a
    Letterboxd export (`Name, Year, Rating`, half stars to 5) or an IMDb one (`Title, Year, Your Rating`,
    1 to 10), of which lowest is brought to lowest and highest to highest, and what is between in proportion.

    Raises MarqueeError for a file that is not there or empty, other columns, or a rating off the scale.
    """
    lines = list(_rows(path))
    if not lines:
        raise MarqueeError(f"{path} is empty; it needs a line of column names and a line for each rating")
    columns = {name.strip().casefold(): place for place, name in enumerate(lines[0][1])}
    chosen = next((known for known in FORMATS if known.fits(columns)), None)
    if chosen is None:
        raise MarqueeError(
            f"{path} has the columns {', '.join(lines[0][1])[:80]}; give it title,rating or movieId,rating, "
            "or take a Letterboxd export (Name,Year,Rating) or an IMDb one (Title,Year,Your Rating)"
        )
    rows = []
    for line, cells in lines[1:]:
        row = {name: cells[place].strip() for name, place in columns.items() if place < len(cells)}
        if text := row.get(chosen.rating, ""):
            rating = on_scale(text, chosen.scale or scale, f"{path} line {line}")
            rating = _brought(rating, chosen.scale, scale) if chosen.scale else rating
            title, year = split_title(row.get(chosen.title, ""))
            given = row.get("year", "")
            year = int(given) if given.isdigit() else year
            rows.append(Row(line, rating, title, year, row.get(chosen.movie, "") if chosen.movie else ""))
    if not rows:
        raise MarqueeError(f"{path} has no ratings below its column names; add a line for each")
    return rows


def on_scale(text: str, scale: Scale, where: str) -> float:
    """The rating that `text` says. Raises MarqueeError, from `where` on, for one that `scale` lacks."""
    try:
        rating = float(text)
    except ValueError:
        rating = math.nan
    if not scale.allows(rating):
        raise MarqueeError(f"{where}: the rating {text!r} is off the scale; give one from {scale}")
    return rating


def read_text(path: Path) -> str:
    """What the file holds, in UTF-8, or in Windows' own code where it is not that.

    Raises MarqueeError for one that is not there, or packed.
    """
    if not path.is_file():
        raise MarqueeError(f"{path} is not there; give the path of a file")
    content = path.read_bytes()
    if content.startswith(b"PK"):
        raise MarqueeError(f"{path} is an archive; unpack it and give the file inside")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _brought(rating: float, old: Scale, new: Scale) -> float:
    return new.low + (rating - old.low) / (old.high - old.low) * (new.high - new.low)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every line that holds something."""
    reader = csv.reader(read_text(path).splitlines())
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise MarqueeError(f"{path} line {reader.line_num}: not readable as CSV ({error})") from None


@dataclass(frozen=True)
class Matched:
    """(item, rating) of the rows whose movie is known, and what the others are called."""

    pairs: list[tuple[int, float]]
    missing: list[str]
    several: list[str]

    def notes(self, path: str) -> list[str]:
        """A line for each kind of row that was left out."""
        kinds = (("not in this data", self.missing), ("fit several movies", self.several))
        return [f"{path}: {len(n):,} {kind}, left out: {_first(n)}" for kind, n in kinds if n]


def match(rows: Sequence[Row], movies: MovieCatalogue) -> Matched:
    """The movies of `rows` by number, or by whole name and year (one year off where none is of that very
    one): what someone typed may have slips in it, an export has none."""
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


def stated(words: Sequence[str], movies: MovieCatalogue, scale: Scale) -> list[tuple[int, float]]:
    """(item, rating) of each `title=rating`. Raises MarqueeError for one that is not that, or not clear."""
    search = movies.search()
    pairs = []
    for word in words:
        title, equals, rating = word.rpartition("=")
        if not equals or not title.strip():
            raise MarqueeError(f"--rate {word!r} says no rating; write it as 'Alien (1979)=5'")
        stars = on_scale(rating.strip(), scale, f"--rate {word!r}")
        pairs.append((movies.the_one(title.strip(), search), stars))
    return pairs


def _first(names: Sequence[str]) -> str:
    return "; ".join(names[:5]) + ("; …" if len(names) > 5 else "")
