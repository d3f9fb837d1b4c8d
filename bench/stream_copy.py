"""Copy by all of numba's threads, each its own part: through memory, or repeatedly within a cache."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

BLOCKS = 64


@njit(parallel=True, cache=True)
def copy_blocks(source: np.ndarray, target: np.ndarray) -> None:
    step = (len(source) + BLOCKS - 1) // BLOCKS
    for block in prange(BLOCKS):
        for n in range(block * step, min((block + 1) * step, len(source))):
            target[n] = source[n]


@njit(parallel=True, cache=True)
def copy_again(source: np.ndarray, target: np.ndarray, times: int) -> None:
    """Copy [threads, n] `times` times; each adds another number, so that none is skipped."""
    for thread in prange(len(source)):
        for again in range(times):
            for n in range(source.shape[1]):
                target[thread, n] = source[thread, n] + np.float32(again)
