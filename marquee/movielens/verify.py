"""Verify a release by its numbers of ratings, users and movies."""

from __future__ import annotations

from pathlib import Path

from marquee.errors import MarqueeError
from marquee.movielens.notes import counted
from marquee.movielens.releases import Release
from marquee.terminal import excerpt

# layout -> the files with ratings, their separator, and their header lines
RATINGS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "ml-100k": (("u.data",), "\t", 0),
    "ml-1m": (("ratings.dat",), "::", 0),
    "ml-10m": (("ratings.dat",), "::", 0),
    "csv": (("ratings.csv",), ",", 1),
    "sasrec": (("ml-1m.txt",), " ", 0),
    "ncf": (("ml-1m.train.rating.no_timestamp", "ml-1m.test.rating"), "\t", 0),
}


def compare_counts(release: Release, folder: Path, called: str) -> None:
    """Compare the files in `folder` with the numbers that the release states, if any.

    called  the user's name for the files, for messages

    Raises MarqueeError if a number differs or the ratings cannot be read.
    """
    import pyarrow as pa
    from pyarrow import compute, csv

    if release.counts is None:
        return
    names, separator, header = RATINGS[release.layout]
    user, movie = "f0", f"f{len(separator)}"  # Arrow takes `::` for two separators and a column between them
    # one thread, so that the reason names the row
    reading = csv.ReadOptions(skip_rows=header, autogenerate_column_names=True, use_threads=False)
    cutting = csv.ParseOptions(delimiter=separator[0])
    ids = {user: pa.int32(), movie: pa.int32()}
    converting = csv.ConvertOptions(include_columns=list(ids), column_types=ids)
    tables = []
    for name in names:
        try:
            tables.append(csv.read_csv(folder / name, reading, cutting, converting))
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            reason = excerpt(str(error).splitlines()[0].strip("'\""))
            raise MarqueeError(
                f"{called}: {name} does not parse as ratings of {release.name} ({reason}): "
                "set dataset.path to another copy"
            ) from None
    table = pa.concat_tables(tables)
    found = (len(table), *(compute.count_distinct(table[column]).as_py() for column in ids))
    if found != release.counts:
        raise MarqueeError(
            f"{called}: {' and '.join(names)} has {counted(*found)}, but {release.name} has "
            f"{counted(*release.counts)}: set dataset.path to a complete copy, "
            "or dataset.name to the release it is"
        )
