"""Run recipes and keep their figures: `python -m bench.reproduce_results [recipe ...] --source FOLDER --work FOLDER`.

Each recipe has a clone of the committed state in the work folder, with its own DVC cache: what a change does
not reach is not run again. Writes bench/results/<recipe>.json (aggregates only), then docs/results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import yaml

from bench import results_page
from bench.protocols import PROTOCOLS, SOURCE, TARGET, Protocol, by_name
from marquee.evaluation.metrics import Columns
from marquee.io import read_json, read_parquet, to_arrays, write_json
from marquee.leaderboard.significance import Ratio, bootstrap, interval
from marquee.leaderboard.table import DECIMALS, from_csv
from marquee.rng import named_rng

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
PACKAGES = ("numpy", "scipy", "numba", "torch", "pyarrow", "dvc")
MADE = (":!dvc.lock", ":!metrics", ":!plots")  # by the last run here, so that DVC knows what it made
COUNTED = {  # of a rating model: sums over a user's test ratings, and whether the root is taken
    "rmse": ("squared_error", True),
    "mse": ("squared_error", False),
    "mae": ("absolute_error", False),
}


def measure(recipe: Protocol, source: str, work: Path) -> dict[str, Any]:
    """The recipe's figures. The last run's files stay in its clone."""
    room = work / recipe.name
    _clone(room)
    runs, folds = recipe.runs(), []
    for overrides in runs:
        words = (f"-S{override.replace(SOURCE, source)}" for override in overrides)
        _execute(room, "dvc", "exp", "run", *words, TARGET)
        folds.append(_test_errors(room))
    models = _models(room)
    for name, model in models.items():
        if recipe.folds and model["task"] == "rating":
            model["metrics"] = mean_over_folds([fold[name] for fold in folds])
        model["train"] = _spent(room, f"train@{name}", len(runs))
    data = read_json(room / "data/dataset.json")
    return {
        "recipe": recipe.name,
        "overrides": list(recipe.overrides),
        "data": {key: data[key] for key in ("ratings", "users", "items")},
        "rows": {task: _rows(room / "data" / task) for task in recipe.tasks},
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "threads": 1},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "models": {name: model for name, model in models.items() if model["task"] in recipe.tasks},
    }


def _clone(room: Path) -> None:
    """The committed state in `room`, but what the last run there made."""
    if not room.exists():
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(room)], check=True)
    _execute(room, "git", "fetch", "--quiet", str(ROOT), "HEAD")
    _execute(room, "git", "restore", "--source=FETCH_HEAD", "--staged", "--worktree", ".", *MADE)


def _execute(room: Path, *words: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, **dict.fromkeys(THREADS, "1")}
    subprocess.run(words, cwd=room, env=environment, check=True)


def _models(room: Path) -> dict[str, Any]:
    """model -> its task, its settings, and its metrics, each with its interval if there is one."""
    settings = yaml.safe_load((room / "params.yaml").read_text("utf-8"))
    models: dict[str, Any] = {
        name: {"task": block["task"], "settings": block, "metrics": {}}
        for name, block in settings["models"].items()
    }
    for row in from_csv((room / "plots/leaderboard/table.csv").read_text("utf-8").splitlines()):
        if row["metric"].partition("@")[2] in ("", str(settings["compare"]["k"])):
            kept = {key: row[key] for key in ("value", "low", "high", "p_holm") if row[key] is not None}
            models[row["model"]]["metrics"][row["metric"]] = kept
    return models


def _test_errors(room: Path) -> dict[str, Columns]:
    """model -> the errors of each user of the test set."""
    return {
        folder.name: to_arrays(read_parquet(folder / "per_user.parquet"))
        for folder in (room / "data/evaluation").glob("*/")
    }


def mean_over_folds(folds: list[Columns]) -> dict[str, Any]:
    """The mean over folds of a rating model's metrics; a user is drawn with the test ratings of all folds."""
    n_users = 1 + max(int(fold["user"].max()) for fold in folds)
    metrics: dict[str, Any] = {}
    for metric, (column, root) in COUNTED.items():
        ratios = [Ratio(_spread(fold, column, n_users), _spread(fold, "n", n_users), root) for fold in folds]
        drawn = bootstrap(ratios, 1000, named_rng(0, "compare"))  # (1 + B, folds)
        low, high = interval(drawn.mean(axis=1), 0.95)
        found = {"value": drawn[0].mean(), "low": low, "high": high}
        metrics[metric] = {key: round(float(value), DECIMALS) for key, value in found.items()}
        metrics[metric]["folds"] = [round(float(value), DECIMALS) for value in drawn[0]]
    return metrics


def _spread(fold: Columns, column: str, n_users: int) -> np.ndarray:
    """A column of the users of a fold, 0 for the others, float64 [n_users]."""
    whole = np.zeros(n_users)
    whole[fold["user"]] = np.nan_to_num(fold[column])
    return whole


def _rows(folder: Path) -> dict[str, int]:
    return {part: len(read_parquet(folder / f"{part}.parquet")) for part in ("train", "val", "test")}


def _spent(room: Path, stage: str, runs: int) -> dict[str, float]:
    """Seconds (means) and memory (the most) of the last times that a stage ran here."""
    lines = (room / "logs/stages.jsonl").read_text("utf-8").splitlines()
    times = [row for row in map(json.loads, lines) if row["stage"] == stage][-runs:]
    return {
        **{key: round(mean(row[key] for row in times), 3) for key in ("seconds", "processor_seconds")},
        "peak_mib": max(row["peak_mib"] for row in times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    names = [recipe.name for recipe in PROTOCOLS]
    parser.add_argument("recipe", nargs="*", help=f"of {', '.join(names)}; all without any")
    parser.add_argument("--source", default="official", help="dataset.source of every run")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "marquee-results")
    wanted = parser.parse_args()
    folder = Path(wanted.source)
    source = str(folder.resolve()) if folder.exists() else wanted.source  # a run's own folder is its clone
    for name in wanted.recipe or names:
        write_json(results_page.RESULTS / f"{name}.json", measure(by_name(name), source, wanted.work))
    results_page.main()


if __name__ == "__main__":
    main()
