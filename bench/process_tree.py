"""Watch the memory of a stage and of the Spark that it started, and stop it beyond a limit. Linux only."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from marquee.errors import MarqueeError

EVERY = 0.5  # seconds between two looks
GIB = 1 << 20  # KiB


@dataclass(frozen=True)
class Peak:
    """GiB of the driver (the stage and its JVM) and of all executors; shared pages count once."""

    driver: float
    executors: float

    def __str__(self) -> str:
        return f"driver {self.driver:.2f} GiB, executors {self.executors:.2f} GiB"


def watched(process: subprocess.Popen[bytes], limits: Peak) -> Peak:
    """Wait for the end of `process` and return its peaks. Raises MarqueeError where one exceeds `limits`."""
    peak = Peak(0, 0)
    while process.poll() is None:
        now = _now(process.pid)
        peak = Peak(max(peak.driver, now.driver), max(peak.executors, now.executors))
        if peak.driver > limits.driver or peak.executors > limits.executors:
            process.terminate()
            process.wait()
            raise MarqueeError(f"stopped: {peak}, where {limits} are allowed")
        time.sleep(EVERY)
    return peak


def _now(stage: int) -> Peak:
    """Return what the processes hold now: the stage with its child, the JVM, and all below that."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    driver = [stage, *children.get(stage, [])]
    below = [pid for parent in driver[1:] for pid in children.get(parent, [])]
    for pid in below:
        below += children.get(pid, [])
    return Peak(*(sum(map(_held, pids)) / GIB for pids in (driver, below)))


def _processes() -> Iterator[tuple[int, int]]:
    """Yield each process and its parent."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            yield int(folder.name), int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def _held(pid: int) -> int:
    """Return the KiB of a process; of pages that several map, each has its part. 0 once it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
