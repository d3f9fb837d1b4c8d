"""Render docs/speed.md and its figures from bench/results/*.csv, which `make bench` writes.

Its text is bench/pages/speed.md. Without --write the page is printed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench import scaling
from bench.benchmarks import BENCHMARKS, Benchmark
from bench.output import MEASURED, ROOT, Row, markdown, parser, read
from bench.sizes import SIZES
from bench.speed_picture import draw
from bench.tuning import trials
from marquee.io import write_text

TEXT, PAGE = ROOT / "bench/pages/speed.md", ROOT / "docs/speed.md"
PLAIN = ("topk", "data_pipeline", "data_pipeline_duckdb", "roofline", "scaling", "spark_lists", MEASURED)


def page() -> str:
    tables = {known.key: _benchmark(known) for known in BENCHMARKS.values()} | {
        name: _plain(name) for name in PLAIN
    }
    return TEXT.read_text("utf-8").format(**tables, settings=_settings(), unequal=_unequal())


def _benchmark(benchmark: Benchmark) -> str:
    head = ["data", "f", "system", "threads", benchmark.unit, "least to largest", "rounds", "ours / theirs"]
    name = "RMSE" if benchmark.metric == "rmse" else "NDCG@10"
    return markdown([*head, name, "peak"], [_cells(row) for row in read(benchmark.key)])


def _cells(row: Row) -> list[str]:
    start = [row["size"], row["dim"], row["system"], row["threads"]]
    if not row["median"]:
        return [*start, "failed", row["note"].replace("|", "/")[:60], "", "", "", ""]
    ratio = row["ratio"] and f"{row['ratio']} ({row['ratio_low']} to {row['ratio_high']})"
    if ratio and row["as_good"] != "yes":
        ratio = f"[{ratio}]"
    accuracy = row["accuracy"] or "—"
    limits = f"{row['low']} to {row['high']}"
    return [*start, row["median"], limits, row["rounds"], ratio or "—", accuracy, f"{row['peak_mib']} MiB"]


def _plain(name: str) -> str:
    found = read(name)
    head = [column.replace("_", " ") for column in (found[0] if found else ())]
    return markdown(head, [list(row.values()) for row in found])


def _settings() -> str:
    """List the best trial of each system at each size, and how many there were."""
    rows: list[Sequence[str]] = []
    for benchmark in BENCHMARKS.values():
        sign = 1 if benchmark.metric == "rmse" else -1
        for size in SIZES:
            for system in benchmark.systems:
                own = [row for row in trials(benchmark, system) if row["size"] == size]
                done = [row for row in own if row["validation"] != "nan"]
                if done:
                    best = min(done, key=lambda r: sign * float(r["validation"]))
                    text = ", ".join(f"{key} {value}" for key, value in json.loads(best["settings"]).items())
                    rows.append([system.name, size, text, f"{float(best['validation']):.4f}", str(len(own))])
    return markdown(["system", "chosen on", "settings", "validation", "trials"], rows)


def _unequal() -> str:
    """Say where the systems of a benchmark had different numbers of trials."""
    found = []
    for benchmark in BENCHMARKS.values():
        rivals = [system for system in benchmark.systems if system.rounds > 1]
        for size in SIZES:
            tried = {s.name: trials(benchmark, s) for s in rivals if size in s.sizes}
            counts = {name: sum(row["size"] == size for row in rows) for name, rows in tried.items()}
            if len(set(counts.values())) > 1:
                listed = ", ".join(f"{name} {count}" for name, count in counts.items())
                found.append(f"{benchmark.key} on {size} ({listed})")
    return f"Searches of unequal length: {'; '.join(found) or 'none'}."


def write() -> None:
    draw()
    scaling.draw()
    write_text(PAGE, page())
    print(PAGE.relative_to(ROOT))


def main() -> None:
    if parser(__doc__).parse_args().write:
        write()
    else:
        print(page())


if __name__ == "__main__":
    main()
