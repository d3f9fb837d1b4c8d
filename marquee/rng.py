"""One seed, and a generator of its own for everything that draws."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def named_rng(seed: int, name: str) -> np.random.Generator:
    """The generator of one component, such as `split@rating`: changing one never shifts another."""
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(name.encode())]))
