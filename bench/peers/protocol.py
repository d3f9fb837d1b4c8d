"""How `make bench` talks to a system in an environment of its own; needs nothing but numpy.

    <env>/bin/python bench/peers/<script>.py TASK FOLDER [key=value ...]

A script reads columns such as train_user.npy from FOLDER and prints one JSON object a line. If the setting
`out` is given, it writes users.npy and items.npy there, whose products are its scores.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = ("user", "item", "rating")


def arguments(description: str | None = None) -> tuple[str, Path, dict[str, Any]]:
    """Parse TASK, FOLDER and the settings."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task")
    parser.add_argument("folder", type=Path)
    parser.add_argument("settings", nargs="*", type=setting, metavar="key=value")
    given = parser.parse_args()
    return given.task, given.folder, dict(given.settings)


def setting(word: str) -> tuple[str, Any]:
    """Parse `dim=64`, a number; a value that is not JSON is a string."""
    key, _, value = word.partition("=")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def read(folder: Path, parts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read user int32 [n], item int32 [n] and rating float32 [n] of `parts`, sorted by user."""
    columns = [np.concatenate([np.load(folder / f"{part}_{name}.npy") for part in parts]) for name in COLUMNS]
    if len(parts) > 1:
        order = np.argsort(columns[0], kind="stable")
        columns = [column[order] for column in columns]
    user, item, rating = columns
    return user, item, rating


def shape(folder: Path) -> tuple[int, int]:
    """Read (n_users, n_items)."""
    found = json.loads((folder / "shape.json").read_text("utf-8"))
    return found["n_users"], found["n_items"]


def matrix(folder: Path, parts: Sequence[str], value: float | None = None) -> Any:
    """Make scipy's float32 CSR [n_users, n_items] of the ratings, or of `value` for each pair."""
    from scipy.sparse import csr_matrix

    user, item, rating = read(folder, parts)
    return csr_matrix((rating if value is None else np.full_like(rating, value), (user, item)), shape(folder))


class Laps:
    """Record the seconds of wall time between calls, the first since the start."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.last = time.perf_counter()

    def __call__(self, *_: object) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now


def report(seconds: Sequence[float], units: int, process: str = "self") -> None:
    """Print seconds of each epoch, ratings, pairs or triples of an epoch, and the peak memory so far."""
    print(json.dumps({"seconds": list(seconds), "units": units, "peak_mib": peak_mib(process)}), flush=True)


def peak_mib(process: str) -> int | None:
    """Read the peak memory of a process so far; None except on Linux."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else []
    found = [int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM")]
    return found[0] if found else None


def save(out: str | None, users: np.ndarray, items: np.ndarray) -> None:
    """Write rows [n_users, d] and [n_items, d]; a bias is a column that meets a 1."""
    if out:
        for name, rows in (("users", users), ("items", items)):
            np.save(Path(out) / f"{name}.npy", np.ascontiguousarray(rows, np.float32))


def placed(rows: np.ndarray, ids: np.ndarray, n: int) -> np.ndarray:
    """Place a system's own rows at our `ids` out of n; ids that it has not seen get zeros."""
    whole = np.zeros((n, *rows.shape[1:]), np.float32)
    whole[ids] = rows
    return whole


def with_biases(
    mean: float, user_bias: np.ndarray, item_bias: np.ndarray, users: np.ndarray, items: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Make rows whose products are mean + user_bias + item_bias + users · items."""
    ones = [np.ones((len(rows), 1), np.float32) for rows in (users, items)]
    return (
        np.hstack([users, user_bias[:, None] + mean, ones[0]]),
        np.hstack([items, ones[1], item_bias[:, None]]),
    )
