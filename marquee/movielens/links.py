"""Read links.csv, in which GroupLens' later releases name the IMDb and the TMDb id of each movie."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pyarrow as pa

from marquee.errors import MarqueeError

NUMBER = re.compile(r"(?:tt)?0*([1-9][0-9]{0,8})", re.ASCII)
LINKS = {"imdb_id": "imdbId", "tmdb_id": "tmdbId"}  # our columns, and those of the file


def with_links(folder: Path, movies: pa.Table, movie: str) -> pa.Table:
    """Return `movies` with the columns of `LINKS`, int32, of which `folder` has a links.csv that gives any.

    `movie` names the column of ids there, if it is not movieId. The file is optional and decides no result,
    so a row that does not read, or is of no movie in the list, is passed over. Of two rows of one movie the
    first counts.
    """
    path = folder / "links.csv"
    if not path.is_file():
        return movies
    known: dict[str, dict[str, int]] = {ours: {} for ours in LINKS}
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                number = str(row.get("movieId") or row.get(movie) or "").strip()
                for ours, theirs in LINKS.items():
                    if found := NUMBER.fullmatch(str(row.get(theirs) or "").strip()):
                        known[ours].setdefault(number, int(found[1]))
        except csv.Error as error:
            raise MarqueeError(
                f"{path} line {reader.line_num}: not readable as CSV ({error}): correct it or delete the file"
            ) from None
    for ours, numbers in known.items():
        column = pa.array([numbers.get(str(one)) for one in movies["movie"].to_pylist()], pa.int32())
        if column.null_count < len(column):
            movies = movies.append_column(ours, column)
    return movies
