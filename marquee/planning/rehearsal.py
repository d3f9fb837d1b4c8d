"""A rehearsal of the pipeline in small worlds, in processes of their own."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marquee.foundation.artifacts import write_text
from marquee.foundation.errors import MarqueeError
from marquee.planning.schedule import Step, groups
from marquee.planning.sizes import Extent
from marquee.planning.stopwatch import now, since
from marquee.planning.worlds import TINY

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ROOMS = ("data/raw", "data/evaluation", "data/pictures", "models", "plots/train", "metrics/models")


def rehearse(
    worlds: Mapping[str, Mapping[str, Any]], small: Mapping[str, Extent], root: Path, folder: Path
) -> list[dict[str, Any]]:
    """The rows of `stages.rehearse` for all that `groups` lists.

    worlds  the parameters of each
    small   their extents
    root    the repository, whose stages are run
    folder  where the worlds are made: empty
    """
    import yaml

    for world, settings in worlds.items():
        for room in ROOMS:
            (folder / world / room).mkdir(parents=True)
        write_text(folder / world / "params.yaml", yaml.safe_dump(dict(settings), sort_keys=False))
    rows: list[dict[str, Any]] = []
    for steps in groups(worlds, small):
        for picture in folder.glob("*/data/pictures/*/"):
            _lend(picture, folder, worlds)
        rows += _run(steps, root, folder)
    return rows


def _lend(picture: Path, folder: Path, worlds: Mapping[str, Mapping[str, Any]]) -> None:
    """A model's pictures to all of its algorithm in every world: the report wants them."""
    own = worlds[TINY]["models"][picture.name]["algorithm"]
    for world, settings in worlds.items():
        for name, block in settings["models"].items():
            there = folder / world / "data/pictures" / name
            if block["algorithm"] == own and not there.exists():
                shutil.copytree(picture, there)


def _run(steps: Sequence[Step], root: Path, folder: Path) -> list[dict[str, Any]]:
    given, taken = folder / "steps.json", folder / "rows.json"
    write_text(given, json.dumps([[str(folder / world), *rest] for world, *rest in steps]))
    command = [sys.executable, "-m", "stages.rehearse", str(given), str(taken)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        what = (done.stderr.strip().splitlines() or ["nothing said why"])[-1]
        raise MarqueeError(f"the rehearsal ended early: {what}")
    rows = json.loads(taken.read_text("utf-8"))
    for row in rows:
        row["step"][0] = Path(row["step"][0]).name
    return rows


def starting(root: Path) -> float:
    """Seconds between two stages: Python with what a stage imports, and DVC writing dvc.lock anew."""
    begin = now()
    subprocess.run([sys.executable, "-c", "import stages.train"], cwd=root, check=True)
    return min(since(begin)) + _locking(root / "dvc.lock")


def _locking(lock: Path) -> float:
    from tempfile import TemporaryDirectory

    from dvc.utils.serialize import modify_yaml

    if not lock.is_file():
        return 0.0
    with TemporaryDirectory() as folder:
        copy = shutil.copy(lock, folder)
        begin = now()
        with modify_yaml(copy):
            pass
        return min(since(begin))


def key(worlds: Mapping[str, Mapping[str, Any]], root: Path) -> str:
    """What a rehearsal depends on: the machine, the code and the small worlds' parameters."""
    threads = [os.environ.get(name) for name in THREADS]
    machine = [platform.node(), platform.processor(), os.cpu_count(), sys.version, threads]
    digest = hashlib.sha256(json.dumps([machine, worlds], sort_keys=True).encode())
    for path in sorted(path for room in ("marquee", "stages") for path in (root / room).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
