"""Marquee and its peers in turn on the same rows: what `make bench` runs.

`python -m bench.run [CONTEST ...] [--peer PEER] [--size SIZE] [--dim DIM] [--repeats N]`. Each round fits
every system once, one after the other, each in a process of its own; then each is fitted with its chosen
settings to the end and scored. What is measured is kept in .bench/work and not measured again until the code
of `marquee/` or a setting changes; a run that was broken off goes on there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import sizes, table
from bench.benchmarks import BENCHMARKS, LARGE, Benchmark, Settings, System
from bench.extra_benchmarks import OTHERS
from bench.runner import ROOT, fit, value
from bench.scoring import score
from bench.tuning import DIM, chosen
from marquee.errors import MarqueeError
from marquee.io import read_json, write_json

TIMED = {True: 4, False: 11}  # passes of a round, by whether the data are large; the first warms up


class BenchmarkRun:
    """One contest at one size and dim, and what was measured of it before."""

    def __init__(self, contest: Benchmark, size: str, dim: int) -> None:
        self.contest, self.size, self.dim = contest, size, dim
        self.path = sizes.WORK / "work" / f"{contest.key}-{size}-{dim}.json"
        self.kept: dict[str, Any] = read_json(self.path) if self.path.is_file() else {}
        for entry in self.kept.values():
            entry.pop("failed", None)  # it is tried again

    def entry(self, entrant: System) -> dict[str, Any]:
        """What is kept of `entrant`; of other settings nothing, of other code of ours a peer's accuracy."""
        settings = {**chosen(self.contest, self.size, entrant), "dim": self.dim}
        kept, code = self.kept.get(entrant.name, {}), _code()
        if (kept.get("settings"), kept.get("code")) != (settings, code):
            stays = entrant.peer and kept.get("settings") == settings and "accuracy" in kept
            fresh = {"settings": settings, "code": code, "rounds": []}
            self.kept[entrant.name] = fresh | ({"accuracy": kept["accuracy"]} if stays else {})
        return dict(self.kept[entrant.name])

    def keep(self, entrant: System, **what: object) -> None:
        self.kept[entrant.name] = {**self.entry(entrant), **what}
        write_json(self.path, self.kept)

    def hold(self, entrants: list[System], repeats: int) -> None:
        """Rounds of all `entrants` by turns, then the accuracy of each."""
        folder = sizes.arrays(self.size, self.contest.task)
        for entrant in entrants:
            if "threads" not in self.entry(entrant):
                self.keep(entrant, threads=self._fastest(entrant, folder))
        for number in range(repeats):
            self._round(number, entrants, folder)
        for entrant in entrants:
            entry = self.entry(entrant)
            if "accuracy" not in entry and "failed" not in entry and self.dim == DIM:
                self._accuracy(entrant, entry["settings"], entry["threads"], folder)

    def _round(self, number: int, entrants: list[System], folder: Path) -> None:
        """Ours, then each rival that lacks this round: every ratio is of two fits one after the other."""
        ours, *rivals = entrants
        rivals = [e for e in rivals if len(self.entry(e)["rounds"]) == number < e.rounds]
        rivals = [e for e in rivals if "failed" not in self.entry(e)]
        if not rivals or "failed" in self.entry(ours):
            return
        beside: dict[str, Any] = {}
        for entrant in (ours, *rivals):
            entry = self.entry(entrant)
            settings = {**entry["settings"], "epochs": TIMED[self.size in LARGE]}
            found = fit(entrant, folder, settings, entry["threads"])
            if "failed" in found:
                self._say(entrant, found["failed"])
                self.keep(entrant, failed=found["failed"])
                if entrant is ours:
                    return
                continue
            self._say(entrant, f"{value(self.contest, found):.3f} {self.contest.unit}")
            beside = beside or found
            new = found if entrant is ours else {**found, "ours": beside}
            self.keep(entrant, rounds=[*entry["rounds"], new])

    def _fastest(self, entrant: System, folder: Path) -> int:
        if len(entrant.threads) == 1:
            return entrant.threads[0]
        settings = {**self.entry(entrant)["settings"], "epochs": 3}
        found = {threads: fit(entrant, folder, settings, threads) for threads in entrant.threads}
        took = {n: min(f["seconds"][1:]) for n, f in found.items() if "failed" not in f}
        return min(took, key=lambda n: took[n]) if took else entrant.threads[0]

    def _accuracy(self, entrant: System, settings: Settings, threads: int, folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=sizes.WORK) as room:
            found = fit(entrant, folder, settings, threads, out=Path(room))
            if "failed" in found:
                self._say(entrant, found["failed"])
                self.keep(entrant, failed=found["failed"])
                return
            if any(Path(room).iterdir()):  # who writes no factors is timed only
                reached = score(self.contest.metric, folder, Path(room), ["train", "val"], "test")
                self.keep(entrant, accuracy=round(reached, 5))
                self._say(entrant, f"{self.contest.metric} {reached:.4f}")

    def _say(self, entrant: System, what: str) -> None:
        print(f"{self.contest.key} {self.size} {self.dim}  {entrant.name}: {what}", flush=True)


def _code() -> str:
    """A name of the library as it stands: another one's times are not ours."""
    words = ("git", "rev-parse", "HEAD:marquee")
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def hold(contest: Benchmark, size: str, dim: int, repeats: int, peer: str | None) -> None:
    meeting = BenchmarkRun(contest, size, dim)
    rivals = [e for e in contest.entrants if e.peer and peer in (None, e.peer) and size in e.sizes]
    if dim != DIM:
        rivals = [e for e in rivals if e.rounds > 1]
    if rivals:
        meeting.hold([contest.ours, *rivals], repeats)
        table.add(contest, size, dim, meeting.kept, [entrant.name for entrant in rivals])


def _at(key: str, size: str, wanted: argparse.Namespace) -> None:
    if key in BENCHMARKS:
        for dim in [wanted.dim] if wanted.dim else BENCHMARKS[key].dims:
            hold(BENCHMARKS[key], size, dim, wanted.repeats, wanted.peer)
    else:
        contest, _, peers = OTHERS[key]
        if wanted.peer in (None, *peers):
            contest(size, wanted.repeats, wanted.peer)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    every = [*BENCHMARKS, *OTHERS]
    parser.add_argument("contest", nargs="*", help=f"of {', '.join(every)}; all without any")
    parser.add_argument("--peer", help="against this one alone")
    parser.add_argument("--size", choices=sizes.SIZES)
    parser.add_argument("--dim", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    wanted = parser.parse_args()
    sizes.WORK.mkdir(exist_ok=True)
    for key in wanted.contest or every:
        if key not in every:
            parser.error(f"no contest {key!r}; there are {', '.join(every)}")
        usual = BENCHMARKS[key].sizes if key in BENCHMARKS else OTHERS[key][1]
        for size in [wanted.size] if wanted.size else usual:
            try:
                _at(key, size, wanted)
            except MarqueeError as error:
                print(f"{key} {size}: {error}")
    subprocess.run([sys.executable, "-m", "bench.speed_page"], check=True)


if __name__ == "__main__":
    main()
