"""Run the pipeline's stages on every kind of Spark with DVC, and require the `dvc.lock` of a run on threads.

A fresh clone of the committed state runs, on threads, all stages that Spark can run and what they depend on:
of the default data, or of --release in the folder --source. Then `dvc repro --force` runs the former again on
Spark, for every master and number of partitions, or for --masters. --write puts a row of each run into
bench/results/engine_lock.csv, in place of an earlier one. The bytes are what counts: other load does no harm.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench import measured_tables
from bench.output import ROOT, environment, parser, publish, read
from marquee import config
from marquee.errors import MarqueeError

MASTERS = ("local[1]", "local[2]", "local-cluster[2,1,2048]")
PARTITIONS = (1, 3, 7)
HEADER = ("data", "master", "partitions", "stages", "seconds")


def targets(clone: Path) -> list[str]:
    """Return the names of all stages that Spark can run, in the order of the pipeline."""
    from stages._engine import runs_on_spark

    params = config.read(clone / "params.yaml")
    tasks, models = ([f"@{name}" for name in names] for names in (params.tasks, params.models))
    made_for = {"ingest": [""], "split": tasks, "negatives": [""], "candidates": tasks}
    made_for |= {"train": models, "evaluate": models}
    every = [f"{stage}{name}" for stage, names in made_for.items() for name in names]
    return [stage for stage in every if runs_on_spark(stage, params)]


def run(clone: Path, *command: str, **variables: str) -> None:
    """Run a command of the clone. Raises MarqueeError where it fails."""
    settings = {**environment(), "PYTHONPATH": str(clone), **variables}
    done = subprocess.run(command, cwd=clone, env=settings, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise MarqueeError(f"{' '.join(command)} failed: see its message above")


def measure(release: str, source: str, masters: Sequence[str]) -> list[list[Any]]:
    """Return a row of each run on Spark."""
    data, rows = release or "default", []
    with TemporaryDirectory(prefix="engine-lock-") as scratch:
        clone = Path(scratch, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        if release:
            run(clone, sys.executable, "-m", "marquee", "use", release, "--source", source, "--models", "all")
        stages, lock = targets(clone), clone / "dvc.lock"
        lock.unlink()
        run(clone, "dvc", "repro", *stages, MARQUEE_ENGINE="local")
        local = lock.read_bytes()
        again = ("dvc", "repro", "--force", "--no-run-cache", "--single-item", *stages)
        for master, partitions in product(masters, PARTITIONS):
            chosen = {"MARQUEE_SPARK_MASTER": master, "MARQUEE_SPARK_PARTITIONS": str(partitions)}
            start = time.perf_counter()
            run(clone, *again, MARQUEE_ENGINE="spark", **chosen)
            rows.append([data, master, partitions, len(stages), round(time.perf_counter() - start)])
            print(*rows[-1], file=sys.stderr, flush=True)
            if lock.read_bytes() != local:
                old, new = (yaml.safe_load(text)["stages"] for text in (local, lock.read_bytes()))
                names = ", ".join(name for name in old if old[name] != new[name])
                raise MarqueeError(f"another lock on {master} with {partitions} partitions: {names}")
    return rows


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--release", default="", help="such as ml-1m; the default data unless stated")
    command.add_argument("--source", default=os.environ.get("MARQUEE_DATA", ""), help="where it lies")
    command.add_argument("--masters", nargs="+", default=MASTERS, help="such as local[1]")
    given = command.parse_args()
    rows = {tuple(row.values())[:3]: list(row.values()) for row in read("engine_lock") if given.write}
    for row in measure(given.release, given.source, given.masters):
        rows[row[0], row[1], str(row[2])] = row
    publish("engine_lock", HEADER, list(rows.values()), given.write)
    if given.write:
        measured_tables.write("engine_lock")


if __name__ == "__main__":
    try:
        main()
    except MarqueeError as error:
        raise SystemExit(f"engine_lock: {error}") from None
