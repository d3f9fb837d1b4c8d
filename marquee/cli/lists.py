"""What `recommend` and `similar` share: which movies, how many, and where the lists go."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np

from marquee.cli import project
from marquee.errors import MarqueeError
from marquee.recommenders.base import Recommender
from marquee.serving import output, top_n
from marquee.serving.catalogue import COLUMNS, MovieCatalogue, MovieFilter
from marquee.serving.top_n import MIN_RATINGS
from marquee.terminal import printable


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _count(text: str) -> int:
    return 0 if text.strip("0") == "" and text else positive(text)


def _year(text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise ArgumentTypeError(f"{text[:20]!r} is not a year")
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
    group.add_argument("--year-from", metavar="YEAR", type=_year)
    group.add_argument("--year-to", metavar="YEAR", type=_year)
    group.add_argument("--exclude-unknown", action="store_true", help="no movie without a title")
    group.add_argument(
        "--min-ratings",
        metavar="N",
        type=_count,
        help=f"only movies with so many ratings; a rating model needs {MIN_RATINGS}, or less in small data",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="FILE", type=list_file, help="write a .parquet, .csv or .json file")
    where.add_argument("--json", action="store_true", help="print JSON instead of a table")


def allowed_movies(args: Namespace, movies: MovieCatalogue) -> np.ndarray:
    """Return bool [n_items]: the movies that the arguments allow."""
    return movies.keep(MovieFilter(tuple(args.genre), args.year_from, args.year_to, args.exclude_unknown))


def often_rated(
    args: Namespace, model: Recommender, name: str, allowed: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """Return bool [n_items], the `allowed` movies with enough training ratings, and a note on the others."""
    kept, least = top_n.often_rated(
        allowed, model.task, args.min_ratings, lambda: project.training_counts(model.task, len(allowed))
    )
    hidden = int(allowed.sum() - kept.sum())
    note = (
        f"{name}: {hidden:,} of {allowed.sum():,} movies have fewer than {least} ratings and are not listed"
    )
    return kept, [f"{note} (--min-ratings 0 lists all)"] if hidden else []


def deliver(args: Namespace, lists: list[output.Rows], column: str, heading: str = "") -> None:
    """Print the lists, or write them to --out. `column` is the one that they are ordered by."""
    columns = ["rank", *COLUMNS, column, *(["explanation"] if len(lists) == 1 else [])]
    write_or_print(args, lists, lambda rows: output.table(rows, column), columns, heading)


def write_or_print(
    args: Namespace,
    lists: list[output.Rows],
    table: Callable[[output.Rows], str],
    columns: list[str],
    heading: str = "",
) -> None:
    """Print `heading` and each list as a `table`, or all rows as JSON, or write their `columns` to --out."""
    rows = [row for one in lists for row in one]
    if args.json:
        project.print_json(rows)
    elif args.out is not None:
        output.write(args.out, rows, ["user", *columns])
        print(f"{len(rows):,} rows for {len(lists):,} in {args.out}")
    else:
        if heading:
            print(heading)
        for one in lists:
            if len(lists) > 1 and one:
                print(printable(f"user {one[0]['user']}"))
            print(table(one))
