"""From CSV to negatives beside a peer's least work: `python -m bench.data_pipeline --raw FOLDER --python PATH`.

FOLDER holds ratings.csv and movies.csv of a release of ML-20M's form or later. In turn the peer of
bench/peers/ and our stages run as processes; ours are timed from outside, interpreter and all. Writes
bench/results/data_path.csv: seconds (median, lowest, highest), times the peer's, peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from marquee.errors import MarqueeError
from marquee.io import read_json, write_csv

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("ingest", "split rating", "split ranking", "negatives")
BEYOND = ("candidates rating", "candidates ranking")  # told, and not in the sum
HEADER = ["step", "seconds", "lowest", "highest", "times_peer", "peak_mib"]
Measured = dict[str, list[tuple[float, float]]]  # of each step its (seconds, MiB), one a repeat


def run_peer(peer: str, python: Path, raw: Path, out: Path) -> dict[str, float]:
    """What the peer's script says of its run."""
    script = ROOT / "bench" / "peers" / f"{peer}.py"
    command = [str(python), str(script), "data_path", str(raw), f"out={out}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise MarqueeError(
            f"{peer} failed: {done.stderr.strip()[-500:]}; see that {python} is its environment"
        )
    return json.loads(done.stdout.splitlines()[-1])


def run_stage(stage: str, folder: Path) -> tuple[float, float]:
    """Seconds from start to end and peak memory in MiB of one of our stages, run in `folder`."""
    start = time.perf_counter()
    command = [sys.executable, "-m", *f"stages.{stage}".split()]
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise MarqueeError(f"stage {stage} failed in {folder}; run it there to see why")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def prepare(folder: Path, raw: Path) -> None:
    """What the stages expect to find: the parameters, for a release in CSV, and its files."""
    import yaml

    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings["dataset"]["name"] = "ml-32m"
    (folder / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "data" / "raw").symlink_to(raw.resolve(), target_is_directory=True)


def measure(raw: Path, repeats: int, peer: str, python: Path) -> Measured:
    """Peer and stages in turn, `repeats` times; MarqueeError if they disagree on what there is."""
    measured: Measured = defaultdict(list)
    with TemporaryDirectory(prefix="data-path-") as scratch:
        ours, theirs = Path(scratch, "ours"), Path(scratch, "theirs")
        ours.mkdir()
        theirs.mkdir()
        prepare(ours, raw)
        for _ in range(repeats):
            found = run_peer(peer, python, raw, theirs)
            measured[peer].append((found["seconds"], found["peak_mib"]))
            for stage in (*STAGES, *BEYOND):
                measured[stage].append(run_stage(stage, ours))
            card = read_json(ours / "data" / "dataset.json")
            for name in ("ratings", "users", "items"):
                if card[name] != found[name]:
                    raise MarqueeError(
                        f"{peer} found {found[name]:,} {name}, we {card[name]:,}: not the same work"
                    )
            own = [measured[stage][-1] for stage in STAGES]
            measured["sum"].append((sum(seconds for seconds, _ in own), max(peak for _, peak in own)))
    return measured


def rows(measured: Measured, peer: str) -> list[list[object]]:
    """Of each step a row as HEADER says; `times_peer` is the median of the ratios within a repeat."""
    floor = [seconds for seconds, _ in measured[peer]]
    table: list[list[object]] = []
    for step, runs in measured.items():
        seconds = [second for second, _ in runs]
        times = median(own / least for own, least in zip(seconds, floor, strict=True))
        spread = (median(seconds), min(seconds), max(seconds))
        table.append(
            [step, *(round(s, 2) for s in spread), round(times, 3), round(max(mib for _, mib in runs))]
        )
    return table


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", choices=("polars", "duckdb"), default="polars")
    parser.add_argument("--python", type=Path, required=True, help="of the peer's environment")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "data_path.csv")
    given = parser.parse_args(arguments)
    table = rows(measure(given.raw, given.repeats, given.peer, given.python), given.peer)
    for row in table:
        print("  ".join(str(cell).rjust(18) for cell in row))
    write_csv(given.out, HEADER, table)


if __name__ == "__main__":
    try:
        main()
    except MarqueeError as error:
        raise SystemExit(f"data_path: {error}") from None
