"""Time implicit's top 10: `PYTHON bench/peers/implicit_recommend.py recommend FOLDER [repeats=3]`.

It reads users.npy and items.npy (factors, float32), test_users.npy, and offsets.npy with seen.npy (the items
that each test user has seen) from FOLDER. It prints a JSON line for each repeat and writes recommended.npy.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as implicit asks: it has threads of its own

import numpy as np


def resident(name: str) -> float:
    """Read the MB of this process: now (VmRSS) or at its peak (VmHWM)."""
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith(name))
    return int(line.split()[1]) / 1024


def main(task: str, path: str, *settings: str) -> None:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    if task != "recommend":
        raise SystemExit(f"unknown task {task}")
    given = {"repeats": 3, **{key: int(value) for key, value in (word.split("=") for word in settings)}}
    folder = Path(path)
    users, items, test_users, offsets, seen = (
        np.load(folder / f"{name}.npy") for name in ("users", "items", "test_users", "offsets", "seen")
    )
    model = AlternatingLeastSquares(factors=items.shape[1])
    model.user_factors, model.item_factors = users, items
    shape = (len(test_users), len(items))
    theirs = csr_matrix((np.ones(len(seen), np.float32), seen, offsets), shape)
    model.recommend(test_users[:8], theirs[:8], N=10)
    for _ in range(given["repeats"]):
        before, started = resident("VmRSS"), (time.perf_counter(), time.process_time())
        lists, _ = model.recommend(test_users, theirs, N=10, filter_already_liked_items=True)
        wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
        row = {"seconds": wall, "processor_seconds": processor, "mb": resident("VmHWM") - before}
        print(json.dumps(row), flush=True)
    np.save(folder / "recommended.npy", lists)


if __name__ == "__main__":
    main(*sys.argv[1:])
