"""Linear algebra whose bytes do not depend on how many cores a machine has."""

from __future__ import annotations

from contextlib import AbstractContextManager


def one_blas_thread() -> AbstractContextManager:
    """A block in which BLAS and LAPACK run on one thread: with more, they add in another order.

    Without it the lists of one model differed in the last bit between 1 and 2 threads (OpenBLAS, float32).
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")
