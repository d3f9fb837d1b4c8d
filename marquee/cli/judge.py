"""`marquee judge <lists>`: metrics, intervals and tests of lists that any library made."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.cli import project
from marquee.config import CompareOptions
from marquee.config.names import NAME
from marquee.data.identity import identity_of, require_same
from marquee.errors import MarqueeError
from marquee.io import as_array, as_table, read_parquet, read_sealed
from marquee.referee.variants import VARIANTS
from marquee.terminal import aligned

if TYPE_CHECKING:
    import pyarrow as pa

    from marquee.referee.tables import Table

SEED = 2024


def configure(parser: ArgumentParser) -> None:
    parser.description = (
        "Judge lists of any library: a CSV or Parquet file of user, item, and rank or score. Several files, "
        "and models of this project, are compared on the same users."
    )
    parser.epilog = "example: marquee judge theirs.csv ease --train train.csv --test test.csv --as recbole"
    parser.add_argument("lists", nargs="+", help="files, or names under models: in params.yaml")
    parser.add_argument("--train", type=Path, help="what was learned from: user, item and perhaps rating")
    parser.add_argument("--test", type=Path, help="what was held out, in the same columns")
    parser.add_argument("--task", choices=("ranking", "rating"), help="this project's train and test instead")
    parser.add_argument(
        "--validation", type=Path, help="what the choice of settings has seen; lists hide it, too"
    )
    parser.add_argument("--candidates", type=Path, help="user, item: what each list was chosen from")
    parser.add_argument("--predictions", action="store_true", help="the scores are predicted ratings")
    parser.add_argument("-k", type=int, default=10, help="length of the lists (10)")
    parser.add_argument("--threshold", type=float, help="a test rating of at least this is relevant (all)")
    parser.add_argument("--allow-seen", action="store_true", help="lists may contain items of train")
    parser.add_argument(
        "--as", dest="variant", choices=sorted(VARIANTS), help="print this library's own figures"
    )
    parser.add_argument(
        "--resamples", type=int, default=1000, help="of the bootstrap (1000); 0 leaves it out"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: Namespace) -> None:
    if not 1 <= args.k <= 10_000:
        args.parser.error(f"-k is {args.k}: give 1 to 10,000")
    if args.resamples and not 100 <= args.resamples <= 100_000:
        args.parser.error(f"--resamples is {args.resamples}: give 0, or 100 to 100,000")
    verdicts = _verdicts(args)
    for name, verdict in verdicts.items():
        for note in verdict.notes:
            print(f"{name}: {note}", file=sys.stderr)
    if args.variant:
        _print_theirs(args, verdicts)
    else:
        _print_ours(args, verdicts)


def _verdicts(args: Namespace) -> dict[str, Any]:
    from marquee.referee import judge, tables
    from marquee.referee import lists as foreign

    train, test, validation = _split(args)
    columns, split = ("score",) if args.predictions else ("rank", "score"), None
    if not args.predictions:
        candidates = tables.read(args.candidates, ("user", "item")) if args.candidates else None
        split = foreign.holdout(train, test, validation, candidates, args.threshold)
    found = {}
    for given in args.lists:
        path = Path(given)
        table = tables.read(path, ("user", "item"), columns) if path.exists() else _of_entry(given, args)
        if split is None:
            if "score" not in table:
                raise MarqueeError(f"{given} has no predicted ratings: name a column score or prediction")
            found[given] = judge.judge_predictions(train, test, table, given, path)
        else:
            lists = foreign.lists(split, table, args.k, path, args.allow_seen)
            found[given] = judge.judge_lists(split, lists, given, args.k, args.variant)
    return found


def _split(args: Namespace) -> tuple[Table, Table, Table | None]:
    """Return train, test and validation, of files or of this project."""
    from marquee.referee import tables

    if args.task:
        paths = [Path(f"data/{args.task}/{part}.parquet") for part in ("train", "test", "val")]
        train, test, validation = (_with_ids(read_parquet(path)) for path in paths)
        return train, test, validation
    if not (args.train and args.test):
        raise MarqueeError("no split to judge by: give --train and --test, or --task in a project")
    parts = [args.train, args.test, *([args.validation] if args.validation else [])]
    beside = ("rating",) if args.predictions or args.threshold is not None else ()
    train, test, *more = (tables.read(path, ("user", "item"), beside) for path in parts)
    return train, test, more[0] if more else None


def _of_entry(name: str, args: Namespace) -> Table:
    """Return the lists, or the predicted ratings, that `evaluate` stored of a model of this project."""
    folder = Path("data/evaluation") / name
    if not NAME.fullmatch(name) or not folder.is_dir():
        raise MarqueeError(f"{name} is neither a file nor an evaluated model: name a CSV or Parquet file")
    about, remedy = read_sealed(folder / "metrics.json"), f"run `dvc repro evaluate@{name}`"
    require_same(about.get("data"), identity_of(), str(folder), "data/", remedy)
    if args.predictions:
        found = read_parquet(folder / "predictions.parquet", ["user", "item", "predicted"])
        return _with_ids(found.rename_columns(["user", "item", "score"]))
    found = read_parquet(folder / "lists.parquet")
    items = found["item"].combine_chunks()
    length = items.type.list_size
    users = np.repeat(as_array(found["user"]), length)
    ranks = np.tile(np.arange(1.0, length + 1), len(found))
    flat = as_array(items.flatten())
    listed = flat >= 0
    return _with_ids(as_table({"user": users[listed], "item": flat[listed], "rank": ranks[listed]}))


def _with_ids(table: pa.Table) -> Table:
    """Return the columns with the release's ids in place of numbers from 0."""
    found = {name: table[name] for name in table.column_names}
    for name, kind in (("user", "user"), ("item", "movie")):
        ids = read_parquet(Path(f"data/{kind}s.parquet"), [f"{kind}_id"])[f"{kind}_id"]
        found[name] = ids.take(table[name])
    if "rating" in found:
        found["rating"] = found["rating"].cast("float64")
    return found


def _print_theirs(args: Namespace, verdicts: dict[str, Any]) -> None:
    if args.predictions:
        args.parser.error("--as is for lists: errors of ratings have one definition")
    for remark in VARIANTS[args.variant].remarks:
        print(remark, file=sys.stderr)
    heading = f"as {args.variant} {VARIANTS[args.variant].version} computes them\n\n"
    _print_figures(args, {name: verdict.theirs for name, verdict in verdicts.items()}, 6, heading)


def _print_figures(
    args: Namespace, figures: dict[str, dict[str, float]], digits: int, heading: str = ""
) -> None:
    if args.json:
        project.print_json(figures)
        return
    names = list(dict.fromkeys(name for row in figures.values() for name in row))
    cells = [
        [file, *(f"{row[name]:.{digits}f}" if name in row else "-" for name in names)]
        for file, row in figures.items()
    ]
    print(heading + aligned(cells, "l" * len(cells[0]), ["", *names]))


def _print_ours(args: Namespace, verdicts: dict[str, Any]) -> None:
    from marquee.leaderboard import table, text
    from marquee.rng import named_rng

    results = [verdict.result for verdict in verdicts.values()]
    if not args.resamples:
        _print_figures(args, {one.model: one.metrics for one in results}, 4)
        return
    options = CompareOptions(args.resamples, 0.95, args.k)
    rows = table.compare(results, options, named_rng(SEED, "judge"))
    if args.json:
        project.print_json(rows)
    else:
        print(text.text(rows, options), end="")
