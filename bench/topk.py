"""Compare exact top-10 lists and every metric with implicit's top-10 lists alone.

The folder --data has data/ranking as the pipeline writes it. Both sides get the same factors (random, or of
a fit of `bench.marquee_adapter`), the same seen items and the same test users, by turns and each in a
process of its own. Their lists must be equal except for ties. Ours is timed over all of `evaluate_ranking`,
from ratings as they are read: lists, ranks among 99 candidates, the metrics of each user. implicit is timed
over `recommend`, from a ready CSR matrix. Memory is the growth during that, above data, factors and
libraries. --write puts the row into bench/results/topk.csv.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench import marquee_adapter
from bench.output import ROOT, parser, publish, read
from bench.peers.implicit_recommend import resident
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.data.sampling import Candidates, sample_candidates
from marquee.data.user_items import UserItems
from marquee.engine import on_spark
from marquee.evaluation.evaluate import evaluate_ranking
from marquee.io import read_parquet
from marquee.parallel import n_threads, single_threaded_blas
from marquee.rng import KeyedRandom

HEADER = (
    *("data", "factors", "dim", "users", "items", "users_per_s", "low", "high", "peer_users_per_s"),
    *("peer_low", "peer_high", "ratio", "processor_ratio", "mb_above", "peer_mb_above"),
    *("limit_users_per_s", "lists_differ"),
)

WARM = 4096  # test rows, which are blocks for every process of Spark


class Factors:
    """A model that is two matrices."""

    def __init__(self, users: np.ndarray, items: np.ndarray) -> None:
        self.users, self.items = users, items

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        return self.users, self.items

    def scores(self, users: np.ndarray) -> np.ndarray:
        return self.users[users] @ self.items.T


def prepare(data: Path, model: str, dim: int, folder: Path, n_users: int | None) -> dict[str, int]:
    """Write what both sides read, for at most `n_users` test users."""
    train, validation, test = _parts(data)
    test = test.take(test.user < n_users) if n_users else test
    columns = {"users": "user", "movies": "item"}
    n = {name: len(read_parquet(data / f"{name}.parquet", [column])) for name, column in columns.items()}
    rng = np.random.default_rng(0)
    if model == "random":
        users, items = (rng.standard_normal((count, dim), np.float32) for count in n.values())
    else:
        users, items = map(np.ascontiguousarray, marquee_adapter.load(Path(model)).factors() or ())
    seen, test_users = concat(train, validation), np.unique(test.user)
    rows = UserItems.of(seen.user, seen.item, n["users"]).take(test_users)
    pool = sample_candidates([train, validation], test, n["users"], n["movies"], 99, KeyedRandom(0))
    arrays = {"users": users, "items": items, "test_users": test_users, "seen": rows.items}
    arrays |= {"offsets": rows.offsets.astype(np.int32), "pool": pool.items, "pools": pool.offsets}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return {"users": len(test_users), "items": n["movies"], "dim": users.shape[1]}


def ours(data: Path, folder: Path) -> None:
    """Print a JSON line as the peer's script does, and write ours.npy."""
    train, validation, test = _parts(data)
    users, items, test_users, offsets, pool = _load(folder, "users", "items", "test_users", "pools", "pool")
    test = test.take(np.isin(test.user, test_users))
    catalogue = Catalogue.from_genres(len(users), read_parquet(data / "movies.parquet", ["genres"])["genres"])
    model, candidates, seen = Factors(users, items), Candidates(offsets, pool), concat(train, validation)
    first = np.arange(min(WARM, len(test)) if on_spark() else 1)  # on Spark each process compiles
    evaluate_ranking(model, seen, test.take(first), candidates, catalogue, [10], train)  # warms up
    before, started = resident("VmRSS"), (time.perf_counter(), time.process_time())
    found = evaluate_ranking(model, seen, test, candidates, catalogue, [10], train)
    wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
    row = {"seconds": wall, "processor_seconds": processor, "mb": resident("VmHWM") - before}
    print(json.dumps(row), flush=True)
    np.save(folder / "ours.npy", found.lists["item"])


