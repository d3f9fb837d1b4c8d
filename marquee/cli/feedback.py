"""`marquee feedback export`: write what visitors rated as a source of the pipeline."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.io import remove, write_parquet
from marquee.movielens.feedback import FOLDER, RATINGS, to_table

DATABASE = f"sqlite:///{FOLDER}/feedback.sqlite"


def configure(parser: ArgumentParser) -> None:
    parser.epilog = "example: marquee feedback export && dvc repro"
    parser.add_argument("action", choices=["export"], help=f"write {RATINGS}, which `dvc repro` learns from")
    parser.add_argument("--feedback", metavar="URL", default=DATABASE, help=f"the database ({DATABASE})")


def run(args: Namespace) -> None:
    if args.feedback == DATABASE and not Path(FOLDER, "feedback.sqlite").is_file():
        raise MarqueeError(
            f"{FOLDER}/feedback.sqlite is missing: `marquee serve` writes it when visitors rate"
        )
    with extra("marquee feedback"):
        from marquee.server.feedback import Feedback
    store = Feedback(args.feedback)
    rows = store.latest()
    store.close()
    if rows:
        write_parquet(RATINGS, to_table(rows))
    else:
        remove(RATINGS)
    visitors = len({row["visitor"] for row in rows})
    print(f"{len(rows):,} ratings of {visitors:,} visitors in {RATINGS}: `dvc repro` learns from them")


@contextmanager
def extra(command: str) -> Iterator[None]:
    """Say in one line what to install where a package of the extra `serve` is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("marquee"):
            raise
        raise MarqueeError(
            f"{command} needs the package {error.name}, which is not installed: run `make serve`, "
            "or `pip install 'marquee[serve]'`"
        ) from None
