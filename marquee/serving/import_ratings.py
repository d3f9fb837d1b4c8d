"""Find the movies of an export, and of ratings by title, in a catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from marquee.errors import MarqueeError
from marquee.io import write_csv
from marquee.movielens.schema import Scale
from marquee.serving.catalogue import MovieCatalogue
from marquee.serving.exports import Export, Row, on_scale
from marquee.serving.title_matching import TitleMatcher
from marquee.serving.title_words import name_keys

MISSING, SEVERAL, OTHER = "not in this data", "fit several movies", "no movie"
NAMED = 5  # titles that a note names


@dataclass
class Matched:
    """Hold the rows whose movie is known, and the others by what is wrong with them.

    items    one for each of `rows`
    unrated  the number of rows that had no rating
    """

    rows: list[Row] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    left_out: dict[str, list[Row]] = field(default_factory=lambda: {OTHER: [], MISSING: [], SEVERAL: []})
    unrated: int = 0

    @property
    def pairs(self) -> list[tuple[int, float]]:
        """(item, rating), the latest last."""
        rated = [
            (r.date, i, r.rating) for r, i in zip(self.rows, self.items, strict=True) if r.rating is not None
        ]
        return [(item, rating) for _, item, rating in sorted(rated, key=lambda one: one[0])]

    def notes(self, path: str) -> list[str]:
        """Return a line with the number of rows that matched, and one for each kind that was left out."""
        total = len(self.rows) + len(self.left_out[MISSING]) + len(self.left_out[SEVERAL])
        notes = [f"{path}: {len(self.rows):,} of {total:,} movies found"]
        if self.unrated:
            notes.append(f"{path}: {self.unrated:,} without a rating, passed over")
        words = {OTHER: "series, episodes or games", MISSING: MISSING, SEVERAL: SEVERAL}
        for kind, rows in self.left_out.items():
            names = list(dict.fromkeys(row.name for row in rows))
            if rows:
                more = "; …" * (len(names) > NAMED)
                notes.append(
                    f"{path}: {len(rows):,} {words[kind]}, left out: {'; '.join(names[:NAMED])}{more}"
                )
        return notes

    def require_pairs(self, path: Path) -> None:
        """Raise MarqueeError where no rated movie was found."""
        total = len(self.rows) + sum(map(len, self.left_out.values()))
        if self.rows:
            return
        if not total:
            raise MarqueeError(
                f"{path} has no ratings below its column names: add a line for each, or give it to --seen"
            )
        raise MarqueeError(f"none of the {total:,} movies in {path} is in this data: rate others")


def match(rows: Iterable[Row], movies: MovieCatalogue, counts: Callable[[], np.ndarray]) -> Matched:
    """Find the movies of `rows`: by IMDb id where the catalogue has them, else by title, else by number.

    A row with a title and a number of another release is found by its title; a number decides between
    movies of one title. `counts` returns the ratings of each item: see `TitleMatcher`.
    An export has no misspelt titles, so none are corrected.
    """
    matcher = TitleMatcher(movies.titles, movies.years, counts)
    numbers = {str(number): item for item, number in enumerate(movies.ids)}
    imdb = {number: item for item, number in enumerate(movies.imdb_ids) if number is not None}
    done = Matched()
    for row in rows:
        found = _find(row, movies, matcher, numbers, imdb)
        if len(found) == 1:
            done.rows.append(row)
            done.items.append(found[0])
        else:
            done.left_out[SEVERAL if found else MISSING].append(row)
    return done


def match_export(export: Export, movies: MovieCatalogue, counts: Callable[[], np.ndarray]) -> Matched:
    """Find the rated movies of an export; what is no movie is left out and what has no rating counted."""
    done = match(export.rated, movies, counts)
    done.left_out[OTHER] = export.others
    done.unrated = len(export.unrated)
    return done


def _find(
    row: Row, movies: MovieCatalogue, matcher: TitleMatcher, numbers: dict[str, int], imdb: dict[int, int]
) -> list[int]:
    if row.imdb is not None and row.imdb in imdb:
        return [imdb[row.imdb]]
    number = numbers.get(row.movie.removesuffix(".0"), -1)
    if number >= 0 and _same_name(row, movies, number):
        return [number]
    found = matcher.match(row.titles, row.year)
    if row.imdb is not None and len(found) == 1 and movies.imdb_ids and movies.imdb_ids[found[0]] is not None:
        return []  # the ids say that it is another movie of that name
    return found


def _same_name(row: Row, movies: MovieCatalogue, item: int) -> bool:
    """Return whether the row's title, if it and the movie have one, is the movie's."""
    title = movies.titles[item]
    if not row.titles or not title:
        return True
    same = name_keys(title)[2] in {name_keys(one)[2] for one in row.titles}
    years = {row.year, movies.years[item]} - {None}
    return same and len(years) < 2


def write_unmatched(path: Path, found: Sequence[Matched]) -> int:
    """Write a CSV with a line for each row that was left out; return their number."""
    rows = [
        [row.file, row.line, row.titles[-1] if row.titles else "", row.year, row.movie, kind]
        for one in found
        for kind, left in one.left_out.items()
        for row in left
    ]
    write_csv(path, ["file", "line", "title", "year", "movie_id", "reason"], rows)
    return len(rows)


def rate(given: Sequence[tuple[str, str]], movies: MovieCatalogue, scale: Scale) -> list[tuple[int, float]]:
    """Return (item, rating) of each (title, rating).

    Raises MarqueeError for a title that fits no movie or several, and for a rating off the scale.
    """
    search = movies.search()
    return [
        (movies.find_one(title, search), on_scale(rating, scale, f"--rate {title!r}"))
        for title, rating in given
    ]
