"""Measure where the seconds of the default `dvc repro` go, in a fresh clone.

It runs twice: with no compiled loop in the cache, and in a second clone with them; then once more in the
latter, with nothing to do. Fitting is what happens inside a model's `fit`, validation included. Scoring is
from loaded arrays to metrics, and the bootstrap of `compare`. An import counts as one wherever it happens,
inside a fit as well (bench/import_clock). --write puts the seconds into bench/results/profile_repro.csv and
docs/lab/performance.md.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench import measured_tables
from bench.output import ROOT, environment, load, parser, publish

CLOCK = ROOT / "bench/import_clock"
DATA, FILES, DRAWING = (
    "checking, simulating, reading, splitting, sampling",
    "files of models and metrics",
    "figures and pages",
)
PARTS = ("fitting", "scoring", DATA, FILES, DRAWING, "imports", "interpreters", "DVC")
PART_OF = {  # what a stage does outside of its phases
    **dict.fromkeys(("plot", "compare", "report", "demo"), DRAWING),
    **dict.fromkeys(("train", "evaluate", "oracle"), FILES),
}
HEADER = ("part", "seconds", "fraction", "compiled_seconds", "compiled_fraction")
Imported = tuple[float, float]  # when an import ended (Unix seconds), and how long it took


def repro(clone: Path, caches: Path) -> tuple[float, list[Imported]]:
    """Run `dvc repro`; give its seconds and every import of its stages."""
    import matplotlib  # its list of fonts is made once on a machine, and not in a run

    caching = {"XDG_CACHE_HOME": str(caches), "MPLCONFIGDIR": matplotlib.get_cachedir()}
    with tempfile.TemporaryDirectory() as log:
        clock = {"PYTHONPATH": str(CLOCK), "MARQUEE_IMPORTS": log}
        started = time.time()
        subprocess.run(["dvc", "repro"], cwd=clone, env={**environment(), **caching, **clock}, check=True)
        total = time.time() - started
        lines = [line for file in Path(log).iterdir() for line in file.read_text().splitlines()]
    return total, [(float(moment), float(seconds)) for moment, seconds in map(str.split, lines)]


def account(total: float, rows: Iterable[dict[str, Any]], imports: Sequence[Imported]) -> dict[str, float]:
    """Divide `total` seconds among PARTS, from the rows of logs/stages.jsonl."""
    spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    for row in rows:
        began, seconds, start_up = row["began"], row["seconds"], row["start_up"]
        before = _within(imports, began - start_up, began)
        inside = _within(imports, began, began + seconds)
        spent["imports"] += before + inside
        spent["interpreters"] += start_up - before
        rest = seconds - inside
        for phase in row["phases"]:
            imported = _within(imports, phase["began"], phase["began"] + phase["seconds"])
            spent[phase["phase"]] += phase["seconds"] - imported
            rest -= phase["seconds"] - imported
        spent[PART_OF.get(row["stage"].partition("@")[0], DATA)] += rest
    spent["DVC"] = total - sum(spent.values())
    return {part: spent[part] for part in PARTS}


def _within(imports: Sequence[Imported], start: float, end: float) -> float:
    return sum(seconds for moment, seconds in imports if start <= moment < end)


def measured(folder: Path, name: str) -> dict[str, float]:
    """Measure the seconds of each part in a clone called `name`."""
    clone = folder / name
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    total, imports = repro(clone, folder / "caches")
    lines = (clone / "logs/stages.jsonl").read_text("utf-8").splitlines()
    return {**account(total, map(json.loads, lines), imports), "all": total}


def main() -> None:
    given = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, busy = [], []
        for name in ("first", "later"):
            busy.append(load())
            runs.append(measured(Path(folder), name))
        idle, _ = repro(Path(folder) / "later", Path(folder) / "caches")
    rows: list[list[object]] = [
        [part, *(cell for run in runs for cell in (round(run[part], 1), round(run[part] / run["all"], 3)))]
        for part in runs[0]
    ]
    rows.append(["again, with nothing to do", "", "", round(idle, 1), round(idle / runs[1]["all"], 3)])
    rows.append([busy[0][0], busy[0][1], "", busy[1][1], ""])
    publish("profile_repro", HEADER, rows, given.write)
    if given.write:
        measured_tables.write("profile_repro")


if __name__ == "__main__":
    main()
