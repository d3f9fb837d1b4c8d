"""Compare exact top-10 lists and every metric, on Spark, with Spark's own `recommendForAllUsers`.

Ours is all of `evaluate_ranking` for every test user, under MARQUEE_ENGINE=spark on local[2], with factors of
`ials`: lists without what a user has rated, ranks among 99 candidates, the metrics of each user. Spark's is
`recommendForAllUsers(10)` of a model of as many users, movies and factors, or the same for MOST of them; it
keeps what was rated and has no metric. --write puts the row into bench/results/spark_lists.csv.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench import sizes
from bench.benchmarks import IALS
from bench.output import ROOT, parser, publish, read
from bench.runner import fit
from bench.topk import prepare
from bench.tuning import DIM, chosen
from bench.venvs import PEERS, python
from marquee.errors import MarqueeError

HEADER = (
    *("data", "dim", "users", "items", "seconds", "low", "high", "rounds"),
    *("spark_users", "spark_seconds", "times_as_fast_by_user"),
)
ENGINE = {"MARQUEE_ENGINE": "spark", "MARQUEE_SPARK_MASTER": "local[2]"}
LISTS, REGULARIZATION = 10, 0.1
MOST = 16_384  # users that Spark lists for: its seconds grow with them


def ours(size: str, repeats: int) -> tuple[dict[str, int], list[float]]:
    """Return the sizes, and the seconds of each round."""
    data = sizes.tables(size) / "data"
    with tempfile.TemporaryDirectory(dir=sizes.WORK) as model, tempfile.TemporaryDirectory() as place:
        settings = {**chosen(IALS, size, IALS.ours), "dim": DIM}
        found = fit(IALS.ours, sizes.arrays(size, IALS.task), settings, 2, out=Path(model))
        if "failed" in found:
            raise MarqueeError(f"no factors to rank by: {found['failed']}")
        shape = prepare(data, model, DIM, Path(place), None)
        command = [sys.executable, "-m", "bench.topk", "--data", str(data.parent), "--ours", place]
        return shape, [_run(command, {**os.environ, **ENGINE})["seconds"] for _ in range(repeats)]


def theirs(size: str) -> dict[str, float]:
    """Return the seconds of Spark's lists, and for how many users they are."""
    words = [str(python("pyspark")), str(PEERS / "fit_spark.py"), "als", str(sizes.arrays(size, "ranking"))]
    words += ["parts=train,val", "seed=1", "threads=2", "epochs=1", f"dim={DIM}", f"lists={LISTS}"]
    return _run([*words, f"most={MOST}", f"regularization={REGULARIZATION}"], dict(os.environ))


def _run(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Return the first JSON line that a command prints."""
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    print(Path(command[2]).name, found, flush=True)
    return dict(found)


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--size", choices=sizes.SIZES, default="ml-1m")
    command.add_argument("--repeats", type=int, default=3)
    given = command.parse_args()
    shape, seconds = ours(given.size, given.repeats)
    peer = theirs(given.size)
    times = (peer["seconds"] / peer["users"]) / (median(seconds) / shape["users"])
    cells = (f"{x:.4g}" for x in (median(seconds), min(seconds), max(seconds)))
    row: list[Any] = [given.size, DIM, shape["users"], shape["items"], *cells, len(seconds)]
    row += [peer["users"], f"{peer['seconds']:.4g}", f"{times:.3g}"]
    kept = [list(old.values()) for old in read("spark_lists") if old["data"] != given.size]
    publish("spark_lists", HEADER, [*kept, row] if given.write else [row], given.write)


if __name__ == "__main__":
    main()
