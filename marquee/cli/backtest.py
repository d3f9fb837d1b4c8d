"""`marquee backtest`: models over windows of time, each trained on what came before its window."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from marquee.cli import project
from marquee.cli.lists import positive
from marquee.config import Params
from marquee.config.parsing import as_number
from marquee.data import stored
from marquee.data.identity import identity_of, label
from marquee.data.ratings import Ratings, lowest_positive
from marquee.errors import MarqueeError
from marquee.io import atomic_folder, write_csv, write_sealed
from marquee.terminal import say

if TYPE_CHECKING:
    from marquee.backtest import BacktestData

FOLDER = Path("data/backtest")
RATINGS = Path("data/ratings.parquet")


def configure(parser: ArgumentParser) -> None:
    parser.description = (
        "Train and evaluate models in windows over time, each on what came before it, and print one table. "
        "The windows are those of `split: sliding_window`; data/backtest/ keeps every value."
    )
    parser.epilog = "example: marquee backtest popularity item_knn ease ials --windows 8 --days 365"
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names in params.yaml (all of the task)")
    parser.add_argument("--task", choices=("ranking", "rating"), default="ranking", help="default: ranking")
    parser.add_argument(
        "--windows", type=positive, metavar="N", help="how many (tasks.<task>.n_folds of params.yaml)"
    )
    parser.add_argument(
        "--days", metavar="D", help="days before a window to learn from, or all (tasks.<task>.train_days)"
    )
    parser.add_argument(
        "--known-users", action="store_true", help="count only test users who have a training rating"
    )
    parser.add_argument("--metric", help="metric to print (the one that orders the leaderboard)")
    parser.add_argument("--json", action="store_true", help="print every metric of every window as JSON")


def run(args: Namespace) -> None:
    from marquee import backtest
    from marquee.leaderboard import windows

    params = _windowed(project.params(), args)
    metric = _metric(params, args)
    models = backtest.chosen_models(params, args.task, args.models)
    params = replace(params, models=models)
    project.require_memory(params, models)
    found = backtest.backtest(_data(params), params, args.task, models, say)
    if args.known_users:
        found = [window.of_known_users() for window in found]
        if empty := [window.number for window in found if not window.about["test_users"]]:
            raise MarqueeError(
                f"no test user of window {empty[0]} has a training rating: leave out --known-users, or take "
                "fewer windows"
            )
    rows = windows.compare_windows(found, params.compare, params.seed)
    about = {"data": identity_of(), "task": args.task, "seed": params.seed, "known_users": args.known_users}
    about |= {"train_days": params.tasks[args.task].train_days}
    about |= {"models": {name: {"algorithm": one.algorithm, **one.options} for name, one in models.items()}}
    about |= {"windows": [{"window": one.number, **one.about} for one in found]}
    with atomic_folder(FOLDER) as folder:
        write_csv(folder / "table.csv", windows.HEADER, [list(row.values()) for row in rows])
        write_sealed(folder / "about.json", about)
    if args.json:
        project.print_json({**about, "rows": rows})
        return
    print(f"{label(about['data'])}\n\n{windows.text(rows, found, metric, params.compare)}")
    print(f"every metric of every window: {FOLDER / 'table.csv'}")


def _windowed(params: Params, args: Namespace) -> Params:
    """Return the parameters with the windows that are asked for."""
    options = params.tasks[args.task]
    days = options.train_days
    if args.days is not None:
        days = as_number(args.days)
        if args.days != "all" and (days is None or days <= 0):
            args.parser.error(f"--days is {args.days!r}: give a number above 0, or all")
    n_folds = args.windows or options.n_folds
    windowed = replace(options, split="sliding_window", fold=1, n_folds=n_folds, train_days=days)
    return replace(params, tasks={**params.tasks, args.task: windowed})


def _metric(params: Params, args: Namespace) -> str:
    """Return the metric to print; one that the windows cannot have is a fault of the command line."""
    from marquee.leaderboard.table import HIGHER, LOWER, primary_metrics

    known = [f"{name}@{k}" for name in HIGHER for k in params.evaluate.ks]
    known += [f"sampled_{name}@{k}" for name in ("hit", "ndcg") for k in params.evaluate.ks]
    known += LOWER * (args.task == "rating")
    if args.metric is not None and args.metric not in known:
        args.parser.error(f"--metric is {args.metric!r}: choose one of {', '.join(known)}")
    return args.metric or primary_metrics(params.compare)[args.task]


def _data(params: Params) -> BacktestData:
    from marquee.backtest import BacktestData

    known, (low, high, step) = stored.catalogue()
    ratings = Ratings.read(RATINGS)
    ratings.require_ids(known.n_users, known.n_items, RATINGS)
    asked, counted = params.tasks["ranking"].positive_threshold, stored.implicit()
    least = lowest_positive(asked, low, high, step, counted)
    return BacktestData(ratings, known, *stored.original_ids(), (low, high), least, counted)
