"""How much faster the compiled pass of gradient descent is than its NumPy twin: `python -m bench.sgd_twin`.

Writes bench/results/sgd_twin.csv: nanoseconds of processor time for each rating, medians of interleaved
repeats, on drawn ratings of ML-100K's size. Compilation is not counted: it happens once on a machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from marquee.io import write_csv
from marquee.kernels.sgd import descend, ratings_in_blocks
from tests.recommenders.sgd_twin import descend_slowly

N_USERS, N_ITEMS, N_RATINGS = 943, 1682, 100_000
SLOW_RATINGS = 10_000  # the twin takes a part of the pass; its time for each rating is the same
REPEATS = 7


def nanoseconds(descent: Callable[..., float], dim: int, n: int) -> float:
    """For each of the first `n` ratings of a pass."""
    rng = np.random.default_rng(0)
    user = np.sort(rng.integers(0, N_USERS, N_RATINGS, dtype=np.int32))
    item = rng.integers(0, N_ITEMS, N_RATINGS, dtype=np.int32)
    rating = rng.integers(1, 6, N_RATINGS).astype(np.float32)
    columns = [column[:n] for column in ratings_in_blocks(user, item, rating, rng)[1:]]
    shapes = [(N_USERS, dim), (N_ITEMS, dim), (N_USERS,), (N_ITEMS,)]
    arrays = [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]
    mean, step, penalty = np.float32(3), np.float32(0.01), np.float32(0.1)
    start = time.process_time()
    descent(*columns, mean, *arrays, step, penalty, True, True)
    return (time.process_time() - start) / n * 1e9


def main() -> None:
    rows = []
    for dim in (5, 32, 64, 128):
        nanoseconds(descend, dim, 1)  # compiles, or loads from the cache
        pairs = [
            (nanoseconds(descend, dim, N_RATINGS), nanoseconds(descend_slowly, dim, SLOW_RATINGS))
            for _ in range(REPEATS)
        ]
        compiled, twin = (median(times) for times in zip(*pairs, strict=True))
        rows.append([dim, round(compiled, 1), round(twin), round(twin / compiled)])
        print(f"dim {dim}: {compiled:.1f} ns compiled, {twin:.0f} ns in NumPy, {twin / compiled:.0f} times")
    header = ["dim", "compiled_ns", "numpy_ns", "times_faster"]
    write_csv(Path("bench/results/sgd_twin.csv"), header, rows)


if __name__ == "__main__":
    main()
