"""Exact top-10 and every metric against implicit's top-10 alone: `python -m bench.topk --data FOLDER`.

FOLDER has data/ranking as the pipeline leaves it. Both sides get the same factors (drawn, or of a fit of
`bench.marquee_adapter`), the same seen items and the same people, everyone with a held-out item, in turn and each in a
process of its own; lists must be equal but for ties. Counted for us: all of `evaluate_ranking` (grouping
pairs, lists, ranks among 99 candidates, all figures of each user) from ratings as they are read. Counted for
implicit: `recommend`, from a ready CSR matrix. Memory is the growth while that runs: above data, factors and
libraries. Adds a row to bench/results/ranking.csv.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench import marquee_adapter
from bench.peers.implicit_recommend import resident
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.data.sampling import Candidates, sample_candidates
from marquee.data.user_items import UserItems
from marquee.evaluation.evaluate import evaluate_ranking
from marquee.io import read_parquet, write_csv
from marquee.parallel import n_threads, single_threaded_blas
from marquee.rng import KeyedRandom

RESULTS = Path("bench/results/ranking.csv")
HEADER = (
    *("data", "factors", "dim", "users", "items", "users_per_s", "low", "high", "peer_users_per_s"),
    *(
        "peer_low",
        "peer_high",
        "ratio",
        "processor_ratio",
        "mb_above",
        "peer_mb_above",
        "floor_users_per_s",
        "lists_differ",
    ),
)


class Factors:
    """A model that is two matrices."""

    def __init__(self, users: np.ndarray, items: np.ndarray) -> None:
        self.users, self.items = users, items

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        return self.users, self.items

    def scores(self, users: np.ndarray) -> np.ndarray:
        return self.users[users] @ self.items.T


def prepare(data: Path, model: str, dim: int, room: Path, n_people: int | None) -> dict[str, int]:
    """Write what both sides read; of people no more than `n_people`."""
    train, validation, test = _parts(data)
    test = test.take(test.user < n_people) if n_people else test
    n_users = len(read_parquet(data / "users.parquet", ["user"]))
    n_items = len(read_parquet(data / "movies.parquet", ["item"]))
    rng = np.random.default_rng(0)
    if model == "drawn":
        users, items = (rng.standard_normal((n, dim), np.float32) for n in (n_users, n_items))
    else:
        users, items = (
            np.ascontiguousarray(side) for side in marquee_adapter.load(Path(model)).factors() or ()
        )
    seen = concat(train, validation)
    people = np.unique(test.user)
    theirs = UserItems.of(seen.user, seen.item, n_users).take(people)
    pool = sample_candidates([train, validation], test, n_users, n_items, 99, KeyedRandom(0))
    arrays = {"users": users, "items": items, "people": people, "seen": theirs.items}
    arrays |= {"offsets": theirs.offsets.astype(np.int32), "pool": pool.items, "pools": pool.offsets}
    for name, array in arrays.items():
        np.save(room / f"{name}.npy", array)
    return {"users": len(people), "items": n_items, "dim": users.shape[1]}


def ours(data: Path, room: Path, repeats: int) -> None:
    """A JSON line for each repeat, as the peer's script prints them."""
    train, validation, test = _parts(data)
    test = test.take(np.isin(test.user, np.load(room / "people.npy")))
    users, items, offsets, pool = (
        np.load(room / f"{name}.npy") for name in ("users", "items", "pools", "pool")
    )
    catalogue = Catalogue.from_genres(len(users), read_parquet(data / "movies.parquet", ["genres"])["genres"])
    model, candidates, seen = Factors(users, items), Candidates(offsets, pool), concat(train, validation)

    few = test.take(np.arange(1))
    evaluate_ranking(model, seen, few, candidates, catalogue, [10], train)
    for _ in range(repeats):
        before, started = resident("VmRSS"), (time.perf_counter(), time.process_time())
        found = evaluate_ranking(model, seen, test, candidates, catalogue, [10], train)
        wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
        row = {"seconds": wall, "processor_seconds": processor, "mb": resident("VmHWM") - before}
        print(json.dumps(row), flush=True)
    np.save(room / "ours.npy", found.lists["item"])


