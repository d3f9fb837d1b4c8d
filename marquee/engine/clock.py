"""Where the time of an engine goes, for the log of a stage: to start Spark, to send, to run, to take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS: dict[str, float] = {}  # of this process, by part; empty where nothing ran on Spark


@contextmanager
def timed(part: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        SECONDS[part] = SECONDS.get(part, 0.0) + time.perf_counter() - began
