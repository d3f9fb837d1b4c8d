"""Our kernels beside what this machine can do at all: `python -m bench.roofline [--size 4M]`.

For one thread and two: the rate of a large float32 matrix product, the bandwidth of a copy through memory and
of one that stays in a cache, and the share of each that a pass reaches. Operations of a sweep are those that
the method cannot do without (the half of a symmetric product counted once). Bytes of a step of gradient
descent are its two rows read and written. Writes bench/results/floors.csv.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bench import sizes
from bench.benchmarks import ALS, IALS, SGD, Benchmark
from bench.runner import OURS, ROOT, fit, value
from bench.tuning import DIM, chosen
from marquee.io import write_csv

HEADER = ["kernel", "size", "threads", "seconds", "rate", "limit", "of", "share"]
PRODUCT, MEMORY, CACHE = "GFLOP/s, matrix product", "GB/s, memory", "GB/s, cache"
KERNELS = ((IALS, DIM, (PRODUCT,)), (ALS, DIM + 1, (PRODUCT,)), (SGD, DIM, (MEMORY, CACHE)))
N = 2048  # rows of the matrices
COPY = 1 << 28  # bytes, beyond any cache
CACHED = 1 << 18  # bytes of a thread's copy, and as many of what it copies: a second-level cache holds both
AGAIN = 2000
REPEATS = 5


def product() -> float:
    """GFLOP/s of numpy's float32 matrix product."""
    left = np.ones((N, N), np.float32)
    return 2 * N**3 / _least(lambda: left @ left) / 1e9


def copy() -> float:
    """GB/s read and written by a copy in numba's threads."""
    from bench.stream_copy import copy_blocks

    source = np.ones(COPY // 4, np.float32)
    target = np.empty_like(source)
    return 2 * COPY / _least(lambda: copy_blocks(source, target)) / 1e9


def cached_copy() -> float:
    """The same where both sides stay in the cache of their core."""
    from numba import get_num_threads

    from bench.stream_copy import copy_again

    source = np.ones((get_num_threads(), CACHED // 4), np.float32)
    target = np.empty_like(source)
    return 2 * source.nbytes * AGAIN / _least(lambda: copy_again(source, target, AGAIN)) / 1e9


def _least(work) -> float:  # type: ignore[no-untyped-def]
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def operations(folder: Path, dim: int) -> float:
    """Gigaflop of a sweep of least squares: Σ over rows of n f² + 2 n f, and a Cholesky solve."""
    n_users, n_items = sizes.shape(folder)
    n = len(np.load(folder / "train_user.npy")) + len(np.load(folder / "val_user.npy"))
    return (2 * n * (dim**2 + 2 * dim) + (n_users + n_items) * (dim**3 / 3 + 2 * dim**2)) / 1e9


def traffic(folder: Path, dim: int) -> float:
    """Gigabytes of an epoch of gradient descent: both rows with their biases, twice, and the rating."""
    n = len(np.load(folder / "train_user.npy")) + len(np.load(folder / "val_user.npy"))
    return n * (2 * 2 * 4 * (dim + 1) + 12) / 1e9


def measured(contest: Benchmark, size: str, threads: int) -> float:
    """Seconds of a pass of ours."""
    folder = sizes.arrays(size, contest.task)
    settings = {**chosen(contest, size, contest.ours), "dim": DIM, "epochs": 4}
    return value(contest, fit(contest.ours, folder, settings, threads))


def rows(size: str) -> list[list[object]]:
    table: list[list[object]] = []
    for threads in (1, 2):
        environment = {**os.environ, **dict.fromkeys(OURS, str(threads))}
        command = [sys.executable, "-m", "bench.roofline", "--floor"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        floors = dict(zip((PRODUCT, MEMORY, CACHE), map(float, done.stdout.split()), strict=True))
        for contest, dim, limits in KERNELS:
            folder = sizes.arrays(size, contest.task)
            seconds = measured(contest, size, threads)
            for limit in limits:
                rate = (operations if limit == PRODUCT else traffic)(folder, dim) / seconds
                numbers = (f"{x:.4g}" for x in (seconds, rate, floors[limit]))
                row = [contest.ours.words[0], size, threads, *numbers, limit, f"{rate / floors[limit]:.2f}"]
                table.append(row)
                print(*row, flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--size", choices=sizes.SIZES, default="4M")
    parser.add_argument("--floor", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.floor:
        print(product(), copy(), cached_copy())
        return
    write_csv(ROOT / "bench/results/floors.csv", HEADER, rows(wanted.size))


if __name__ == "__main__":
    main()
