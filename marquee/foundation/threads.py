"""Linear algebra whose bytes do not depend on how many cores a machine has."""

from __future__ import annotations

import sys
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
