"""Run the protocols of docs/results.md on real data, as a user would, and keep their figures.

Each protocol runs in a clone of the committed state in the folder --work, with a DVC cache of its own. A run
that was broken off goes on there: finished stages are not run again. The figures go to
<work>/<protocol>.json; --write puts them into bench/results/ and docs/results.md, too.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import yaml

from bench import output, results_page
from bench.protocols import PROTOCOLS, Protocol
from marquee.evaluation.metrics import Columns
from marquee.io import read_json, read_parquet, to_arrays, write_json
from marquee.leaderboard.significance import Ratio, bootstrap, interval
from marquee.leaderboard.table import DECIMALS, from_csv
from marquee.rng import named_rng

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
PACKAGES = ("numpy", "scipy", "numba", "torch", "pyarrow", "dvc")
MADE = (":!dvc.lock", ":!metrics", ":!plots")  # outputs of the last run in a clone, which DVC compares
COUNTED = {  # metric of a rating model -> the column of its sums by user, and whether the root is taken
    "rmse": ("squared_error", True),
    "mse": ("squared_error", False),
    "mae": ("absolute_error", False),
}


def reproduce(protocol: Protocol, source: str, work: Path, jobs: int) -> None:
    """Run `protocol` in its clone and write its figures to <work>/<protocol>.json."""
    clone = work / protocol.name
    _clone(clone)
    _execute(clone, *protocol.use(source))
    kept = clone / ".checkpoints/repeat"
    _execute(clone, *protocol.run(), *(["--keep", str(kept)] if protocol.repeat else []))
    models = _models(clone, protocol)
    for name, model in models.items():
        if protocol.repeat:
            key = protocol.repeat.partition("=")[0]
            folds = [_per_user(kept / f"{key}={value}" / name) for value in protocol.values]
            model["metrics"] = mean_over_folds(folds, model["metrics"])
        model["train"] = _spent(clone, f"train@{name}", len(protocol.values) or 1)
    data = read_json(clone / "data/dataset.json")
    figures = {
        "protocol": protocol.name,
        "commands": protocol.commands(),
        "data": {key: data[key] for key in ("ratings", "users", "items")},
        "rows": {task: _rows(clone / "data" / task) for task in protocol.tasks},
        "machine": {**output.machine(), "threads": 1, "protocols at once": jobs},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "models": models,
    }
    write_json(work / f"{protocol.name}.json", figures)


def _clone(clone: Path) -> None:
    """Bring the committed state into `clone`, except for what the last run there made."""
    if not clone.exists():
        subprocess.run(["git", "clone", "--quiet", str(output.ROOT), str(clone)], check=True)
    _execute(clone, "git", "fetch", "--quiet", str(output.ROOT), "HEAD")
    _execute(clone, "git", "restore", "--source=FETCH_HEAD", "--staged", "--worktree", ".", *MADE)


def _execute(clone: Path, *command: str) -> None:
    if command[0] == "marquee":  # of the clone, whichever is installed
        command = (sys.executable, "-m", *command)
    environment = {**output.environment(), **dict.fromkeys(THREADS, "1")}
    subprocess.run(command, cwd=clone, env=environment, check=True)


def _models(clone: Path, protocol: Protocol) -> dict[str, Any]:
    """Read model -> its task, its settings, and its metrics, with intervals where there are any."""
    settings = yaml.safe_load((clone / "params.yaml").read_text("utf-8"))
    models: dict[str, Any] = {
        name: {"task": block["task"], "settings": block, "metrics": {}}
        for name, block in settings["models"].items()
        if block["task"] in protocol.tasks
    }
    for row in from_csv((clone / "data/leaderboard/table.csv").read_text("utf-8").splitlines()):
        usual = row["metric"].partition("@")[2] in ("", str(settings["compare"]["k"]))
        if row["model"] in models and (usual or row["metric"] in protocol.shown):
            kept = {key: row[key] for key in ("value", "low", "high", "p_holm") if row[key] is not None}
            models[row["model"]]["metrics"][row["metric"]] = kept
    return models


def _per_user(folder: Path) -> Columns:
    """Read a model's errors or metrics of each user of the test set."""
    return to_arrays(read_parquet(folder / "per_user.parquet"))


