"""`marquee online <model> ...`: predict, score and learn the ratings in the order of time."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from marquee import prequential
from marquee.cli import online_models, project
from marquee.cli.lists import positive
from marquee.data.ratings import Catalogue, Ratings
from marquee.errors import MarqueeError
from marquee.io import atomic_folder, read_parquet, write_csv, write_figure
from marquee.leaderboard.metrics import metric_title
from marquee.terminal import say

WRITTEN = {"curve.csv", "summary.csv", "curve.png", "curve.svg"}
EXAMPLES = """examples:
  marquee online ials als_genres
  marquee online ease --start 0.98 --every 1d --policy never --policy update

The first ratings are fitted, all others come in batches. A batch is predicted, the predictions are scored,
and then it is learned: never, by folding users in, by `update`, or by another fit.
"""


def configure(parser: ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("models", nargs="+", metavar="model", help="names under models: in params.yaml")
    parser.add_argument(
        "--start", metavar="FRACTION", type=_fraction, default=0.9, help="ratings of the first fit (0.9)"
    )
    parser.add_argument(
        "--every", metavar="N", type=_every, default="5000", help="a batch: so many ratings (5000), 12h or 1d"
    )
    parser.add_argument(
        "--policy", choices=prequential.POLICIES, action="append", help="given twice: both; default: all"
    )
    parser.add_argument(
        "--refit-every", metavar="N", type=positive, default=1, help="batches between fits (1)"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("online"), help="a folder (online)")


def _fraction(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise ArgumentTypeError(f"{text[:20]!r} is not a number between 0 and 1")
    return found


def _every(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*|(\d*[1-9]\d*)[hd]", text):
        raise ArgumentTypeError(f"{text[:20]!r} is neither a number of ratings nor a time such as 12h or 1d")
    return text


def run(args: Namespace) -> None:
    params, out = project.params(), args.out
    entries = {name: params.model(name) for name in dict.fromkeys(args.models)}
    if out.exists() and not {one.name for one in out.iterdir()} <= WRITTEN:  # it is replaced as a whole
        raise MarqueeError(f"{out} exists and holds other files than curves: name a new folder with --out")
    movies = read_parquet(Path("data/movies.parquet"))
    scale, _ = project.scale()
    stream = prequential.stream_of(
        Ratings.read(Path("data/ratings.parquet")),
        Catalogue.from_genres(0, movies["genres"]),
        (scale.low, scale.high),
        online_models.positives(),
        args.start,
        args.every,
    )
    say(
        f"{stream.cuts[0]:,} ratings are fitted, {len(stream.ratings) - stream.cuts[0]:,} come in "
        f"{len(stream.cuts) - 1:,} batches"
    )
    curve, summary = [], []
    policies = [policy for policy in prequential.POLICIES if policy in (args.policy or prequential.POLICIES)]
    for name, entry in entries.items():
        points = prequential.run(
            name, entry, stream, policies, params.negatives, params.seed, args.refit_every, say
        )
        curve += prequential.curve(name, stream, points, params.seed)
        summary += prequential.summary(name, points, params.seed)
    from marquee.figures.prequential import prequential_curves

    with atomic_folder(out) as partial:
        for kind, rows in (("curve", curve), ("summary", summary)):
            header = list(dict.fromkeys(key for row in rows for key in row))
            write_csv(partial / f"{kind}.csv", header, [[row.get(key, "") for key in header] for row in rows])
        for suffix in ("png", "svg"):
            write_figure(partial / f"curve.{suffix}", prequential_curves(curve, prequential.METRICS))
    print(_table(summary))
    print(f"{out}/curve.csv, summary.csv, curve.png and curve.svg")


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'model':16} {'learns':8} {'metric':8} {'value':>7}  95 % interval      from never  seconds"]
    for row in rows:
        difference = f"{row['from_never']:+.4f}" if "from_never" in row else ""
        lines.append(
            f"{row['model']:16} {row['policy']:8} {metric_title(row['metric']):8} {row['value']:7.4f}  "
            f"{row['low']:.4f} to {row['high']:.4f}   {difference:>9}  {row['seconds']:7.2f}"
        )
    return "\n".join(lines)
