"""One fit of one system in a process of its own, and what it says of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.benchmarks import Benchmark, Settings, System
from bench.venvs import PEERS, python

SEED = 1
LIMIT = 3 * 3600  # seconds, after which a fit counts as failed
OURS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
THEIRS = ("LK_NUM_THREADS", "OMP_NUM_THREADS")  # LensKit's, and every OpenMP program's
ROOT = Path(__file__).parents[1]
Found = dict[str, Any]  # "seconds" of each pass, "units" of a pass, "peak_mib"; or why it "failed"


def fit(
    entrant: System,
    folder: Path,
    settings: Settings,
    threads: int,
    parts: str = "train,val",
    out: Path | None = None,
) -> Found:
    """Fit `entrant` to the `parts` in `folder`; what it learned goes to `out`."""
    given = {**settings, "parts": parts, "seed": SEED, "threads": threads}
    if out:
        given["out"] = str(out)
    words = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in given.items()
    ]
    limits = {name: str(threads) for name in (THEIRS if entrant.peer else OURS)} | dict(entrant.limits)
    try:
        done = subprocess.run(
            [str(python(entrant.peer)), *command(entrant), entrant.words[-1], str(folder), *words],
            cwd=ROOT,
            env={**os.environ, **limits},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        return _told(done.stdout)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").strip().splitlines()
        return {"failed": (lines or [f"ended with {error.returncode}"])[-1][:200]}
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        return {"failed": str(error)[:200]}


def command(entrant: System) -> list[str]:
    """What its interpreter runs."""
    return [str(PEERS / entrant.words[0])] if entrant.peer else ["-m", "bench.marquee_adapter"]


def _told(text: str) -> Found:
    """The last line that is a JSON object."""
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if not lines:
        raise ValueError("said nothing")
    return dict(json.loads(lines[-1]))


def value(contest: Benchmark, found: Mapping[str, Any]) -> float:
    """Seconds of a pass, or million units in a second: the median pass after the first, which warms up."""
    seconds = median(found["seconds"][1:] or found["seconds"])
    return seconds if contest.unit == "s" else found["units"] / seconds / 1e6
