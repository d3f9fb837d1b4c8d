"""Choose the settings of each system on validation rows.

Every system tries its declared grid, or the one that is given, or with --top the best settings of the
nearest size that was tuned. Each trial is a line. --write appends it to bench/results/tuning.csv, where a
trial is made once, and renders docs/speed.md; without it trials are printed only.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from bench import sizes
from bench.benchmarks import BENCHMARKS, Benchmark, Settings, System
from bench.output import Row, parser, publish, read
from bench.runner import fit
from bench.scoring import score

TABLE = "tuning"
HEADER = ["benchmark", "size", "system", "settings", "validation"]
DIM = 64


def trials(benchmark: Benchmark, system: System) -> list[Row]:
    """Read the trials of `system`, in the order in which they were made."""
    return [row for row in read(TABLE) if (row["benchmark"], row["system"]) == (benchmark.key, system.name)]


def chosen(benchmark: Benchmark, size: str, system: System) -> Settings:
    """Give the best settings on validation at the nearest tuned size; untuned, the first of the grid."""
    pairs = [(known, one) for known in (benchmark, *BENCHMARKS.values()) for one in known.systems]
    of, other = next((pair for pair in pairs if pair[1].name == system.like), (benchmark, system))
    found = ranked(of, size, other) or other.candidates()
    return {**system.fixed, **found[0]}


def ranked(benchmark: Benchmark, size: str, system: System) -> list[Settings]:
    """List the settings tried at `size` or, if there are none, at the nearest tuned size; the best first."""
    rows = [row for row in trials(benchmark, system) if row["validation"] != "nan"]
    near = min({row["size"] for row in rows}, key=lambda other: (_distance(size, other), other), default="")
    best = [row for row in rows if row["size"] == near]
    sign = 1 if benchmark.metric == "rmse" else -1
    return [
        json.loads(row["settings"]) for row in sorted(best, key=lambda row: sign * float(row["validation"]))
    ]


def _distance(size: str, other: str) -> tuple[bool, float]:
    """Order sizes: the same kind first (simulated data say little of real data), then by magnitude."""
    ratio = sizes.count(size) / sizes.count(other)
    return (size in sizes.REAL) != (other in sizes.REAL), abs(math.log(ratio))


def grid(words: Sequence[str]) -> list[Settings]:
    """List every point of the grid `key=v,v key=v ...`."""
    values = {key: json.loads(f"[{text}]") for key, _, text in (word.partition("=") for word in words)}
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]


def tune(
    benchmark: Benchmark,
    size: str,
    system: System,
    candidates: Sequence[Settings],
    threads: int = 1,
    write: bool = False,
) -> None:
    folder = sizes.arrays(size, benchmark.task)
    known = {(row["size"], row["settings"]) for row in trials(benchmark, system)}
    for settings in candidates:
        text = json.dumps(settings)
        if (size, text) in known:
            continue
        with tempfile.TemporaryDirectory(dir=sizes.WORK) as out:
            whole = {**system.fixed, **settings, "dim": DIM}
            found = fit(system, folder, whole, threads, "train", Path(out))
            if "failed" in found:
                print(f"{system.name} {text}: {found['failed']}", flush=True)
                continue
            reached = score(benchmark.metric, folder, Path(out), ["train"], "val", some=True)
        print(f"{size} {system.name} {text}: {reached:.4f}, {sum(found['seconds']):.1f} s", flush=True)
        row = [benchmark.key, size, system.name, text, f"{reached:.5f}"]
        if write:
            publish(TABLE, HEADER, [*(list(r.values()) for r in read(TABLE)), row], write)


def main() -> None:
    command = parser(__doc__)
    command.add_argument("benchmark", choices=BENCHMARKS)
    command.add_argument("size", choices=sizes.SIZES)
    command.add_argument("grid", nargs="*", help="instead of the declared one: regularization=0.01,0.03 ...")
    command.add_argument("--peer", help="only this peer; `marquee` for ours")
    command.add_argument("--top", type=int, help="only so many of the best settings of the nearest size")
    command.add_argument("--threads", type=int, default=1)
    given = command.parse_args()
    benchmark = BENCHMARKS[given.benchmark]
    for system in benchmark.systems:
        if system.grid and given.size in system.sizes and given.peer in (None, system.peer or "marquee"):
            candidates = grid(given.grid) if given.grid else system.candidates()
            if given.top:
                candidates = (ranked(benchmark, given.size, system) or candidates)[: given.top]
            tune(benchmark, given.size, system, candidates, given.threads, given.write)
    if given.write:
        from bench import speed_page  # which shows the trials, and so imports this module

        speed_page.write()


if __name__ == "__main__":
    main()
