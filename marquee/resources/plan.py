"""A plan: for each stage of a run its memory and disk by formula, and what its last run took."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marquee import config
from marquee.resources.disk_model import disk_bytes
from marquee.resources.memory_limit import Limit
from marquee.resources.memory_model import memory_need, remedy
from marquee.resources.pipeline_sizes import PipelineSizes

# What is read of a row, and its types
LOGGED = {"seconds": (int, float), "peak_mib": (int,), "ended": (str,)}


@dataclass(frozen=True)
class PlannedStage:
    """One stage: its bytes in memory and on the disk, what to do if it does not fit, and its last run.

    remedy        empty where the stage fits, or where no limit is known
    last_seconds  and last_peak_mib: of its last run on this machine; None where the log has none
    """

    stage: str
    memory_bytes: float
    disk_bytes: float
    remedy: str = ""
    last_seconds: float | None = None
    last_peak_mib: int | None = None
    last_ended: str | None = None


def stages(params: config.Params) -> list[str]:
    """Return the names of all stages, in the order of a run."""
    models = list(params.models)
    return [
        *("check", "download", "ingest"),
        *(f"split@{task}" for task in config.TASKS),
        "negatives",
        *(f"candidates@{task}" for task in config.TASKS),
        *(f"{stage}@{name}" for stage in ("train", "evaluate", "plot") for name in models),
        *("oracle", "compare", "report", "demo"),
    ]


def plan(
    params: config.Params, sizes: PipelineSizes, limit: Limit | None, log: Iterable[str] = ()
) -> list[PlannedStage]:
    """Plan every stage. `log` holds the lines of logs/stages.jsonl, oldest first."""
    last = last_runs(log, params.dataset.name)
    planned = []
    for stage in stages(params):
        need, run = memory_need(stage, params, sizes), last.get(stage, {})
        planned.append(
            PlannedStage(
                stage,
                need.bytes,
                disk_bytes(stage, params, sizes),
                remedy(need) if limit and need.bytes > limit.bytes else "",
                run.get("seconds"),
                run.get("peak_mib"),
                run.get("ended"),
            )
        )
    return planned


def last_runs(log: Iterable[str], dataset: str) -> dict[str, Mapping[str, Any]]:
    """Return stage -> the last row of the log that ran on `dataset`, and its `fit_seconds` if it trained.

    A line that is no row is skipped.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for line in log:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # a process was killed while it wrote
            continue
        if isinstance(row, dict) and row.get("dataset") == dataset and isinstance(row.get("stage"), str):
            found[row["stage"]] = {
                name: row[name] for name, kinds in LOGGED.items() if _is(row.get(name), kinds)
            } | _fit_seconds(row.get("phases"))
    return found


def _fit_seconds(phases: Any) -> dict[str, float]:
    """Return `fit_seconds` of a row that trained a model, without start and files."""
    for one in phases if isinstance(phases, list) else ():
        if isinstance(one, dict) and one.get("phase") == "fitting" and _is(one.get("seconds"), (int, float)):
            return {"fit_seconds": one["seconds"]}
    return {}


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)
