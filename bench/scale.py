"""Measure the stages on Spark at sizes beyond one machine's usual, and forecast them for more workers.

The data are users of the simulator in ML-32M's shape: its movies, and as many users as --ratings asks for,
159 ratings each. The engine draws them in shards into .bench/scale/<millions>/ (not tracked), in the form of
ratings of one's own. The stages then run as processes on a local Spark cluster with one core a worker:
ingest, split, negatives, candidates, `ials` (f = 64, five sweeps), and the evaluation of one user in twenty,
100,000 of them at 320 million ratings.

Before a stage starts, its memory is limited: --driver and --executors GiB, that of Python and of the JVM
together; a stage that exceeds them is stopped. --write puts seconds, processor time and peaks into
bench/results/scale.csv, in place of earlier ones of the same size and workers, and the forecast from all of
them beside the seconds into bench/results/scale_forecast.csv.

The forecast of a step is T(n, w) = a + n (d + p / w) at n ratings and w workers: a to start, d on the driver
for each rating, p on the workers. All three come from all sizes but the largest. p is how the executors' own
processor time grows, because driver and workers share this machine's processors; a and d are least squares of
what remains, neither below 0. The network is taken to be as fast as this machine is to itself.
"""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import measured_tables
from bench.output import ROOT, Row, environment, parser, publish, read
from bench.process_tree import Limits, Usage, watched
from bench.sizes import SEED, SHAPES, WORK
from marquee.config import SimulatorOptions, presets
from marquee.errors import MarqueeError
from marquee.io import read_json, write_json

USERS, MOVIES, RATINGS = SHAPES["32M"]
SHAPE = SimulatorOptions(users=USERS, movies=MOVIES, ratings=RATINGS, half_stars=True, format="ml-32m")
STEPS = ("ingest", "split ranking", "negatives", "candidates ranking", "train ials", "evaluate ials")
DIM, SWEEPS = 64, 5
TESTED = 0.05  # of the users
HEADER = [
    "step",
    "ratings",
    "users",
    "workers",
    "seconds",
    "processor_seconds",
    "executor_seconds",
    "driver_mib",
    "executors_mib",
]
KEY = ("step", "ratings", "workers")
FITTED = ("ratings", "workers", "seconds", "executor_seconds")
WORKERS = (1, 2, 10, 100)  # of the forecast
FORECAST = ["step", "ratings", *map(str, WORKERS), *(f"measured_{workers}" for workers in WORKERS[:2])]


def millions(text: str) -> list[float]:
    try:
        found = sorted({float(word) for word in text.split(",")})
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no list of millions, such as 3.2,32") from None
    if not found or found[0] < 1:
        raise ArgumentTypeError(f"{text!r} has a size below 1 million")
    return found


def spark(workers: int, gib: float) -> dict[str, str]:
    """Return the variables of a local cluster of `workers` with one core and `gib` GiB each.

    Half of an executor is its JVM's heap, at most 1 GiB; Python maps what the tasks share.
    """
    heap = int(min(1024, 512 * gib))
    conf = {"spark.executor.memory": f"{heap}m", "spark.driver.memory": "2g"}
    return {
        "MARQUEE_ENGINE": "spark",
        "MARQUEE_SPARK_MASTER": f"local-cluster[{workers},1,{heap}]",
        "MARQUEE_SPARK_CONF": ";".join(f"{key}={value}" for key, value in conf.items()),
    }


def prepare(folder: Path) -> None:
    """Make a project whose stages read the drawn shards."""
    import yaml

    (folder / "data").mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings["dataset"] = {"name": "custom", "path": "data/incoming", "source": "official"}
    settings["tasks"]["ranking"] |= {"split": "user_holdout", "validation": 0, "test": TESTED}
    chosen = presets.preset(SHAPE.format) or {}
    own = {key.rpartition(".")[2]: chosen[key] for key in chosen if key.startswith("models.ials.")}
    block = settings["models"]["ials"] | own | {"dim": DIM, "epochs": SWEEPS, "patience": SWEEPS}
    settings["models"] = {"ials": block}
    settings["demo"]["model"] = "ials"
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def run(words: Sequence[str], folder: Path, variables: dict[str, str], limits: Limits) -> tuple[float, Usage]:
    """Run a Python module in `folder`; return its seconds and what it used."""
    start = time.perf_counter()
    settings = {**environment(), "PYTHONPATH": str(ROOT), **variables}
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=folder, env=settings)
    used = watched(process, limits)
    if process.returncode:
        raise MarqueeError(f"{' '.join(words)} failed in {folder}: see its message above")
    return time.perf_counter() - start, used


