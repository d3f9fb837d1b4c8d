"""Measure each stage of `dvc repro` at 32 million simulated ratings, in a clone of the last commit.

The clone has the preset of ml-32m, five models, and the simulator with ML-32M's numbers and files. It lies in
--work, takes about 8 GB there and is deleted in the end. --write puts seconds and memory into
bench/results/large_run.csv and docs/how-to/large-data.md.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import measured_tables
from bench.output import ROOT, environment, load, parser, publish
from marquee.cli.use import with_settings
from marquee.io import read_text, write_text

MODELS = ("popularity", "ials", "bias", "als_mf", "sgd_mf_biased")
USERS, MOVIES, RATINGS = 200_948, 87_585, 32_000_000  # of ML-32M; its ratings to the nearest million
HEADER = ("stage", "epochs", "seconds", "formula_mib", "peak_mib")
MIB = 1 << 20


def prepare(clone: Path, shrink: int) -> None:
    """Clone the commit and set its parameters; every number of the data is divided by `shrink`."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    _marquee(clone, "use", "ml-32m", "--models", ",".join(MODELS))
    size = {"users": USERS // shrink, "movies": MOVIES // shrink, "ratings": RATINGS // shrink}
    settings: dict[str, Any] = {f"simulator.{key}": value for key, value in size.items()}
    settings |= {"dataset.name": "synthetic-100k", "simulator.format": "ml-32m", "simulator.half_stars": True}
    path = clone / "params.yaml"
    write_text(path, with_settings(read_text(path), settings)[0])


def _marquee(clone: Path, *words: str) -> str:
    command = [sys.executable, "-m", "marquee", *words]
    return subprocess.run(command, cwd=clone, check=True, stdout=subprocess.PIPE, text=True).stdout


def rows(clone: Path) -> list[list[object]]:
    """Make a row of each stage that has run, as `marquee plan` knows it, in the order of the runs."""
    stages = json.loads(_marquee(clone, "plan", "--json"))["stages"]
    ran = sorted((one for one in stages if one["last_ended"]), key=lambda one: one["last_ended"])
    return [
        [
            f"`{one['stage']}`",
            _epochs(clone, one["stage"]),
            round(one["last_seconds"], 1),
            round(one["memory_bytes"] / MIB),
            one["last_peak_mib"],
        ]
        for one in ran
    ]


def _epochs(clone: Path, stage: str) -> int | str:
    """Count the epochs of a training; '' where there are none."""
    kind, _, model = stage.partition("@")
    if kind != "train":
        return ""
    with (clone / f"plots/train/{model}.csv").open(encoding="utf-8") as file:
        n = len(list(csv.reader(file))) - 1
    return n if n > 1 else ""


def main() -> None:
    command = parser(__doc__)
    command.add_argument(
        "--work", type=Path, help="where the clone lies (default: the folder for such files)"
    )
    command.add_argument("--shrink", type=int, default=1, help="divide the data by this, to try the command")
    given = command.parse_args()
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        clone = Path(folder) / "marquee"
        prepare(clone, given.shrink)
        said, busy = load()
        began = time.perf_counter()
        subprocess.run(["dvc", "repro"], cwd=clone, env=environment(), check=True)
        took = time.perf_counter() - began
        found = rows(clone)
    found.append([said, "", busy, "", ""])
    found.append(
        ["all, with DVC", "", round(took, 1), "", max(int(str(row[-1])) for row in found if row[-1])]
    )
    publish("large_run", HEADER, found, given.write)
    if given.write:
        measured_tables.write("large_run")


if __name__ == "__main__":
    main()
