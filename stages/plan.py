"""`python -m stages.plan [--fresh]`: what a run will take, stage by stage, before it runs.

Time by a rehearsal in small worlds (kept in logs/rehearsal.json until machine, code or parameters change, or
`--fresh`), memory and disk by formulas. Nothing of the pipeline's own files is touched.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from marquee.foundation.artifacts import read_json, write_json
from marquee.foundation.errors import MarqueeError
from marquee.planning.limits import memory_limit
from marquee.planning.memory import peak
from marquee.planning.prediction import Planned, Timings, planned
from marquee.planning.rehearsal import key, rehearse, starting
from marquee.planning.sizes import Extent
from marquee.planning.table import text
from marquee.planning.worlds import small_worlds
from stages import run
from stages.foresight import known

ROOT = Path(__file__).parents[1]
KEPT = Path("logs/rehearsal.json")


def main(settings: dict[str, Any], *words: str) -> None:
    if wrong := set(words).difference(["--fresh"]):
        raise MarqueeError(f"{min(wrong)} is unknown here; use: python -m stages.plan [--fresh]")
    plan, start, real = plan_of(settings, fresh=bool(words))
    needs = {row.stage: peak(row.stage, settings, real) for row in plan}
    sys.stdout.write(text(plan, start, real, needs, memory_limit()))


def plan_of(settings: dict[str, Any], fresh: bool = False) -> tuple[list[Planned], float, Extent]:
    """The stages, the seconds between two of them, and the sizes of the data."""
    real = known(settings)
    worlds, small = small_worlds(settings, real)
    name = key(worlds, ROOT)
    kept = read_json(KEPT) if KEPT.is_file() and not fresh else {}
    if kept.get("key") != name:
        print("rehearsing in small worlds ...", file=sys.stderr)
        with TemporaryDirectory(prefix="marquee-plan-") as folder:
            rows = rehearse(worlds, small, ROOT, Path(folder))
        kept = {"key": name, "rows": rows, "start": starting(ROOT)}
        write_json(KEPT, kept)
    return planned(settings, real, small, Timings.of(kept["rows"])), kept["start"], real


if __name__ == "__main__":
    run(main)
