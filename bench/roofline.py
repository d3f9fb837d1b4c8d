"""Compare our kernels with what this machine can do, on one thread and on two.

The limits are the rate of a large float32 matrix product, the bandwidth of a copy through memory and that of
a copy within a cache. Counted are the operations that a sweep cannot avoid (half of a symmetric product
once), and for gradient descent the bytes of a step: two rows read and written. --write puts the fractions
into bench/results/roofline.csv.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench import sizes
from bench.benchmarks import ALS, IALS, SGD, Benchmark
from bench.output import ROOT, environment, parser, publish
from bench.runner import OURS, fit, value
from bench.tuning import DIM, chosen

HEADER = ["kernel", "size", "threads", "seconds", "rate", "limit", "of", "fraction"]
PRODUCT, MEMORY, CACHE = "GFLOP/s, matrix product", "GB/s, memory", "GB/s, cache"
KERNELS = ((IALS, DIM, (PRODUCT,)), (ALS, DIM + 1, (PRODUCT,)), (SGD, DIM, (MEMORY, CACHE)))
N = 2048  # rows of the matrices
COPY = 1 << 28  # bytes, beyond any cache
CACHED = 1 << 18  # bytes of a thread's copy, and as many of what it copies: a second-level cache holds both
AGAIN = 2000
REPEATS = 5


def product() -> float:
    """Measure GFLOP/s of numpy's float32 matrix product."""
    left = np.ones((N, N), np.float32)
    return 2 * N**3 / _least(lambda: left @ left) / 1e9


def copy() -> float:
    """Measure GB/s read and written by a copy in numba's threads."""
    from bench.stream_copy import copy_blocks

    source = np.ones(COPY // 4, np.float32)
    target = np.empty_like(source)
    return 2 * COPY / _least(lambda: copy_blocks(source, target)) / 1e9


def cached_copy() -> float:
    """Measure the same where both sides stay in the cache of their core."""
    from numba import get_num_threads

    from bench.stream_copy import copy_again

    source = np.ones((get_num_threads(), CACHED // 4), np.float32)
    target = np.empty_like(source)
    return 2 * source.nbytes * AGAIN / _least(lambda: copy_again(source, target, AGAIN)) / 1e9


def _least(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def operations(folder: Path, dim: int) -> float:
    """Count gigaflop of a sweep of least squares: Σ over rows of n f² + 2 n f, and a Cholesky solve."""
    n_users, n_items = sizes.shape(folder)
    n = sizes.n_trained(folder)
    return (2 * n * (dim**2 + 2 * dim) + (n_users + n_items) * (dim**3 / 3 + 2 * dim**2)) / 1e9


def traffic(folder: Path, dim: int) -> float:
    """Count gigabytes of an epoch of gradient descent: both rows with biases, twice, and the rating."""
    return sizes.n_trained(folder) * (2 * 2 * 4 * (dim + 1) + 12) / 1e9


def measured(benchmark: Benchmark, size: str, threads: int) -> float:
    """Measure the seconds of an epoch of ours."""
    folder = sizes.arrays(size, benchmark.task)
    settings = {**chosen(benchmark, size, benchmark.ours), "dim": DIM, "epochs": 4}
    return value(benchmark, fit(benchmark.ours, folder, settings, threads))


def rows(size: str) -> list[list[object]]:
    table: list[list[object]] = []
    for threads in (1, 2):
        limited = {**environment(), **dict.fromkeys(OURS, str(threads))}
        command = [sys.executable, "-m", "bench.roofline", "--limits"]
        done = subprocess.run(command, cwd=ROOT, env=limited, capture_output=True, text=True, check=True)
        limits = dict(zip((PRODUCT, MEMORY, CACHE), map(float, done.stdout.split()), strict=True))
        for benchmark, dim, names in KERNELS:
            folder = sizes.arrays(size, benchmark.task)
            seconds = measured(benchmark, size, threads)
            for name in names:
                rate = (operations if name == PRODUCT else traffic)(folder, dim) / seconds
                numbers = (f"{x:.4g}" for x in (seconds, rate, limits[name]))
                row: list[object] = [
                    benchmark.ours.words[0],
                    size,
                    threads,
                    *numbers,
                    name,
                    f"{rate / limits[name]:.2f}",
                ]
                table.append(row)
                print(*row, flush=True)
    return table


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--size", choices=sizes.SIZES, default="4M")
    command.add_argument("--limits", action="store_true", help="print the three limits of this process only")
    given = command.parse_args()
    if given.limits:
        print(product(), copy(), cached_copy())
    else:
        publish("roofline", HEADER, rows(given.size), given.write)


if __name__ == "__main__":
    main()
