"""Run Marquee and its peers by turns on the same rows: what `make bench` does.

Each round fits every system once, one after the other, each in a process of its own. Then each system is
fitted with its chosen settings to the end and scored. Measurements are kept in .bench/work until the code of
marquee/ or a setting changes, so a run that was broken off goes on there. --write puts them into
bench/results/*.csv, docs/speed.md and its figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import sizes, table
from bench.benchmarks import BENCHMARKS, LARGE, Benchmark, System
from bench.extra_benchmarks import EXTRA
from bench.output import ROOT, parser
from bench.runner import fit, value
from bench.scoring import score
from bench.tuning import DIM, chosen
from marquee.errors import MarqueeError
from marquee.io import read_json, write_json

TIMED = {True: 4, False: 11}  # epochs of a round, by whether the data are large; the first warms up


class BenchmarkRun:
    """One benchmark at one size and dim, with what was measured of it before."""

    def __init__(self, benchmark: Benchmark, size: str, dim: int) -> None:
        self.benchmark, self.size, self.dim = benchmark, size, dim
        self.path = sizes.WORK / "work" / f"{benchmark.key}-{size}-{dim}.json"
        self.kept: dict[str, Any] = read_json(self.path) if self.path.is_file() else {}
        for entry in self.kept.values():
            entry.pop("failed", None)  # it is tried again

    def entry(self, system: System) -> dict[str, Any]:
        """Give what is kept of `system` under its settings; a peer's accuracy outlives our code."""
        settings = {**chosen(self.benchmark, self.size, system), "dim": self.dim}
        kept, code = self.kept.get(system.name, {}), _code()
        if (kept.get("settings"), kept.get("code")) != (settings, code):
            stays = system.peer and kept.get("settings") == settings and "accuracy" in kept
            fresh = {"settings": settings, "code": code, "rounds": []}
            self.kept[system.name] = fresh | ({"accuracy": kept["accuracy"]} if stays else {})
        return dict(self.kept[system.name])

    def keep(self, system: System, **what: object) -> None:
        self.kept[system.name] = {**self.entry(system), **what}
        write_json(self.path, self.kept)

    def run(self, systems: Sequence[System], repeats: int) -> None:
        """Run rounds of all `systems` by turns, then score each."""
        folder = sizes.arrays(self.size, self.benchmark.task)
        for system in systems:
            if "threads" not in self.entry(system):
                self.keep(system, threads=self._fastest(system, folder))
        for number in range(repeats):
            self._round(number, systems, folder)
        for system in systems:
            entry = self.entry(system)
            if "accuracy" not in entry and "failed" not in entry and self.dim == DIM:
                self._score(system, folder)

    def _round(self, number: int, systems: Sequence[System], folder: Path) -> None:
        """Fit ours, then each peer that lacks this round: every ratio is of two fits in a row."""
        ours, *rivals = systems
        rivals = [s for s in rivals if len(self.entry(s)["rounds"]) == number < s.rounds]
        rivals = [s for s in rivals if "failed" not in self.entry(s)]
        if not rivals or "failed" in self.entry(ours):
            return
        beside: dict[str, Any] = {}
        for system in (ours, *rivals):
            entry = self.entry(system)
            found = self._fit(system, folder, epochs=TIMED[self.size in LARGE])
            if found is None:
                if system is ours:
                    return
                continue
            self._print(system, f"{value(self.benchmark, found):.3f} {self.benchmark.unit}")
            beside = beside or found
            new = found if system is ours else {**found, "ours": beside}
            self.keep(system, rounds=[*entry["rounds"], new])

    def _fit(
        self, system: System, folder: Path, out: Path | None = None, **changed: object
    ) -> dict[str, Any] | None:
        """Fit `system`; None, and its error kept, if that failed."""
        entry = self.entry(system)
        found = fit(system, folder, {**entry["settings"], **changed}, entry["threads"], out=out)
        if "failed" not in found:
            return found
        self._print(system, found["failed"])
        self.keep(system, failed=found["failed"])
        return None

    def _fastest(self, system: System, folder: Path) -> int:
        if len(system.threads) == 1:
            return system.threads[0]
        settings = {**self.entry(system)["settings"], "epochs": 3}
        found = {threads: fit(system, folder, settings, threads) for threads in system.threads}
        took = {n: min(f["seconds"][1:]) for n, f in found.items() if "failed" not in f}
        return min(took, key=lambda n: took[n]) if took else system.threads[0]

    def _score(self, system: System, folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=sizes.WORK) as out:
            found = self._fit(system, folder, Path(out))
            if found and any(Path(out).iterdir()):  # a system that writes no factors is only timed
                reached = score(self.benchmark.metric, folder, Path(out), ["train", "val"], "test")
                self.keep(system, accuracy=round(reached, 5))
                self._print(system, f"{self.benchmark.metric} {reached:.4f}")

    def _print(self, system: System, what: str) -> None:
        print(f"{self.benchmark.key} {self.size} {self.dim}  {system.name}: {what}", flush=True)


def _code() -> str:
    """Name the committed library: the times of another one are not ours."""
    words = ("git", "rev-parse", "HEAD:marquee")
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def measure(
    benchmark: Benchmark, size: str, dim: int, repeats: int, peer: str | None, write: bool = False
) -> None:
    """Run `benchmark` at a size and dim, and print its rows or put them into its table."""
    run = BenchmarkRun(benchmark, size, dim)
    rivals = [s for s in benchmark.systems if s.peer and peer in (None, s.peer) and size in s.sizes]
    if dim != DIM:
        rivals = [s for s in rivals if s.rounds > 1]
    if rivals:
        run.run([benchmark.ours, *rivals], repeats)
        table.add(benchmark, size, dim, run.kept, [system.name for system in rivals], write)


def _at(key: str, size: str, given: argparse.Namespace) -> None:
    if key in BENCHMARKS:
        for dim in [given.dim] if given.dim else BENCHMARKS[key].dims:
            measure(BENCHMARKS[key], size, dim, given.repeats, given.peer, given.write)
    elif given.peer in (None, *EXTRA[key].peers):
        for module, *words in EXTRA[key].commands(size, given.repeats, given.peer):
            command = [sys.executable, "-m", f"bench.{module}", *map(str, words), *["--write"] * given.write]
            done = subprocess.run(command, cwd=ROOT)
            if done.returncode:
                print(f"{module} ended with {done.returncode}: see its message above")


def main() -> None:
    command = parser(__doc__)
    every: dict[str, Any] = {**BENCHMARKS, **EXTRA}
    command.add_argument("benchmark", nargs="*", help=f"{', '.join(every)}; default: all")
    command.add_argument("--peer", help="only this peer")
    command.add_argument("--size", choices=sizes.SIZES)
    command.add_argument("--dim", type=int)
    command.add_argument("--repeats", type=int, default=3)
    given = command.parse_args()
    for key in given.benchmark:
        if key not in every:
            command.error(f"no benchmark is named {key!r}: choose from {', '.join(every)}")
    sizes.WORK.mkdir(exist_ok=True)
    for key in given.benchmark or every:
        for size in [given.size] if given.size else every[key].sizes:
            try:
                _at(key, size, given)
            except MarqueeError as error:
                print(f"{key} {size}: {error}")
    if given.write:
        subprocess.run([sys.executable, "-m", "bench.speed_page", "--write"], check=True)


if __name__ == "__main__":
    main()
