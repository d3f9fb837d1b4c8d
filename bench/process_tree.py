"""Watch the memory and the processor time of a stage and of the Spark that it started. Linux only."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from marquee.errors import MarqueeError

EVERY = 0.5  # seconds between two looks
GIB = 1 << 20  # KiB
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Limits:
    """GiB that the driver (the stage and its JVM) and all executors together may hold."""

    driver: float
    executors: float


@dataclass(frozen=True)
class Usage:
    """What a stage took: GiB at the peak, with shared pages counted once, and seconds of processors."""

    driver: float = 0
    executors: float = 0
    processor_seconds: float = 0  # of driver and executors
    executor_seconds: float = 0  # of the executors alone

    def __str__(self) -> str:
        held = f"driver {self.driver:.2f} GiB, executors {self.executors:.2f} GiB"
        return f"{held}, {self.processor_seconds:.0f} s of processor time"


def watched(process: subprocess.Popen[bytes], limits: Limits) -> Usage:
    """Wait for the end of `process`. Raises MarqueeError, and ends it, where it exceeds `limits`."""
    driver = executors = 0.0
    spent: dict[int, float] = {}  # seconds by process, as last seen
    workers: set[int] = set()  # processes of executors
    while process.poll() is None:
        own, below = _tree(process.pid, spent)
        workers.update(below)
        driver = max(driver, sum(map(_held, own)) / GIB)
        executors = max(executors, sum(map(_held, below)) / GIB)
        if driver > limits.driver or executors > limits.executors:
            process.terminate()
            process.wait()
            raise MarqueeError(f"stopped at {Usage(driver, executors)}, where {limits} are allowed")
        time.sleep(EVERY)
    return Usage(driver, executors, sum(spent.values()), sum(spent.get(pid, 0) for pid in workers))


def _tree(stage: int, spent: dict[int, float]) -> tuple[list[int], list[int]]:
    """Return the stage with its child, the JVM, and all processes below that; note the seconds of each."""
    children: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            children.setdefault(int(words[1]), []).append(int(folder.name))
            seconds[int(folder.name)] = (int(words[11]) + int(words[12])) / TICKS
    driver = [stage, *children.get(stage, [])]
    below = [pid for parent in driver[1:] for pid in children.get(parent, [])]
    for pid in below:
        below += children.get(pid, [])
    spent |= {pid: seconds[pid] for pid in (*driver, *below) if pid in seconds}
    return driver, below


def _held(pid: int) -> int:
    """Return the KiB of a process; of pages that several map, each has its part. 0 once it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
