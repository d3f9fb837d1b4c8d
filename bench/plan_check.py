"""The plan beside what was measured: `python -m bench.plan_check`, where a run has left logs/stages.jsonl.

A fit is held against the plan for as many epochs as it took. Both sides are times of a quiet machine: the
clock's, or the processor's where that is less.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from marquee.foundation import params
from marquee.planning.prediction import Planned, quiet
from stages.plan import plan_of

LOG = Path("logs/stages.jsonl")
HEADER = "stage                      epochs  planned s  measured  ratio      MiB  measured  ratio"


def main() -> None:
    plan, _, _ = plan_of(params.read(Path("params.yaml")), fresh="--fresh" in sys.argv)
    found = {row["stage"]: row for row in map(json.loads, LOG.read_text("utf-8").splitlines())}
    both = [(row, found[row.stage]) for row in plan if row.stage in found]
    print(HEADER)
    sums = [0.0, 0.0]
    for planned, measured in both:
        seconds, took = _seconds(planned), quiet(measured["seconds"], measured["processor_seconds"])[0]
        if planned.stage == "pictures":  # whose processes of its own are not in the log's processor time
            took = measured["seconds"]
        sums = [sums[0] + seconds, sums[1] + took]
        print(
            _line(
                planned.stage, _epochs(planned), seconds, took, planned.memory / 2**20, measured["peak_mib"]
            )
        )
    most = max(planned.memory for planned, _ in both) / 2**20, max(row["peak_mib"] for _, row in both)
    print(_line("in all", None, *sums, *most))


def _epochs(row: Planned) -> int | None:
    """How many the last fit took: the rows of its curve."""
    curve = Path(f"plots/train/{row.stage.partition('@')[2]}.csv")
    return len(curve.read_text("utf-8").splitlines()) - 1 if row.epochs and curve.is_file() else None


def _seconds(row: Planned) -> float:
    epochs = _epochs(row)
    return float((row.seconds if epochs is None else row.with_epochs(epochs))[0])


def _line(stage: str, epochs: int | None, *numbers: Any) -> str:
    seconds, took, memory, peak = numbers
    words = f"{stage:<26}{epochs or '':>7}{seconds:>11.1f}{took:>10.1f}{seconds / max(took, 0.01):>7.2f}"
    return words + f"{memory:>9.0f}{peak:>10.0f}{memory / peak:>7.2f}"


if __name__ == "__main__":
    main()
