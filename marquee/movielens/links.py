"""Read what later releases have beside ratings and titles: links to IMDb and TMDb, and tags of users.

These files are optional and decide no result, so a row that does not read, or is of no movie in the list, is
passed over.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from marquee.errors import MarqueeError
from marquee.terminal import printable

NUMBER = re.compile(r"(?:tt)?0*([1-9][0-9]{0,8})", re.ASCII)
LINKS = {"imdb_id": "imdbId", "tmdb_id": "tmdbId"}  # our columns, and those of the file
TAG_FILES = ("tags.csv", "tags.dat")
TAGS, LETTERS = 5, 30  # tags of a movie, letters of a tag, at most


def with_links(folder: Path, movies: pa.Table, movie: str) -> pa.Table:
    """Return `movies` with the columns of `LINKS`, int32, of which `folder` has a links.csv that gives any.

    `movie` names the column of ids there, if it is not movieId. Of two rows of one movie the first counts.
    """
    known: dict[str, dict[str, int]] = {ours: {} for ours in LINKS}
    for number, row in _rows(folder / "links.csv", movie):
        for ours, theirs in LINKS.items():
            if found := NUMBER.fullmatch(str(row.get(theirs) or "").strip()):
                known[ours].setdefault(number, int(found[1]))
    for ours, numbers in known.items():
        column = pa.array([numbers.get(str(one)) for one in movies["movie"].to_pylist()], pa.int32())
        if column.null_count < len(column):
            movies = movies.append_column(ours, column)
    return movies


def with_tags(folder: Path, movies: pa.Table, movie: str) -> pa.Table:
    """Return `movies` with a column `tags`, list<string>, if a tags.csv, or ML-10M's tags.dat, gives any.

    A movie has the tags that it got most often, in lower case; of equally frequent ones first those that all
    movies got most often. Null: none.
    """
    given: dict[str, Counter[str]] = defaultdict(Counter)
    everywhere: Counter[str] = Counter()
    for number, row in (one for name in TAG_FILES for one in _rows(folder / name, movie)):
        tag = " ".join(printable(str(row.get("tag") or "")).lower().split())
        if 0 < len(tag) <= LETTERS:
            given[number][tag] += 1
            everywhere[tag] += 1
    if not given:
        return movies
    column = []
    for one in movies["movie"].to_pylist():
        counts = given.get(str(one), Counter())
        best = sorted(counts.items(), key=lambda tag: (-tag[1], -everywhere[tag[0]], tag[0]))
        column.append([tag for tag, _ in best[:TAGS]] or None)
    return movies.append_column("tags", pa.array(column, pa.list_(pa.string())))


def _rows(path: Path, movie: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the movie's id and the whole row of each row of a table; nothing where there is no file."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        if path.suffix == ".dat":  # user::movie::tag::time, without a head
            lines = (line.replace("::", "\t") for line in file)
            head = ("userId", "movieId", "tag", "timestamp")
            reader = csv.DictReader(lines, head, delimiter="\t", quoting=csv.QUOTE_NONE)
        try:
            for row in reader:
                yield str(row.get("movieId") or row.get(movie) or "").strip(), row
        except csv.Error as error:
            raise MarqueeError(
                f"{path} line {reader.line_num}: not readable as CSV ({error}): correct it or delete the file"
            ) from None
