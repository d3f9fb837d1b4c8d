"""Fit one system once, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.benchmarks import Benchmark, Settings, System
from bench.output import ROOT
from bench.venvs import PEERS, python

SEED = 1
LIMIT = 3 * 3600  # seconds, after which a fit counts as failed
OURS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
THEIRS = ("LK_NUM_THREADS", "OMP_NUM_THREADS")  # LensKit's, and every OpenMP program's
Found = dict[
    str, Any
]  # "seconds" of each epoch, "units" of an epoch, "peak_mib"; or the error under "failed"


def fit(
    system: System,
    folder: Path,
    settings: Settings,
    threads: int,
    parts: str = "train,val",
    out: Path | None = None,
) -> Found:
    """Fit `system` to the `parts` in `folder`; it writes its model to `out`."""
    given = {**settings, "parts": parts, "seed": SEED, "threads": threads}
    if out:
        given["out"] = str(out)
    words = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in given.items()
    ]
    limits = {name: str(threads) for name in (THEIRS if system.peer else OURS)} | dict(system.limits)
    try:
        done = subprocess.run(
            [str(python(system.peer)), *command(system), system.words[-1], str(folder), *words],
            cwd=ROOT,
            env={**os.environ, **limits},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        return _result(done.stdout)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").strip().splitlines()
        return {"failed": (lines or [f"ended with {error.returncode}"])[-1][:200]}
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        return {"failed": str(error)[:200]}


def command(system: System) -> list[str]:
    """Give the words that its interpreter runs."""
    return [str(PEERS / system.words[0])] if system.peer else ["-m", "bench.marquee_adapter"]


def _result(text: str) -> Found:
    """Parse the last line that is a JSON object."""
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if not lines:
        raise ValueError("printed no JSON line")
    return dict(json.loads(lines[-1]))


def value(benchmark: Benchmark, found: Mapping[str, Any]) -> float:
    """Give seconds of an epoch, or million units a second: the median after the first, which warms up."""
    seconds = median(found["seconds"][1:] or found["seconds"])
    return seconds if benchmark.unit == "s" else found["units"] / seconds / 1e6
