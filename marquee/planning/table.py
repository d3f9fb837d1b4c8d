"""The plan as text: a line for each stage, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marquee.planning.limits import GIB, Limit
from marquee.planning.memory import Peak, too_much
from marquee.planning.prediction import Planned
from marquee.planning.sizes import Extent


def text(
    plan: Sequence[Planned], start: float, real: Extent, needs: Mapping[str, Peak], limit: Limit | None
) -> str:
    """`start` is what lies between two stages, in seconds; `needs` is each stage's peak."""
    lines = [f"{'stage':<26}{'time':>12}{'memory':>12}{'disk':>12}"]
    for row in plan:
        lines.append(
            f"{row.stage:<26}{_time(row.seconds[0]):>12}{_bytes(row.memory):>12}{_bytes(row.disk):>12}"
            + (f"  at most: {row.epochs} epochs of {_time(row.epoch[0])}" if row.epochs else "")
        )
    between = start * len(plan)
    lines.append(f"{f'{len(plan)} starts of Python, DVC':<26}{_time(between):>12}")
    total = between + sum(row.seconds[0] for row in plan)
    most, disk = max(row.memory for row in plan), sum(row.disk for row in plan)
    lines.append(f"{'in all':<26}{_time(total):>12}{_bytes(most):>12}{_bytes(disk):>12}")
    lines += [
        "",
        f"{real.ratings:,} ratings of {real.users:,} users and {real.items:,} items.",
        "DVC's cache takes as much disk again.",
    ]
    if not real.simulated:
        lines.append(f"A download is {_bytes(real.zip)} and takes what the network takes, on top of this.")
    if limit:
        lines.append(f"Memory: {limit.words}.")
    refused = [
        f"{row.stage} {line}"
        for row in plan
        if (line := too_much(needs[row.stage], row.memory - needs[row.stage].bytes, real, limit))
    ]
    return "\n".join([*lines, *refused]) + "\n"


def _time(seconds: float) -> str:
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _bytes(count: float) -> str:
    return f"{count / GIB:.2f} GiB" if count >= GIB / 10 else f"{count / 2**20:.1f} MiB"
