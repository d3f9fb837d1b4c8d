"""The benchmarks of bench/benchmarks.yaml: the systems, their data, and the settings to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

Settings = dict[str, Any]
Grid = Mapping[str, Sequence[Any]]
LARGE = ("16M", "25M", "32M")
EVERY = ("ml-100k", "ml-1m", "1M", "4M", *LARGE)


@dataclass(frozen=True)
class System:
    """A system in a benchmark.

    peer     its environment, `bench/peers/<peer>.txt`; empty for Marquee
    words    the algorithm of Marquee; of a peer its script under bench/peers, and TASK
    fixed    settings that are not tuned
    grid     setting -> the values tried on validation; untuned, the first of each
    also     further grids, where one setting changes the range of the next
    like     the system with the same objective, of any benchmark, whose settings this one takes
    threads  the numbers of threads to try at each size; the fastest is used
    limits   environment variables: the engine, or what holds its libraries to their best number of threads
    sizes    the data that it runs on
    rounds   the most rounds; 1 for a system that is shown for comparison only
    """

    name: str
    words: Sequence[str]
    peer: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    grid: Grid = field(default_factory=dict)
    also: Sequence[Grid] = ()
    like: str = ""
    threads: Sequence[int] = (2,)
    limits: Mapping[str, str] = field(default_factory=dict)
    sizes: Sequence[str] = EVERY
    rounds: int = 99

    def candidates(self) -> list[Settings]:
        """List every point of the grids."""
        return [
            dict(zip(grid, values, strict=True))
            for grid in (self.grid, *self.also)
            for values in product(*grid.values())
        ]


@dataclass(frozen=True)
class Benchmark:
    """One kind of model, fitted by all systems to the same rows.

    task    the split of the data, one of `sizes.TASKS`
    metric  "ndcg@10" or "rmse" on the test rows, computed by Marquee's evaluation
    unit    "s" for an iteration or epoch, or "M/s", million pairs or triples in a second
    sizes   the default data; accuracy is measured, and every system takes part, at f = 64 only
    dims    the default numbers of factors
    """

    key: str
    task: str
    metric: str
    systems: Sequence[System]
    unit: str = "s"
    sizes: Sequence[str] = ("ml-1m", "25M")
    dims: Sequence[int] = (64,)

    @property
    def ours(self) -> System:
        return self.systems[0]


def _read() -> dict[str, Benchmark]:
    blocks = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return {
        key: Benchmark(key, **{**block, "systems": [System(**system) for system in block["systems"]]})
        for key, block in blocks.items()
    }


BENCHMARKS = _read()
IALS, ALS, SGD = (BENCHMARKS[key] for key in ("ials", "als", "sgd"))
