"""The benchmarks that are modules of their own: the commands that measure each at a size."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import sizes
from bench.benchmarks import IALS
from bench.runner import fit
from bench.tuning import DIM, chosen
from bench.venvs import python
from marquee.errors import MarqueeError

Command = list[Any]


def topk(size: str, repeats: int, peer: str | None) -> Iterator[Command]:
    """Rank by random factors and by fitted ones, beside implicit's `recommend`."""
    given = ["--data", sizes.tables(size), "--name", size, "--peer", python("implicit"), "--repeats", repeats]
    yield ["topk", *given]
    with tempfile.TemporaryDirectory(dir=sizes.WORK) as folder:
        settings = {**chosen(IALS, size, IALS.ours), "dim": DIM}
        found = fit(IALS.ours, sizes.arrays(size, IALS.task), settings, 2, out=Path(folder))
        if "failed" in found:
            raise MarqueeError(f"no factors to rank by: {found['failed']}")
        yield ["topk", *given, "--model", folder]


def data_pipeline(size: str, repeats: int, peer: str | None) -> Iterator[Command]:
    """Read, split and sample, beside polars and duckdb."""
    for name in (peer,) if peer else ("polars", "duckdb"):
        given = ["--raw", sizes.raw(size), "--peer", name, "--python", python(name)]
        yield ["data_pipeline", *given, "--repeats", repeats]


def roofline(size: str, repeats: int, peer: str | None) -> Iterator[Command]:
    """Run our kernels beside the limits of the machine."""
    yield ["roofline", "--size", size]


def scaling(size: str, repeats: int, peer: str | None) -> Iterator[Command]:
    """Run our sweeps at one million ratings and more."""
    yield ["scaling", "--repeats", repeats]


def spark_lists(size: str, repeats: int, peer: str | None) -> Iterator[Command]:
    """List for all users on Spark, beside Spark's `recommendForAllUsers`."""
    yield ["spark_lists", "--size", size, "--repeats", repeats]


@dataclass(frozen=True)
class Extra:
    """A benchmark's commands, its default sizes and its peers."""

    commands: Callable[[str, int, str | None], Iterator[Command]]
    sizes: Sequence[str]
    peers: Sequence[str] = ()


EXTRA = {
    "topk": Extra(topk, ("ml-1m", "25M"), ("implicit",)),
    "data_pipeline": Extra(data_pipeline, ("32M",), ("polars", "duckdb")),
    "spark_lists": Extra(spark_lists, ("ml-1m", "25M"), ("pyspark",)),
    "roofline": Extra(roofline, ("4M",)),
    "scaling": Extra(scaling, ("32M",)),
}
