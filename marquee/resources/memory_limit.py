"""How much memory is available: what the user allows, or what the machine and its container have left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from marquee.errors import MarqueeError

VARIABLE = "MARQUEE_MEMORY"  # GiB; no parameter, because no result depends on it
GIB = 1 << 30


@dataclass(frozen=True)
class Limit:
    """The bytes that a process may hold, and in words where that limit comes from."""

    bytes: float
    words: str


def memory_limit(root: Path = Path("/")) -> Limit | None:
    """Return the limit; None on a system without /proc where MARQUEE_MEMORY is not set. `root` is for tests.

    The machine has MemAvailable, or less where a control group (version 1 or 2) allows less. A group's limit
    counts the pages of files that it has read, which the kernel frees on demand; they are left out.
    """
    if text := os.environ.get(VARIABLE):
        try:
            allowed = float(text)
        except ValueError:
            allowed = 0.0
        if not allowed > 0:
            raise MarqueeError(f"{VARIABLE} is {text!r}, but must be a number of GiB above 0")
        return Limit(allowed * GIB, f"{VARIABLE} allows {allowed:g} GiB")
    left = [bytes for bytes in (_machine(root), _group_2(root), _group_1(root)) if bytes is not None]
    return Limit(min(left), f"{min(left) / GIB:.1f} GiB are available") if left else None


def _machine(root: Path) -> int | None:
    found = _table(root / "proc/meminfo").get("MemAvailable:")
    return None if found is None else found * 1024


def _group_2(root: Path) -> int | None:
    folder = root / "sys/fs/cgroup"
    stat = _table(folder / "memory.stat")
    return _left(folder / "memory.max", folder / "memory.current", stat.get("inactive_file", 0))


def _group_1(root: Path) -> int | None:
    folder = root / "sys/fs/cgroup/memory"
    stat = _table(folder / "memory.stat")
    limit, used = folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes"
    return _left(limit, used, stat.get("total_inactive_file", 0))


def _left(limit: Path, used: Path, files: int) -> int | None:
    try:
        allowed, taken = limit.read_text().strip(), used.read_text().strip()
    except OSError:
        return None
    return int(allowed) - int(taken) + files if allowed.isdecimal() and taken.isdecimal() else None


def _table(path: Path) -> dict[str, int]:
    """Return the numbers of a file of `name number` lines; empty without such a file."""
    try:
        rows = (line.split() for line in path.read_text().splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}
    except OSError:
        return {}
