"""A small split and lists of every kind: without a hit, shorter than k, missing, with many relevant items."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

N_ITEMS, K, LENGTH = 80, 10, 12


def rows() -> dict[str, list[tuple]]:
    """Return train, test and lists of 60 users; the sixth has no list, each ninth a short one."""
    rng = np.random.default_rng(7)
    train, test, lists = [], [], []
    for place, user in enumerate(range(100, 160)):
        items = rng.permutation(N_ITEMS).tolist()
        n_train, n_test = rng.integers(3, 20), rng.integers(1, 18)
        wanted, free = items[n_train : n_train + n_test], items[n_train:]
        train += [(user, item) for item in items[:n_train]]
        test += [(user, item) for item in wanted]
        if place == 5:
            continue
        weight = np.array([(3.0 if place % 7 else 1e-9) if item in wanted else 1.0 for item in free])
        length = LENGTH if place % 9 else int(rng.integers(1, 9))
        top = rng.choice(free, length, replace=False, p=weight / weight.sum()).tolist()
        lists += [(user, item, rank, round(1 / rank, 6)) for rank, item in enumerate(top, 1)]
    return {"train": train, "test": test, "lists": lists}


HEADS = {"train": ("user", "item"), "test": ("user", "item"), "lists": ("user", "item", "rank", "score")}


def write(folder: Path, tables: dict[str, list[tuple]]) -> dict[str, Path]:
    """Write each table as CSV and return the paths."""
    paths = {name: folder / f"{name}.csv" for name in tables}
    for name, path in paths.items():
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADS[name])
            writer.writerows(tables[name])
    return paths


def full_lists_only(tables: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """Return the tables without users whose list is missing or shorter than K."""
    full = {row[0] for row in tables["lists"] if row[2] == K}
    return {name: [row for row in part if row[0] in full] for name, part in tables.items()}
