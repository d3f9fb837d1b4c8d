"""What `recommend` and `similar` share: which movies, how many, and where the lists go."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

import numpy as np

from marquee.cli import project
from marquee.errors import MarqueeError
from marquee.serving import output
from marquee.serving.catalogue import COLUMNS, MovieCatalogue, MovieFilter


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def list_file(text: str) -> Path:
    try:
        output.check_suffix(Path(text))
    except MarqueeError as error:
        raise ArgumentTypeError(str(error)) from None
    return Path(text)


def configure(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("which movies")
    group.add_argument("--top", metavar="N", type=positive, default=10, help="length of a list (10)")
    group.add_argument("--genre", metavar="NAME", action="append", default=[], help="given twice: both")
    group.add_argument("--year-from", metavar="YEAR", type=int)
    group.add_argument("--year-to", metavar="YEAR", type=int)
    group.add_argument("--exclude-unknown", action="store_true", help="no movie without a title")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="FILE", type=list_file, help="write a .parquet, .csv or .json file")
    where.add_argument("--json", action="store_true", help="print JSON instead of a table")


def allowed_movies(args: Namespace, movies: MovieCatalogue) -> np.ndarray:
    """Return bool [n_items]: the movies that the arguments allow."""
    return movies.keep(MovieFilter(tuple(args.genre), args.year_from, args.year_to, args.exclude_unknown))


def deliver(args: Namespace, lists: list[output.Rows], column: str) -> None:
    """Print the lists, or write them to --out. `column` is the one that they are ordered by."""
    rows = [row for one in lists for row in one]
    if args.json:
        project.print_json(rows)
    elif args.out is not None:
        columns = ["user", "rank", *COLUMNS, column, *(["explanation"] if len(lists) == 1 else [])]
        output.write(args.out, rows, columns)
        print(f"{len(rows):,} rows for {len(lists):,} in {args.out}")
    else:
        for one in lists:
            if len(lists) > 1 and one:
                print(f"user {one[0]['user']}")
            print(output.table(one, column))
