"""Read the genres of movies from one field of text, or from a list."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from marquee.errors import MarqueeError

SEPARATORS = ("|", ",", ";")
MOST = 200  # distinct genres; MovieLens has 19, and tables of movies and genres grow with them


def split_genres(movies: pa.Table, path: Path | None = None) -> pa.Table:
    """Return the table with `Drama|War` as a list, each genre once and without blanks around it.

    The separator is the one that most movies have. `['Drama', 'War']`, a list as Python prints it, counts as
    separated by commas. Raises MarqueeError for more than MOST genres.
    """
    if "genres" not in movies.column_names:
        return movies
    genres = movies["genres"]
    if pa.types.is_string(genres.type):
        known = pc.unique(genres)
        cells = known.to_pylist()
        by_number = {mark: sum(mark in (cell or "") for cell in cells) for mark in SEPARATORS}
        mark = max(by_number, key=lambda mark: by_number[mark])
        lists = [_names(cell.split(mark), cell.startswith("[")) if cell else [] for cell in cells]
        places = pc.index_in(genres, known).combine_chunks()
    else:
        lists = [_names(names or (), False) for names in genres.to_pylist()]
        places = pa.array(range(len(lists)), pa.int32())
    if len(found := {name for names in lists for name in names}) > MOST:
        raise MarqueeError(
            f"{path or 'movies'}: {len(found):,} different genres, such as {min(found)[:60]!r}: "
            "separate them by |, or set ingest.columns.genres to null to go without"
        )
    column = pa.chunked_array([pa.array(lists, pa.list_(pa.string())).take(places)])
    return movies.set_column(movies.column_names.index("genres"), "genres", column)


def _names(parts: list[str] | tuple[str, ...], is_list: bool) -> list[str]:
    marks = "[]'\" \t\n" if is_list else None
    return list(dict.fromkeys(name for part in parts if part and (name := part.strip(marks))))
