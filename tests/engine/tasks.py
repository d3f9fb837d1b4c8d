"""Tasks for the tests of the engine: an executor imports them by name."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np

import marquee
from marquee.data import shares
from marquee.engine.worker import PREFIX
from marquee.errors import MarqueeError
from marquee.parallel import n_threads
from marquee.training.sparse_rows import solve_block


def sums(rows: slice, user: np.ndarray, factor: float = 1.0) -> np.ndarray:
    """As a sum of float32 numbers is of their order, so are its bytes."""
    return np.cumsum(user[rows].astype(np.float32) * np.float32(factor))


def changes(rows: slice, user: np.ndarray) -> int:
    """A task may not do this; on Spark no other task sees it."""
    user[rows] = 0
    return int(user.sum())


def refuse(number: int, least: int) -> int:
    if number >= least:
        raise MarqueeError(f"block {number} is wrong: leave it out")
    return number


def crash(number: int) -> int:
    return number // 0


def surroundings() -> tuple[str, str, int]:
    return marquee.__file__, os.environ["MARQUEE_ENGINE"], n_threads()


def shared_files(more: np.ndarray) -> list[str]:
    """Return the names of the files of shared values that lie in the folder of this executor's own one."""
    mapped = Path("/proc/self/maps").read_text().split()
    own = next(Path(word) for word in mapped if Path(word).name.startswith(PREFIX))
    return [path.name for path in own.parent.glob(f"{PREFIX}*") if path.name != f"{PREFIX}lock"]


def die_once(rows: slice, user: np.ndarray, flag: str) -> np.ndarray:
    """As `sums`, but the first call kills its executor, as a machine does that loses its power."""
    kill_executor_once(flag)
    return sums(rows, user)


def assigned_once_killed(*block: object, **shared: object) -> np.ndarray:
    """As the task of a split, but the first call kills its executor; the flag lies in the driver's folder."""
    kill_executor_once("killed")
    return shares.assigned(*block, **shared)


def kill_executor_once(flag: str) -> None:
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    process = os.getpid()
    while "CoarseGrainedExecutorBackend" not in Path(f"/proc/{process}/cmdline").read_text():
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        assert process > 1, "this is no executor of a cluster"
    os.kill(process, signal.SIGKILL)


def dying_solve(first: int, stop: int, flag: str, **shared: Any) -> tuple[np.ndarray, np.ndarray]:
    """As `solve_block`, but the first call that is not for the first rows kills its executor."""
    if first:
        kill_executor_once(flag)
    return solve_block(first, stop, **shared)