def floor(dim: int, n_items: int) -> float:
    """Users per second if all time were one matrix product after another, of the shape that ranks fastest."""
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


def contest(
    data: Path, name: str, model: str, dim: int, peer: str, repeats: int, n_people: int | None
) -> list[Any]:
    with tempfile.TemporaryDirectory() as place:
        room = Path(place)
        sizes = prepare(data, model, dim, room, n_people)
        us = [sys.executable, "-m", "bench.topk", "--data", str(data.parent), "--ours", place]
        them = [peer, "bench/peers/implicit_recommend.py", "recommend", place, "repeats=1"]
        rows: dict[str, list[dict[str, float]]] = {"us": [], "them": []}
        for _ in range(repeats):
            rows["us"] += _run([*us, "--repeats", "1"])
            rows["them"] += _run(them)
        lists = (np.load(room / "ours.npy"), np.load(room / "recommended.npy"))
        differ = _differ(
            *lists, np.load(room / "users.npy"), np.load(room / "items.npy"), np.load(room / "people.npy")
        )
    speed = {side: sorted(sizes["users"] / row["seconds"] for row in found) for side, found in rows.items()}
    cells: list[Any] = [
        name,
        "drawn" if model == "drawn" else "fitted",
        sizes["dim"],
        sizes["users"],
        sizes["items"],
    ]
    for side in ("us", "them"):
        cells += [round(x) for x in (median(speed[side]), speed[side][0], speed[side][-1])]
    ratios = [
        median(b[clock] / a[clock] for a, b in zip(rows["us"], rows["them"], strict=True))
        for clock in ("seconds", "processor_seconds")
    ]
    memory = [round(max(row["mb"] for row in rows[side])) for side in ("us", "them")]
    return [
        *cells,
        *(round(ratio, 2) for ratio in ratios),
        *memory,
        round(floor(sizes["dim"], sizes["items"])),
        differ,
    ]


def _parts(data: Path) -> list[Ratings]:
    return [
        Ratings.from_table(read_parquet(data / f"ranking/{part}.parquet"))
        for part in ("train", "val", "test")
    ]


def _run(command: list[str]) -> list[dict[str, float]]:
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    print(Path(command[0]).parts[-3], rows, flush=True)
    return rows


def _differ(
    ours: np.ndarray, theirs: np.ndarray, users: np.ndarray, items: np.ndarray, people: np.ndarray
) -> int:
    """Lists whose scores, rank by rank, differ by more than rounding."""
    differ = 0
    for row in np.flatnonzero((ours != theirs).any(1)):
        mine, other = (items[lists[row]] @ users[people[row]] for lists in (ours, theirs))
        differ += not np.allclose(mine, other, rtol=1e-5, atol=1e-6)
    return differ


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path, required=True, help="a folder with the pipeline's data/")
    words.add_argument("--name", default="", help="what the table calls the data")
    words.add_argument(
        "--model", default="drawn", help="a folder that `bench.marquee_adapter` left, or `drawn`"
    )
    words.add_argument("--dim", type=int, default=64)
    words.add_argument("--peer", default="", help="the Python of implicit's environment")
    words.add_argument("--repeats", type=int, default=3)
    words.add_argument("--people", type=int, help="no more than so many users; else all")
    words.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    asked = words.parse_args()
    data = asked.data / "data"
    if asked.ours:
        ours(data, asked.ours, asked.repeats)
        return
    row = contest(
        data, asked.name or asked.data.name, asked.model, asked.dim, asked.peer, asked.repeats, asked.people
    )
    old = [line.split(",") for line in RESULTS.read_text().splitlines()[1:]] if RESULTS.is_file() else []
    kept = [line for line in old if line[:3] != [str(cell) for cell in row[:3]]]
    write_csv(RESULTS, HEADER, [*kept, row])
    print(dict(zip(HEADER, row, strict=True)))


if __name__ == "__main__":
    main()
