"""Timing a stage from outside: as a whole, its epochs, and the parts that grow by a law of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from importlib import import_module
from typing import Any
from unittest.mock import patch

Span = list[float]  # seconds by the clock, and of processor time

# What is timed by itself: validation grows with users x items, a checkpoint with the model, what is read and
# counted for all models, for a picture or the page with the ratings.
PARTS = {
    "validation": ("marquee.measuring.evaluation.validation_ndcg", "stages.train.validation_ndcg"),
    "saving": ("marquee.foundation.progress.FitProgress.save",),
    "reading": (
        "stages.evaluate.HeldOut.of",
        "stages.pictures.known_of",
        *(f"stages.report.{name}" for name in ("columns", "read_parquet", "sha256", "tail_shares")),
        *(f"marquee.figures.dataset.{name}" for name in ("time_rows", "_descending")),
    ),
}
EPOCH = "marquee.foundation.progress.FitProgress.report"


def now() -> Span:
    ended = os.times()  # which counts in hundredths of a second: too coarse for an epoch, enough for children
    return [time.perf_counter(), time.process_time() + ended.children_user + ended.children_system]


def since(start: Span) -> Span:
    return [b - a for a, b in zip(start, now(), strict=True)]


@contextmanager
def stopwatch() -> Iterator[dict[str, Any]]:
    """Fills a dict: `whole` and PARTS are spans, `epochs` one for each pass without what is timed apart."""
    row: dict[str, Any] = {"epochs": [], **{part: [0.0, 0.0] for part in PARTS}}
    lap = {"start": now(), "apart": [0.0, 0.0]}

    def timed(part: str) -> Callable[[Callable], Callable]:
        def wrap(function: Callable) -> Callable:
            @wraps(function)
            def call(*args: Any, **names: Any) -> Any:
                start = now()
                try:
                    return function(*args, **names)
                finally:
                    row[part] = _plus(row[part], since(start))

            return call

        return wrap

    def lapped(function: Callable) -> Callable:
        @wraps(function)
        def call(*args: Any, **names: Any) -> Any:
            apart = _plus(row["validation"], row["saving"])
            took = zip(since(lap["start"]), lap["apart"], apart, strict=True)
            row["epochs"].append([whole + before - after for whole, before, after in took])
            lap["start"], lap["apart"] = now(), apart
            return function(*args, **names)

        return call

    with ExitStack() as stack:
        for part, names in PARTS.items():
            for name in names:
                _replace(stack, name, timed(part))
        _replace(stack, EPOCH, lapped)
        start = lap["start"] = now()
        yield row
        row["whole"] = since(start)


def _plus(a: Sequence[float], b: Sequence[float]) -> Span:
    return [x + y for x, y in zip(a, b, strict=True)]


def _replace(stack: ExitStack, name: str, wrap: Callable[[Callable], Callable]) -> None:
    """`module.function` or `module.Class.method` by its timed double, where there is such a thing."""
    owner, _, last = name.rpartition(".")
    try:
        holder: Any = import_module(owner)
    except ModuleNotFoundError:
        module, _, inner = owner.rpartition(".")
        holder = getattr(import_module(module), inner, None)
    if hasattr(holder, last):
        stack.enter_context(patch.object(holder, last, wrap(getattr(holder, last))))
