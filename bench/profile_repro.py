"""Where the seconds of the default `dvc repro` go, in a clone without anything: `python -m bench.profile_repro`.

Twice: where no loop was ever compiled, and in another clone after that.

Fitting is what happens inside a model's `fit` and on validation; scoring is from loaded arrays to metrics,
and the bootstrap that compares. Every other second is named: simulating, reading and writing data, drawing,
importing, interpreters, DVC. An import counts as one wherever it happens, inside a fit as well
(`import_clock`).
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from marquee.io import write_csv

RESULT = Path("bench/results/overhead.csv")
CLOCK = Path(__file__).resolve().parent / "import_clock"
PARTS = (
    "fitting",
    "scoring",
    "simulating, reading, splitting",
    "files of models and metrics",
    "drawing and the page",
    "imports",
    "interpreters",
    "DVC",
)
DRAWING = ("pictures", "compare", "report")
OF_MODELS = ("train", "evaluate")
Imported = tuple[float, float]  # when an import ended (Unix seconds), and how long it took


def repro(room: Path, caches: Path) -> tuple[float, list[Imported]]:
    """The seconds of one `dvc repro`, and every import of its stages."""
    import matplotlib  # whose list of fonts is made once in a user's life, and no run's

    environment = {**os.environ, "XDG_CACHE_HOME": str(caches), "MPLCONFIGDIR": matplotlib.get_cachedir()}
    with tempfile.TemporaryDirectory() as told:
        environment |= {"PYTHONPATH": str(CLOCK), "MARQUEE_IMPORTS": told}
        started = time.time()
        subprocess.run(["dvc", "repro"], cwd=room, env=environment, check=True)
        total = time.time() - started
        lines = [line for file in Path(told).iterdir() for line in file.read_text().splitlines()]
    imports = [(float(moment), float(seconds)) for moment, seconds in map(str.split, lines)]
    return total, imports


def account(total: float, rows: Iterable[dict[str, Any]], imports: Sequence[Imported]) -> dict[str, float]:
    """Seconds of each of PARTS, from the rows of logs/stages.jsonl; together they are `total`."""
    spent: Counter[str] = Counter()
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
        kind = row["stage"].partition("@")[0]
        part = PARTS[4] if kind in DRAWING else PARTS[3] if kind in OF_MODELS else PARTS[2]
        spent[part] += rest
    spent["DVC"] = total - sum(spent.values())
    return {part: spent[part] for part in PARTS}


def _within(imports: Sequence[Imported], start: float, end: float) -> float:
    return sum(seconds for moment, seconds in imports if start <= moment < end)


def measured(folder: Path, name: str) -> dict[str, float]:
    """Seconds of each of PARTS in a clone called `name`."""
    room = folder / name
    subprocess.run(["git", "clone", "--quiet", ".", str(room)], check=True)
    total, imports = repro(room, folder / "caches")
    lines = (room / "logs/stages.jsonl").read_text("utf-8").splitlines()
    spent = account(total, map(json.loads, lines), imports)
    return {**spent, "all": total}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, later = (measured(Path(folder), name) for name in ("first", "later"))
    rows = [
        (part, *(figure for run in (first, later) for figure in (round(run[part], 1), _share(run, part))))
        for part in first
    ]
    write_csv(RESULT, ("part", "seconds", "share", "compiled_seconds", "compiled_share"), rows)
    for part, seconds, share, again, compiled in rows:
        print(f"{part:32}{seconds:8.1f}{share:8.0%}{again:8.1f}{compiled:8.0%}")


def _share(run: Mapping[str, float], part: str) -> float:
    return round(run[part] / run["all"], 3)


if __name__ == "__main__":
    main()
