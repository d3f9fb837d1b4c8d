"""bench/results/<contest>.csv: a row for each system, size and dim, ours and each peer's."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.benchmarks import Benchmark, System
from bench.runner import ROOT, value
from bench.sizes import SIZES
from marquee.io import write_csv

RESULTS = ROOT / "bench/results"
IMAGES = ROOT / "docs/images"
HEADER = ["size", "dim", "system", "threads", "unit", "median", "low", "high", "rounds"]
HEADER += [
    "ratio",
    "ratio_low",
    "ratio_high",
    "metric",
    "accuracy",
    "as_good",
    "peak_mib",
    "settings",
    "note",
]
Row = dict[str, str]


def add(contest: Benchmark, size: str, dim: int, kept: dict[str, Any], rivals: Sequence[str]) -> None:
    """Put what was measured of ours and `rivals` in place of their rows; the others stay."""
    ours = kept[contest.ours.name]
    fresh = [row(contest, size, dim, contest.ours, ours, None)]
    for entrant in contest.entrants:
        if entrant.name in rivals:
            fresh.append(row(contest, size, dim, entrant, kept[entrant.name], ours))
    made = {key(r) for r in fresh}
    rows = [r for r in read(contest.key) if key(r) not in made] + fresh
    names = [entrant.name for entrant in contest.entrants]
    rows = [r for r in rows if r["system"] in names]
    rows.sort(key=lambda r: (SIZES.index(r["size"]), int(r["dim"]), names.index(r["system"])))
    write_csv(RESULTS / f"{contest.key}.csv", HEADER, [[r[name] for name in HEADER] for r in rows])


def read(name: str) -> list[Row]:
    """The rows of a contest, none where it was not held."""
    path = RESULTS / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def key(r: Row) -> tuple[str, str, str]:
    return r["size"], r["dim"], r["system"]


def row(
    contest: Benchmark,
    size: str,
    dim: int,
    entrant: System,
    entry: dict[str, Any],
    ours: dict[str, Any] | None,
) -> Row:
    """One system's row. `ratio` is ours / theirs, the median over rounds, each against ours of that round."""
    values = [value(contest, found) for found in entry["rounds"]]
    filled: dict[str, object] = dict.fromkeys(HEADER, "")
    filled |= {
        "size": size,
        "dim": dim,
        "system": entrant.name,
        "unit": contest.unit,
        "metric": contest.metric,
    }
    settings = {name: given for name, given in entry["settings"].items() if name != "dim"}
    filled |= {"threads": entry.get("threads", ""), "settings": json.dumps(settings)}
    filled |= {"note": entry.get("failed", ""), "rounds": len(values)}
    if values:
        filled |= dict(zip(("median", "low", "high"), _spread(values), strict=True))
        filled["peak_mib"] = max(found["peak_mib"] or 0 for found in entry["rounds"])
    if "accuracy" in entry:
        filled["accuracy"] = f"{entry['accuracy']:.4f}"
    if ours and values:
        ratios = [value(contest, f["ours"]) / value(contest, f) for f in entry["rounds"]]
        filled |= dict(zip(("ratio", "ratio_low", "ratio_high"), _spread(ratios), strict=True))
        if "accuracy" in ours and "accuracy" in entry:
            gain = ours["accuracy"] - entry["accuracy"]
            filled["as_good"] = "yes" if (gain <= 0 if contest.metric == "rmse" else gain >= 0) else "no"
    return {name: str(given) for name, given in filled.items()}


def _spread(values: Sequence[float]) -> tuple[str, str, str]:
    """Median, least and most."""
    return f"{median(values):.4g}", f"{min(values):.4g}", f"{max(values):.4g}"
