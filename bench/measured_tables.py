"""Put tables of bench/results/*.csv into pages that are written by hand, each below a comment with its name.

Without --write the tables are printed. The commands that measure them call this under their own --write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bench.output import MEASURED, ROOT, Row, markdown, parser, read
from marquee.io import write_text

MISSING = "Not measured since the stages changed."


def _percent(cell: str) -> str:
    return f"{float(cell):.0%}" if cell else ""


def _parts(row: Row) -> list[str]:
    """Format where the seconds of a run go."""
    fractions = _percent(row["fraction"]), _percent(row["compiled_fraction"])
    return [row["part"], row["seconds"], fractions[0], row["compiled_seconds"], fractions[1]]


def _stages(row: Row) -> list[str]:
    """Format what a stage of a large run took."""
    peaks = (f"{int(cell):,}" if cell else "" for cell in (row["formula_mib"], row["peak_mib"]))
    return [row["stage"], row["epochs"] or "—", row["seconds"], *peaks]


def _step(row: Row) -> list[str]:
    """Format what a step took on Spark at some size."""
    peaks = (f"{int(row[name]):,}" for name in ("driver_mib", "executors_mib"))
    return [row["step"], f"{int(row['ratings']):,}", row["workers"], row["seconds"], *peaks]


def _forecast(row: Row) -> list[str]:
    return [row["step"], *list(row.values())[2:]]


Table = tuple[str, Sequence[str], Callable[[Row], list[str]]]
TABLES: dict[str, Table] = {  # its file -> the page, the heads of its columns, and how a row is written
    "profile_repro": (
        "docs/lab/performance.md",
        ("part", "seconds", "fraction", "seconds, loops compiled", "fraction"),
        _parts,
    ),
    "large_run": (
        "docs/how-to/large-data.md",
        ("stage", "epochs", "seconds", "peak by formula, MiB", "peak measured, MiB"),
        _stages,
    ),
    "engine_overhead": (
        "docs/how-to/cluster.md",
        ("step", "threads", "Spark", "times", "start", "send", "run", "take", "without start", "times"),
        lambda row: list(row.values()),
    ),
    "scale": (
        "docs/how-to/cluster.md",
        ("step", "ratings", "workers", "seconds", "driver, MiB", "executors, MiB"),
        _step,
    ),
    "scale_forecast": (
        "docs/how-to/cluster.md",
        ("step", "1 worker", "2 workers", "10", "100", "measured with 1", "measured with 2"),
        _forecast,
    ),
    "engine_lock": (
        "docs/how-to/cluster.md",
        ("data", "master", "partitions", "stages", "seconds"),
        lambda row: list(row.values()),
    ),
}


def rendered(name: str) -> str:
    """Return the table `name` with the day and the machine it was measured on, or that it is missing."""
    about = next((row for row in read(MEASURED) if row["table"] == name), None)
    if about is None:
        return f"{MISSING}\n"
    said = f"Measured on {about['date']}, {about['cores']} cores, {about['processor']}:"
    _, head, cells = TABLES[name]
    return f"{said}\n\n{markdown(head, [cells(row) for row in read(name)])}"


def page(name: str) -> str:
    """Return the page that has the table `name`, its table made from the latest measurement."""
    text = (ROOT / TABLES[name][0]).read_text("utf-8")
    mark = f"<!-- bench/results/{name}.csv -->\n"
    below = re.compile(re.escape(mark) + rf"(?:\n{MISSING}\n|\nMeasured on .*\n\n(?:\|.*\n)*)?")
    if not below.search(text):
        raise SystemExit(f"{TABLES[name][0]} has no {mark.strip()}: add it where the table belongs")
    return below.sub(lambda _: f"{mark}\n{rendered(name)}", text)


def write(name: str) -> None:
    write_text(ROOT / TABLES[name][0], page(name))
    print(TABLES[name][0])


def main() -> None:
    given = parser(__doc__).parse_args()
    for name in TABLES:
        if given.write:
            write(name)
        else:
            print(rendered(name))


if __name__ == "__main__":
    main()
