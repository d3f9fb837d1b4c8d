"""Settings chosen on validation rows: `python -m bench.tuning CONTEST SIZE [KEY=V,V ...] [--peer PEER]`.

Every system tries its whole declared grid, or the one that is given (another size has its best elsewhere), or
with --top the best N settings of the nearest size that was tuned. Each trial is a line of
bench/results/tuning.csv; trials that are there are not made again.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from bench import sizes
from bench.benchmarks import BENCHMARKS, Benchmark, Settings, System
from bench.runner import ROOT, fit
from bench.scoring import score
from marquee.io import write_csv

TABLE = ROOT / "bench/results/tuning.csv"
HEADER = ["contest", "size", "system", "settings", "validation"]
DIM = 64
Trial = dict[str, str]


def trials() -> list[Trial]:
    if not TABLE.is_file():
        return []
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def chosen(contest: Benchmark, size: str, entrant: System) -> Settings:
    """What was best on validation at `size`, or at the nearest size; the first of the grid if nothing was."""
    other = next((e for e in contest.entrants if e.name == entrant.like), entrant)
    found = ranked(contest, size, other) or other.candidates()
    return {**entrant.fixed, **found[0]}


def ranked(contest: Benchmark, size: str, entrant: System) -> list[Settings]:
    """The settings tried at `size` or, where none were, at the nearest size of its kind; the best first."""
    rows = [row for row in trials() if (row["contest"], row["system"]) == (contest.key, entrant.name)]
    tuned = {row["size"] for row in rows if row["validation"] != "nan"}
    near = sorted(tuned, key=lambda other: (_distance(size, other), other))
    best = [row for row in rows if near and row["size"] == near[0] and row["validation"] != "nan"]
    sign = 1 if contest.metric == "rmse" else -1
    return [
        json.loads(row["settings"]) for row in sorted(best, key=lambda row: sign * float(row["validation"]))
    ]


def _distance(size: str, other: str) -> tuple[bool, float]:
    """Simulated data say little of real ones; else in orders of magnitude."""
    ratio = sizes.count(size) / sizes.count(other)
    return (size in sizes.REAL) != (other in sizes.REAL), abs(math.log(ratio))


def given(words: Sequence[str]) -> list[Settings]:
    """Every point of the grid `key=v,v key=v ...`."""
    grid = {key: json.loads(f"[{values}]") for key, _, values in (word.partition("=") for word in words)}
    return [dict(zip(grid, point, strict=True)) for point in product(*grid.values())]


def tune(
    contest: Benchmark, size: str, entrant: System, candidates: Sequence[Settings], threads: int = 1
) -> None:
    folder = sizes.arrays(size, contest.task)
    known = {(row["size"], row["settings"]) for row in trials() if _is(row, contest, entrant)}
    for settings in candidates:
        told = json.dumps(settings)
        if (size, told) in known:
            continue
        with tempfile.TemporaryDirectory(dir=sizes.WORK) as room:
            whole = {**entrant.fixed, **settings, "dim": DIM}
            found = fit(entrant, folder, whole, threads, "train", Path(room))
            if "failed" in found:
                print(f"{entrant.name} {told}: {found['failed']}", flush=True)
                continue
            reached = score(contest.metric, folder, Path(room), ["train"], "val", some=True)
        print(f"{size} {entrant.name} {told}: {reached:.4f}, {sum(found['seconds']):.1f} s", flush=True)
        row = [contest.key, size, entrant.name, told, f"{reached:.5f}"]
        write_csv(TABLE, HEADER, [*[[r[name] for name in HEADER] for r in trials()], row])


def _is(row: Trial, contest: Benchmark, entrant: System) -> bool:
    return (row["contest"], row["system"]) == (contest.key, entrant.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("contest", choices=BENCHMARKS)
    parser.add_argument("size", choices=sizes.SIZES)
    parser.add_argument("grid", nargs="*", help="instead of the declared one: regularization=0.01,0.03 ...")
    parser.add_argument("--peer", help="of these alone, `marquee` for ours")
    parser.add_argument("--top", type=int)
    parser.add_argument("--threads", type=int, default=1)
    wanted = parser.parse_args()
    contest = BENCHMARKS[wanted.contest]
    for entrant in contest.entrants:
        if entrant.grid and wanted.size in entrant.sizes and wanted.peer in (None, entrant.peer or "marquee"):
            candidates = given(wanted.grid) if wanted.grid else entrant.candidates()
            if wanted.top:
                candidates = (ranked(contest, wanted.size, entrant) or candidates)[: wanted.top]
            tune(contest, wanted.size, entrant, candidates, wanted.threads)
    from bench import speed_page  # which shows the trials, and so imports this module

    speed_page.main()


if __name__ == "__main__":
    main()
