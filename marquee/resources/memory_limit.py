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
    machine = _table(root / "proc/meminfo").get("MemAvailable:")
    group = root / "sys/fs/cgroup"
    found = (
        None if machine is None else machine * 1024,
        _group(group, "memory.max", "memory.current", "inactive_file"),
        _group(group / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    )
    left = [bytes for bytes in found if bytes is not None]
    return Limit(min(left), f"{min(left) / GIB:.1f} GiB are available") if left else None


def _group(folder: Path, limit: str, used: str, files: str) -> int | None:
    """Return what a control group has left, by the names of its files and of a row of its statistics."""
    try:
        allowed, taken = (folder / limit).read_text().strip(), (folder / used).read_text().strip()
    except OSError:
        return None
    if not (allowed.isdecimal() and taken.isdecimal()):
        return None
    return int(allowed) - int(taken) + _table(folder / "memory.stat").get(files, 0)


def _table(path: Path) -> dict[str, int]:
    """Return the numbers of a file of `name number` lines; empty without such a file."""
    try:
        rows = (line.split() for line in path.read_text().splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}
    except OSError:
        return {}
