"""Run the fits of a rung in several processes. They share the ratings: each maps the same files.

A process writes what it finds into the store itself, and ends when the one that started it is gone.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, fields
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread

import numpy as np

from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import Candidates
from marquee.errors import MarqueeError
from marquee.parallel import n_threads
from marquee.recommenders.base import TrainingData
from marquee.tuning.store import Fit, Fitted
from marquee.tuning.trials import Job, run


@dataclass
class Workers:
    """Run fits one after another in this process or, where there is a `pool`, several at once."""

    job: Job
    data: TrainingData
    pool: ProcessPoolExecutor | None = None

    def run(self, fits: Sequence[Fit]) -> Iterator[tuple[Fit, Fitted]]:
        """Yield each fit with its result, as they end."""
        if self.pool is None or len(fits) < 2:  # a fit on its own has all threads
            yield from ((fit, run(self.job, fit, self.data)) for fit in fits)
            return
        running = {self.pool.submit(_run, fit): fit for fit in fits}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        except BrokenProcessPool:
            raise MarqueeError(
                f"a worker that tuned {self.job.name} was ended, most likely for want of memory: "
                "run again with --workers 1; finished trials are kept"
            ) from None


@contextmanager
def workers(job: Job, data: TrainingData, n: int) -> Iterator[Workers]:
    """Start `n` processes, each with its share of the threads; for 1 none is started."""
    if n < 2:
        yield Workers(job, data)
        return
    for part in ("train", "validation"):
        _write(job.folder / "shared" / part, getattr(data, part))
    spawn = multiprocessing.get_context("spawn")  # a forked process would inherit locks of Arrow's threads
    start = job, data.catalogue, data.candidates, max(1, n_threads() // n)
    pool = ProcessPoolExecutor(n, spawn, _start, start)
    try:
        yield Workers(job, data, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _write(folder: Path, ratings: Ratings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for one in fields(ratings):
        value = getattr(ratings, one.name)
        if isinstance(value, np.ndarray):
            np.save(folder / f"{one.name}.npy", value)
    (folder / "sampling").write_text(ratings.sampling or "", "utf-8")


def _read(folder: Path) -> Ratings:
    """Map the arrays that `_write` wrote; what a fit changes of them, if anything, is its own copy."""
    arrays = {
        path.stem: np.asarray(np.load(path, mmap_mode="c")) if path.stat().st_size > 128 else np.load(path)
        for path in sorted(folder.glob("*.npy"))
    }
    return Ratings(**arrays, sampling=(folder / "sampling").read_text("utf-8"))


_STATE: dict[str, tuple[Job, TrainingData]] = {}  # of a worker: what it was started with


def _start(job: Job, catalogue: Catalogue, candidates: Candidates | None, threads: int) -> None:
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(threads)
    parent = multiprocessing.parent_process()
    assert parent is not None
    Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
    train, validation = (_read(job.folder / "shared" / part) for part in ("train", "validation"))
    _STATE["of"] = job, TrainingData(train, validation, catalogue, candidates)


def _run(fit: Fit) -> Fitted:
    job, data = _STATE["of"]
    return run(job, fit, data)
