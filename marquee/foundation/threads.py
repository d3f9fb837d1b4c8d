"""Work in threads whose bytes do not depend on how many cores a machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

BRING_ONE = ("numpy", "scipy.linalg", "torch")  # packages that load a BLAS of their own


def one_blas_thread() -> AbstractContextManager:
    """A block in which BLAS and LAPACK run on one thread: with more, they add in another order.

    Without it the lists of one model differed in the last bit between 1 and 2 threads (OpenBLAS, float32).
    Limits what is loaded by now.
    """
    return _controller(tuple(name in sys.modules for name in BRING_ONE)).limit(limits=1, user_api="blas")


@cache
def _controller(loaded: tuple[bool, ...]) -> ThreadpoolController:
    """Looking for libraries takes a millisecond, so it is done again only where a package has come to it."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def n_threads() -> int:
    """Threads of our own: the processors this process may use, or fewer where `OMP_NUM_THREADS` says so."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(allowed, int(asked)) if asked.isdigit() and int(asked) else allowed


def run_threads(task: Callable[[int], object], n_tasks: int, threads: int | None = None) -> None:
    """`task(0)`, `task(1)`, ... on so many threads (None: `n_threads()`).

    What the first of them raises is raised.
    """
    threads = min(threads or n_threads(), n_tasks)
    if threads < 2:
        for n in range(n_tasks):
            task(n)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        try:
            for _ in pool.map(task, range(n_tasks)):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def in_blocks(work: Callable[[slice], None], n: int, step: int) -> None:
    """`work` on each block of `step` of `n` rows, in as many threads as there are, BLAS on one in each.

    A block is one thread's from beginning to end.
    """
    blocks = [slice(first, min(first + step, n)) for first in range(0, n, step)]
    with one_blas_thread():
        run_threads(lambda k: work(blocks[k]), len(blocks))
