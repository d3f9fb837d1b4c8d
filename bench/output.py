"""The command line, the files and the Markdown tables that all benchmarks share."""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from marquee.io import write_csv

ROOT = Path(__file__).parents[1]
RESULTS, IMAGES = ROOT / "bench/results", ROOT / "docs/images"
MEASURED = "measured"  # the table that says when and where each other table was measured
Row = dict[str, str]


def parser(description: str | None) -> argparse.ArgumentParser:
    """Make the parser of a module that writes tracked files only under `--write`."""
    made = argparse.ArgumentParser(
        f"python -m bench.{Path(sys.argv[0]).stem}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--write", action="store_true", help="write the tracked files; without it, print only")
    return made


def read(name: str) -> list[Row]:
    """Read bench/results/<name>.csv; no rows where it was never measured."""
    path = RESULTS / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def publish(name: str, header: Sequence[str], rows: Sequence[Sequence[object]], write: bool) -> None:
    """Print a table; under `write` put it into bench/results/<name>.csv, with its machine and date."""
    if not write:
        print(markdown(header, [[str(cell) for cell in row] for row in rows]))
        return
    write_csv(RESULTS / f"{name}.csv", header, rows)
    here = {"table": name, **machine()}
    known = {row["table"]: row for row in read(MEASURED)} | {name: here}
    write_csv(RESULTS / f"{MEASURED}.csv", list(here), [list(known[key].values()) for key in sorted(known)])


def machine() -> dict[str, Any]:
    """Describe this machine today."""
    return {"date": date.today().isoformat(), "cores": os.cpu_count(), "processor": platform.machine()}


def load() -> tuple[str, float]:
    """Say how busy the machine is with other things: a row for a table of seconds."""
    return "processes running before it (load)", round(os.getloadavg()[0], 1)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table with padded cells."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in (head, *rows)]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def environment() -> dict[str, str]:
    """Copy the environment with this interpreter's own commands, such as dvc, first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}
