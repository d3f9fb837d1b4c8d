"""Copies by all of numba's threads, each its own stretch: through memory, or again and again in a cache."""

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
    """source and target: [threads, n]. What is added is another number each time, so that each is made."""
    for thread in prange(len(source)):
        for again in range(times):
            for n in range(source.shape[1]):
                target[thread, n] = source[thread, n] + np.float32(again)
