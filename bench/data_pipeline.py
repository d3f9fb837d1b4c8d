"""Compare our stages from CSV to negatives with a peer that does the least work.

The folder --raw has ratings.csv and movies.csv in the form of ML-20M or later. The peer's script and our
stages run as processes, by turns; ours are timed from outside, interpreter included. --write puts the
seconds (median, lowest, highest), their ratio to the peer's and the peak memory into
bench/results/data_pipeline.csv, for duckdb into data_pipeline_duckdb.csv.
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

from bench.output import ROOT, environment, parser, publish
from marquee.errors import MarqueeError
from marquee.io import read_json

STAGES = ("ingest", "split rating", "split ranking", "negatives")
NOT_COUNTED = ("candidates rating", "candidates ranking")  # listed, and not in the sum
HEADER = ["step", "seconds", "lowest", "highest", "times_peer", "peak_mib"]
Measured = dict[str, list[tuple[float, float]]]  # step -> (seconds, MiB) of each repeat


def run_peer(peer: str, python: Path, raw: Path, out: Path) -> dict[str, float]:
    """Run the peer's script and parse its report."""
    script = ROOT / "bench" / "peers" / f"{peer}.py"
    command = [str(python), str(script), "data_pipeline", str(raw), f"out={out}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        error = done.stderr.strip()[-500:]
        raise MarqueeError(f"{peer} failed: {error}; check that {python} has bench/peers/{peer}.txt")
    return json.loads(done.stdout.splitlines()[-1])


def run_stage(stage: str, folder: Path) -> tuple[float, float]:
    """Run one of our stages in `folder` and give its seconds and its peak memory in MiB."""
    start = time.perf_counter()
    command = [sys.executable, "-m", *f"stages.{stage}".split()]
    process = subprocess.Popen(command, cwd=folder, env={**environment(), "PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise MarqueeError(f"stage {stage!r} failed on {folder / 'data/raw'}: see its message above")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def prepare(folder: Path, raw: Path) -> None:
    """Make what the stages expect: the parameters for a release in CSV, and its files."""
    import yaml

    (folder / "data").mkdir(parents=True)
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings["dataset"]["name"] = "ml-32m"
    (folder / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "data" / "raw").symlink_to(raw.resolve(), target_is_directory=True)


def measure(raw: Path, repeats: int, peer: str, python: Path) -> Measured:
    """Run peer and stages by turns; MarqueeError if they count different ratings, users or items."""
    measured: Measured = defaultdict(list)
    with TemporaryDirectory(prefix="data-pipeline-") as scratch:
        ours, theirs = Path(scratch, "ours"), Path(scratch, "theirs")
        theirs.mkdir()
        prepare(ours, raw)
        for _ in range(repeats):
            found = run_peer(peer, python, raw, theirs)
            measured[peer].append((found["seconds"], found["peak_mib"]))
            for stage in (*STAGES, *NOT_COUNTED):
                measured[stage].append(run_stage(stage, ours))
            card = read_json(ours / "data" / "dataset.json")
            for name in ("ratings", "users", "items"):
                if card[name] != found[name]:
                    raise MarqueeError(
                        f"{peer} counts {found[name]:,} {name} in {raw}, our stages {card[name]:,}: "
                        "use a release without malformed rows or duplicates"
                    )
            own = [measured[stage][-1] for stage in STAGES]
            measured["sum"].append((sum(seconds for seconds, _ in own), max(peak for _, peak in own)))
    return measured


def rows(measured: Measured, peer: str) -> list[list[object]]:
    """Make a row of each step; `times_peer` is the median of the repeats' ratios."""
    least = [seconds for seconds, _ in measured[peer]]
    table: list[list[object]] = []
    for step, runs in measured.items():
        seconds = [second for second, _ in runs]
        ratio = median(own / theirs for own, theirs in zip(seconds, least, strict=True))
        figures = (round(s, 2) for s in (median(seconds), min(seconds), max(seconds)))
        table.append([step, *figures, round(ratio, 3), round(max(mib for _, mib in runs))])
    return table


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--raw", type=Path, required=True)
    command.add_argument("--repeats", type=int, default=3)
    command.add_argument("--peer", choices=("polars", "duckdb"), default="polars")
    command.add_argument(
        "--python", type=Path, required=True, help="the interpreter of the peer's environment"
    )
    given = command.parse_args()
    table = rows(measure(given.raw, given.repeats, given.peer, given.python), given.peer)
    name = "data_pipeline" if given.peer == "polars" else f"data_pipeline_{given.peer}"
    publish(name, HEADER, table, given.write)


if __name__ == "__main__":
    try:
        main()
    except MarqueeError as error:
        raise SystemExit(f"data_pipeline: {error}") from None
