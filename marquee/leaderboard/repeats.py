"""The leaderboards of several folds or seeds as one: mean and standard deviation over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from marquee.leaderboard.metrics import Row
from marquee.leaderboard.table import COLUMNS, DECIMALS, CompareOptions
from marquee.leaderboard.text import best_first
from marquee.terminal import aligned


def averages(runs: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    """Return a row for each task, model and metric of `runs`, which are label -> rows of a leaderboard.

    `value` is the mean over the runs that have the metric, `std` their standard deviation (with n - 1; None
    of a single one), `n` their number and `values` label -> value.
    """
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for label, rows in runs.items():
        for row in rows:
            found.setdefault((row["task"], row["model"], row["metric"]), {})[label] = row["value"]
    return [
        {
            **dict(zip(("task", "model", "metric"), key, strict=True)),
            "value": round(mean(values.values()), DECIMALS),
            "std": round(stdev(values.values()), DECIMALS) if len(values) > 1 else None,
            "n": len(values),
            "values": values,
        }
        for key, values in found.items()
    ]


def text(rows: Sequence[Row], options: CompareOptions) -> str:
    """Return a table for each task, the best mean first."""
    tables = (_table([row for row in rows if row["task"] == task], task, options) for task in COLUMNS)
    return "\n\n".join(filter(None, tables))


def _table(rows: Sequence[Row], task: str, options: CompareOptions) -> str:
    names = [name.format(k=options.k) for name in COLUMNS[task]]
    found = {(row["model"], row["metric"]): row for row in rows}
    if not (order := best_first(rows, task, names[0])):
        return ""
    cells = [
        [row["model"], *(_cell(found.get((row["model"], name))) for name in names), row["n"]] for row in order
    ]
    printed = aligned(cells, headers=["model", *names, "n"])
    return f"{task.capitalize()}, best mean {names[0]} first\n\n{printed}"


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{row['value']:.4f}" + ("" if row["std"] is None else f" ± {row['std']:.4f}")