def mean_over_folds(folds: list[Columns], wanted: Iterable[str]) -> dict[str, Any]:
    """Average the metrics `wanted` over folds; a resampled user brings the test ratings of all folds.

    Of a rating model these are `COUNTED`, of a ranking model those with a value for each user.
    """
    n_users = 1 + max(int(fold["user"].max()) for fold in folds)
    rated = "n" in folds[0]
    metrics: dict[str, Any] = {}
    for metric in COUNTED if rated else (name for name in wanted if name in folds[0]):
        column, root = COUNTED[metric] if rated else (metric, False)
        ratios = [Ratio(_spread(fold, column, n_users), _weight(fold, n_users), root) for fold in folds]
        resampled = bootstrap(ratios, 1000, named_rng(0, "compare"))  # (1 + B, folds)
        low, high = interval(resampled.mean(axis=1), 0.95)
        found = {"value": resampled[0].mean(), "low": low, "high": high}
        metrics[metric] = {key: round(float(value), DECIMALS) for key, value in found.items()}
        metrics[metric]["folds"] = [round(float(value), DECIMALS) for value in resampled[0]]
    return metrics


def _spread(fold: Columns, column: str, n_users: int) -> np.ndarray:
    """Spread a column over all users, float64 [n_users]; 0 for users without a test rating in the fold."""
    whole = np.zeros(n_users)
    whole[fold["user"]] = np.nan_to_num(fold[column])
    return whole


def _weight(fold: Columns, n_users: int) -> np.ndarray:
    """Count a user's test ratings or, where metrics are means of users, the user."""
    return _spread(fold if "n" in fold else {**fold, "n": np.ones(len(fold["user"]))}, "n", n_users)


def _rows(folder: Path) -> dict[str, int]:
    return {part: len(read_parquet(folder / f"{part}.parquet")) for part in ("train", "val", "test")}


def _spent(clone: Path, stage: str, runs: int) -> dict[str, float]:
    """Read the seconds (means) and the memory (the most) of the last `runs` times that a stage ran."""
    lines = (clone / "logs/stages.jsonl").read_text("utf-8").splitlines()
    times = [row for row in map(json.loads, lines) if row["stage"] == stage][-runs:]
    return {
        **{key: round(mean(row[key] for row in times), 3) for key in ("seconds", "processor_seconds")},
        "peak_mib": max(row["peak_mib"] for row in times),
    }


def main() -> None:
    parser = output.parser(__doc__)
    known = {protocol.name: protocol for protocol in PROTOCOLS if not protocol.run_of}
    parser.add_argument("protocol", nargs="*", help=f"{', '.join(known)}; default: all")
    parser.add_argument("--source", default="official", help="a folder with the release's zip, or official")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "marquee-results")
    parser.add_argument("--jobs", type=int, default=1, help="protocols at once, each on one thread")
    given = parser.parse_args()
    for name in given.protocol:
        if name not in known:
            parser.error(f"no protocol is named {name!r}: choose from {', '.join(known)}")
    folder = Path(given.source)
    source = str(folder.resolve()) if folder.exists() else given.source  # a clone has another folder
    # the longest first, so that no core waits
    names = sorted(given.protocol or known, key=lambda name: "1m" not in name)
    with ThreadPoolExecutor(given.jobs) as pool:
        runs = {name: pool.submit(reproduce, known[name], source, given.work, given.jobs) for name in names}
    failed = []
    for name, run in runs.items():
        try:
            run.result()
        except subprocess.CalledProcessError as error:
            command = " ".join(error.cmd)
            failed.append(f"{name}: {command!r} ended with {error.returncode} in {given.work / name}")
            continue
        print(given.work / f"{name}.json")
        if given.write:
            write_json(output.RESULTS / f"{name}.json", read_json(given.work / f"{name}.json"))
    if given.write:
        results_page.write()
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
