"""Compare the data stages on Spark with the same stages on threads, and say where the difference goes.

The data are simulated in the shape of --size, a name of bench/sizes.py. Each stage runs as a process, once on
threads and once on Spark by turns, --repeats times; both must write the same bytes. --write puts medians in
bench/results/engine_overhead.csv: seconds of the process on either, their ratio, and of Spark's seconds those
to start it, to send what tasks share, to run the jobs with their results, and to take the results.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import measured_tables
from bench.data_pipeline import NOT_COUNTED, STAGES, prepare
from bench.output import ROOT, environment, parser, publish
from bench.sizes import SIMULATED, raw
from marquee.errors import MarqueeError
from marquee.io import sha256

ENGINES = ("local", "spark")
PARTS = ("start", "send", "run", "take")
HEADER = ["step", "threads", "spark", "times", *PARTS, "spark_without_start", "times_without_start"]
Found = dict[str, float]  # seconds of a process, and of the engine's parts in it


def run_stage(stage: str, folder: Path, engine: str) -> Found:
    """Run a stage in `folder`, and give the seconds of the process and those that the engine logged."""
    start = time.perf_counter()
    command = [sys.executable, "-m", *f"stages.{stage}".split()]
    settings = {**environment(), "PYTHONPATH": str(ROOT), "MARQUEE_ENGINE": engine}
    done = subprocess.run(command, cwd=folder, env=settings, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise MarqueeError(f"stage {stage!r} failed on {engine}: see its message above")
    last = (folder / "logs/stages.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    return {"seconds": seconds, **dict.fromkeys(PARTS, 0.0), **json.loads(last).get("spark", {})}


def written(folder: Path) -> dict[str, str]:
    files = [
        path for path in sorted((folder / "data").rglob("*")) if path.is_file() and "raw" not in path.parts
    ]
    return {str(path.relative_to(folder)): sha256(path) for path in files}


def measure(size: str, repeats: int) -> dict[tuple[str, str], list[Found]]:
    """Run all stages on both engines by turns; MarqueeError if one writes other bytes than the other."""
    found = defaultdict(list)
    with TemporaryDirectory(prefix="engine-overhead-") as scratch:
        folders = {engine: Path(scratch, engine) for engine in ENGINES}
        for folder in folders.values():
            prepare(folder, raw(size))
        for _ in range(repeats):
            for stage in (*STAGES, *NOT_COUNTED):
                for engine, folder in folders.items():
                    found[stage, engine].append(run_stage(stage, folder, engine))
                    print(stage, engine, found[stage, engine][-1], file=sys.stderr, flush=True)
            local, spark = (written(folder) for folder in folders.values())
            if local != spark:
                other = [name for name in local if local[name] != spark.get(name)]
                raise MarqueeError(f"Spark wrote other bytes than threads: {', '.join(other)}")
    return found


def rows(found: dict[tuple[str, str], list[Found]]) -> list[list[object]]:
    """Make a row of each stage, and one of their sum."""
    steps = [*STAGES, *NOT_COUNTED]
    table: dict[str, list[float]] = {}
    for step in steps:
        threads = median(run["seconds"] for run in found[step, "local"])
        spark = [median(run[part] for run in found[step, "spark"]) for part in ("seconds", *PARTS)]
        table[step] = [threads, *spark]
    table["sum"] = [sum(column) for column in zip(*table.values(), strict=True)]
    made: list[list[object]] = []
    for step, (threads, spark, *parts) in table.items():
        without = spark - parts[0]
        cells = [threads, spark, spark / threads, *parts, without, without / threads]
        made.append([step, *(round(cell, 2) for cell in cells)])
    return made


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--size", choices=tuple(SIMULATED), default="32M")
    command.add_argument("--repeats", type=int, default=1)
    given = command.parse_args()
    os.environ.setdefault("MARQUEE_SPARK_MASTER", "local[2]")
    publish("engine_overhead", HEADER, rows(measure(given.size, given.repeats)), given.write)
    if given.write:
        measured_tables.write("engine_overhead")


if __name__ == "__main__":
    try:
        main()
    except MarqueeError as error:
        raise SystemExit(f"engine_overhead: {error}") from None
