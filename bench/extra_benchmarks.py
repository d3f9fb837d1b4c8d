"""Contests that are modules of their own, each asked in its own words."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import sizes
from bench.benchmarks import IALS
from bench.runner import ROOT, fit
from bench.tuning import DIM, chosen
from bench.venvs import python
from marquee.errors import MarqueeError


def ranking(size: str, repeats: int, peer: str | None = None) -> None:
    """Exact top-10 and every metric against implicit's `recommend`, of drawn factors and of fitted ones."""
    data, theirs = sizes.tables(size), python("implicit")
    given = ("--data", data, "--name", size, "--peer", theirs, "--repeats", repeats)
    _ask("ranking", *given)
    with tempfile.TemporaryDirectory(dir=sizes.WORK) as room:
        settings = {**chosen(IALS, size, IALS.ours), "dim": DIM}
        found = fit(IALS.ours, sizes.arrays(size, IALS.task), settings, 2, out=Path(room))
        if "failed" in found:
            raise MarqueeError(f"no factors to rank by: {found['failed']}")
        _ask("ranking", *given, "--model", room)


def data_path(size: str, repeats: int, peer: str | None = None) -> None:
    """CSV to splits and negatives against polars, and duckdb."""
    for name in (peer,) if peer else ("polars", "duckdb"):
        out = ROOT / "bench/results" / ("data_path.csv" if name == "polars" else f"data_path_{name}.csv")
        given = ("--raw", sizes.raw(size), "--peer", name, "--python", python(name), "--out", out)
        _ask("data_path", *given, "--repeats", repeats)


def floors(size: str, repeats: int, peer: str | None = None) -> None:
    """Our kernels against the machine's own limits."""
    _ask("floors", "--size", size)


def scaling(size: str, repeats: int, peer: str | None = None) -> None:
    """Our sweeps from a million ratings on."""
    _ask("scaling", "--repeats", repeats)


def _ask(module: str, *words: object) -> None:
    """Run bench/<module>.py; that it is absent or fails is a line, and no end."""
    if importlib.util.find_spec(f"bench.{module}") is None:
        print(f"{module}: no bench/{module}.py here")
        return
    done = subprocess.run([sys.executable, "-m", f"bench.{module}", *map(str, words)], cwd=ROOT)
    if done.returncode:
        print(f"{module}: ended with {done.returncode}; see above")


OTHERS: dict[str, tuple[Callable[[str, int, str | None], None], Sequence[str], Sequence[str]]] = {
    # contest -> its function, its sizes by default, its peers
    "ranking": (ranking, ("ml-1m", "25M"), ("implicit",)),
    "data": (data_path, ("32M",), ("polars", "duckdb")),
    "floors": (floors, ("4M",), ()),
    "scaling": (scaling, ("32M",), ()),
}
