"""bench/results/<benchmark>.csv: a row for each system, size and dim, ours and each peer's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.benchmarks import Benchmark, System
from bench.output import Row, publish, read
from bench.runner import value
from bench.sizes import SIZES

SPREAD = ("median", "low", "high")
RATIO = ("ratio", "ratio_low", "ratio_high")
HEADER = [
    *("size", "dim", "system", "threads", "unit", *SPREAD, "rounds", *RATIO),
    *("metric", "accuracy", "as_good", "peak_mib", "settings", "note"),
]


def add(
    benchmark: Benchmark,
    size: str,
    dim: int,
    kept: Mapping[str, Any],
    rivals: Sequence[str],
    write: bool,
) -> None:
    """Replace the rows of our system and of `rivals` by what was measured; the others stay."""
    ours = kept[benchmark.ours.name]
    fresh = [row(benchmark, size, dim, benchmark.ours, ours, None)]
    fresh += [row(benchmark, size, dim, s, kept[s.name], ours) for s in benchmark.systems if s.name in rivals]
    made = {key(r) for r in fresh}
    rows = [r for r in read(benchmark.key) if key(r) not in made] + fresh if write else fresh
    names = [system.name for system in benchmark.systems]
    rows = [r for r in rows if r["system"] in names]
    rows.sort(key=lambda r: (SIZES.index(r["size"]), int(r["dim"]), names.index(r["system"])))
    publish(benchmark.key, HEADER, [[r[name] for name in HEADER] for r in rows], write)


def key(r: Row) -> tuple[str, str, str]:
    return r["size"], r["dim"], r["system"]


def row(
    benchmark: Benchmark,
    size: str,
    dim: int,
    system: System,
    entry: Mapping[str, Any],
    ours: Mapping[str, Any] | None,
) -> Row:
    """Make one system's row; `ratio` is ours / theirs, the median of the rounds' ratios."""
    values = [value(benchmark, found) for found in entry["rounds"]]
    settings = {name: given for name, given in entry["settings"].items() if name != "dim"}
    filled: dict[str, object] = dict.fromkeys(HEADER, "")
    filled |= {"size": size, "dim": dim, "system": system.name, "threads": entry.get("threads", "")}
    filled |= {"unit": benchmark.unit, "metric": benchmark.metric, "rounds": len(values)}
    filled |= {"settings": json.dumps(settings), "note": entry.get("failed", "")}
    if values:
        filled |= dict(zip(SPREAD, spread(values), strict=True))
        filled["peak_mib"] = max(found["peak_mib"] or 0 for found in entry["rounds"])
    if "accuracy" in entry:
        filled["accuracy"] = f"{entry['accuracy']:.4f}"
    if ours and values:
        ratios = [value(benchmark, f["ours"]) / value(benchmark, f) for f in entry["rounds"]]
        filled |= dict(zip(RATIO, spread(ratios), strict=True))
        if "accuracy" in ours and "accuracy" in entry:
            gain = ours["accuracy"] - entry["accuracy"]
            filled["as_good"] = "yes" if (gain <= 0 if benchmark.metric == "rmse" else gain >= 0) else "no"
    return {name: str(given) for name, given in filled.items()}


def spread(values: Sequence[float]) -> tuple[str, str, str]:
    """Give the median, the least and the largest."""
    return f"{median(values):.4g}", f"{min(values):.4g}", f"{max(values):.4g}"