def measure(size: float, workers: int, limits: Limits) -> list[list[Any]]:
    """Draw the data where they are missing, run all stages, and return a row for each."""
    n_users = round(USERS * size * 1e6 / RATINGS)
    folder = WORK / "scale" / f"{size:g}"
    variables = spark(workers, limits.executors / workers)
    rows: list[list[Any]] = []

    def step(name: str, *words: str) -> None:
        seconds, used = run(words, folder, variables, limits)
        spent = (round(x, 1) for x in (seconds, used.processor_seconds, used.executor_seconds))
        peaks = (round(1024 * gib) for gib in (used.driver, used.executors))
        rows.append([name, 0, n_users, workers, *spent, *peaks])
        print(f"{size:g}M, {workers} workers, {name}: {seconds:.1f} s, {used}", flush=True)

    prepare(folder)
    if not (folder / "data/raw").exists() or not (folder / "drawn.json").is_file():
        step("draw", "bench.scale", "--draw", str(n_users), "--ratings", f"{size:g}")
    for name in STEPS:
        step(name, f"stages.{name.split()[0]}", *name.split()[1:])
    ratings = read_json(folder / "data/dataset.json")["ratings"]
    return [[row[0], ratings, *row[2:]] for row in rows]


def forecast(found: Sequence[Row]) -> list[list[Any]]:
    """Return the cells of FORECAST for each step at the largest size: seconds, "" where none are measured."""
    from scipy.optimize import nnls

    largest = max(int(row["ratings"]) for row in found)
    table: list[list[Any]] = []
    for step in STEPS:
        own = [row for row in found if row["step"] == step]
        known = [row for row in own if int(row["ratings"]) < largest] or own
        n, w, seconds, spent = (np.array([float(row[name]) for row in known]) for name in FITTED)
        both = np.stack([np.ones_like(n), n], 1)
        work = nnls(both, spent)[0][1]
        start, driver = nnls(both, seconds - work * n / w)[0]
        measured = {int(row["workers"]): row["seconds"] for row in own if int(row["ratings"]) == largest}
        expected = (round(start + largest * (driver + work / workers), 1) for workers in WORKERS)
        table.append([step, largest, *expected, *(measured.get(workers, "") for workers in WORKERS[:2])])
    return table


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--ratings", type=millions, default=[3.2, 32.0], help="millions, such as 3.2,32,320")
    command.add_argument("--workers", default="1,2", help="numbers of workers, such as 1,2")
    command.add_argument("--driver", type=float, default=8, help="GiB, Python and JVM; 8 unless stated")
    command.add_argument("--executors", type=float, default=8, help="GiB of all together; 8 unless stated")
    command.add_argument("--draw", type=int, metavar="USERS", help="only draw so many users, into data/raw")
    given = command.parse_args()
    if given.draw:
        from marquee.simulator.shards import write_shards

        write_json(Path("drawn.json"), {"ratings": write_shards(Path("data/raw"), SHAPE, given.draw, SEED)})
        return
    limits = Limits(given.driver, given.executors)
    table: dict[tuple[str, ...], Row] = {}
    if given.write:
        table = {tuple(row[name] for name in KEY): row for row in read("scale")}
    for size in given.ratings:
        for workers in sorted(map(int, given.workers.split(",")), reverse=True):
            for cells in measure(size, workers, limits):
                row = dict(zip(HEADER, map(str, cells), strict=True))
                table[tuple(row[name] for name in KEY)] = row
            rows = sorted(table.values(), key=lambda row: (int(row["ratings"]), int(row["workers"])))
            publish("scale", HEADER, [[row.get(name, "") for name in HEADER] for row in rows], given.write)
    publish("scale_forecast", FORECAST, forecast(rows), given.write)
    if given.write:
        for name in ("scale", "scale_forecast"):
            measured_tables.write(name)


if __name__ == "__main__":
    try:
        main()
    except MarqueeError as error:
        raise SystemExit(f"scale: {error}") from None