def limit(dim: int, n_items: int) -> float:
    """Measure users a second if all time were matrix products, of the shape that ranks fastest."""
    from concurrent.futures import ThreadPoolExecutor

    left, right = np.ones((1024, dim), np.float32), np.ones((256, dim), np.float32)
    times, products = [], 400

    def work(_: int) -> None:
        out = np.empty((len(left), len(right)), np.float32)
        for _ in range(products):
            np.matmul(left, right.T, out=out)

    with single_threaded_blas(), ThreadPoolExecutor(n_threads()) as threads:
        for _ in range(5):
            started = time.perf_counter()
            list(threads.map(work, range(n_threads())))
            times.append(time.perf_counter() - started)
    pairs = n_threads() * products * len(left) * len(right)
    return pairs / min(times) / n_items


def measure(
    data: Path, name: str, model: str, dim: int, peer: str, repeats: int, n_users: int | None
) -> list[Any]:
    """Run both sides by turns and make the row that HEADER names."""
    with tempfile.TemporaryDirectory() as place:
        sizes = prepare(data, model, dim, Path(place), n_users)
        us = [sys.executable, "-m", "bench.topk", "--data", str(data.parent), "--ours", place]
        them = [peer, "bench/peers/implicit_recommend.py", "recommend", place, "repeats=1"]
        turns = [(_run(us), _run(them)) for _ in range(repeats)]
        arrays = _load(Path(place), "ours", "recommended", "users", "items", "test_users")
    cells: list[Any] = [name, "random" if model == "random" else "fitted"]
    cells += [sizes["dim"], sizes["users"], sizes["items"]]
    for side in zip(*turns, strict=True):
        speed = [sizes["users"] / found["seconds"] for found in side]
        cells += [round(x) for x in (median(speed), min(speed), max(speed))]
    for clock in ("seconds", "processor_seconds"):
        cells.append(round(median(theirs[clock] / own[clock] for own, theirs in turns), 2))
    cells += [round(max(found["mb"] for found in side)) for side in zip(*turns, strict=True)]
    return [*cells, round(limit(sizes["dim"], sizes["items"])), _differ(*arrays)]


def _parts(data: Path) -> list[Ratings]:
    paths = (data / f"ranking/{part}.parquet" for part in ("train", "val", "test"))
    return [Ratings.from_table(read_parquet(path)) for path in paths]


def _load(folder: Path, *names: str) -> list[np.ndarray]:
    return [np.load(folder / f"{name}.npy") for name in names]


def _run(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    print(Path(command[0]).parts[-3], found, flush=True)
    return found


def _differ(
    ours: np.ndarray, theirs: np.ndarray, users: np.ndarray, items: np.ndarray, test_users: np.ndarray
) -> int:
    """Count the lists whose scores, rank by rank, differ by more than rounding."""
    differ = 0
    for row in np.flatnonzero((ours != theirs).any(1)):
        own, other = (items[lists[row]] @ users[test_users[row]] for lists in (ours, theirs))
        differ += not np.allclose(own, other, rtol=1e-5, atol=1e-6)
    return differ


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--data", type=Path, required=True, help="a folder with the pipeline's data/")
    command.add_argument("--name", default="", help="the name of the data in the table")
    command.add_argument(
        "--model", default="random", help="a folder written by `bench.marquee_adapter`, or random"
    )
    command.add_argument("--dim", type=int, default=64)
    command.add_argument("--peer", default=sys.executable, help="the interpreter of implicit's environment")
    command.add_argument("--repeats", type=int, default=3)
    command.add_argument("--users", type=int, help="at most so many test users; default: all")
    command.add_argument("--ours", type=Path, help="run only our side, on the arrays in this folder")
    given = command.parse_args()
    data, name = given.data.resolve() / "data", given.name or given.data.name
    if given.ours:
        ours(data, given.ours)
        return
    row = measure(data, name, given.model, given.dim, given.peer, given.repeats, given.users)
    known = [list(old.values()) for old in read("topk")] if given.write else []
    kept = [old for old in known if old[:3] != [str(cell) for cell in row[:3]]]
    publish("topk", HEADER, [*kept, row], given.write)


if __name__ == "__main__":
    main()
