"""Compare models over several windows of time: a table for each window, and one for all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce

import numpy as np

from marquee.config import CompareOptions
from marquee.evaluation.test_set import ModelResult
from marquee.leaderboard import table
from marquee.leaderboard.metrics import ranked
from marquee.leaderboard.significance import Ratio
from marquee.leaderboard.table import Row, direction
from marquee.leaderboard.text import half_interval, halves, mark, marks
from marquee.rng import named_rng
from marquee.terminal import aligned

HEADER = ("window", *table.HEADER)
ALL = 0  # the number of the rows of all windows together


@dataclass(frozen=True)
class Window:
    """One window of a backtest.

    number  1 for the earliest
    known   the users with a training row, ascending
    about   `train_from`, `test_from` and `test_to`, Unix seconds; `train`, `validation` and `test`, rows;
            `test_users`, and `new_users` of them without a training row
    """

    number: int
    known: np.ndarray
    about: Mapping[str, int]
    results: list[ModelResult] = field(default_factory=list)

    def of_known_users(self) -> Window:
        """Return the window with the test users who have a training row alone."""
        members = [np.isin(one.per_user["user"], self.known) for one in self.results]
        results = [
            table.of_users(one, inside, list(one.metrics))
            for one, inside in zip(self.results, members, strict=True)
        ]
        return replace(
            self, about={**self.about, "test_users": int(members[0].sum()), "new_users": 0}, results=results
        )


def compare_windows(windows: Sequence[Window], options: CompareOptions, seed: int) -> list[Row]:
    """Return the rows of all windows together, then those of each, with the keys of `HEADER`.

    Those of a window are the leaderboard that the pipeline makes of it. Together, a user counts in each
    window where there is a test row, and the bootstrap samples users with all their windows.
    """
    rows = [{"window": ALL, **row} for row in _together(windows, options, named_rng(seed, "backtest"))]
    for window in windows:
        found = table.compare(window.results, options, named_rng(seed, "compare"))
        rows += [{"window": window.number, **row} for row in found]
    return rows


def _together(windows: Sequence[Window], options: CompareOptions, rng: np.random.Generator) -> list[Row]:
    users = reduce(np.union1d, [one.per_user["user"] for window in windows for one in window.results])
    sums: dict[tuple[str, str], Ratio] = {}
    for window in windows:
        for one in window.results:
            place = np.searchsorted(users, one.per_user["user"])
            for metric, ratio in table.ratios_of(one).items():
                new = Ratio(np.zeros(len(users)), np.zeros(len(users)), ratio.root)
                whole = sums.setdefault((one.model, metric), new)
                known = ~np.isnan(ratio.total)
                assert whole.count is not None
                whole.total[place[known]] += ratio.total[known]
                whole.count[place[known]] += 1.0 if ratio.count is None else ratio.count[known]
    values: dict[str, dict[str, float]] = {}
    for (model, metric), whole in sums.items():
        values.setdefault(model, {})[metric] = whole.value
    task = windows[0].results[0].task
    board = [ModelResult(model, task, found, {"user": users}) for model, found in sorted(values.items())]
    return table.board_rows(board, sums, options, rng)


def text(rows: Sequence[Row], windows: Sequence[Window], metric: str, options: CompareOptions) -> str:
    """Return the table of one metric: a line of values and one of half intervals for each model."""
    task = rows[0]["task"]
    cells = {(row["window"], row["model"]): row for row in rows if row["metric"] == metric}
    order = ranked([row for row in rows if row["window"] == ALL], task, metric)
    numbers = [ALL, *(window.number for window in windows)]
    lines: list[list[str]] = [
        ["", "all", *(str(window.number) for window in windows)],
        ["test from", "", *(_day(window.about["test_from"]) for window in windows)],
        ["test users", *_totals(windows, "test_users")],
        ["without training", *_totals(windows, "new_users")],
    ]
    for row in order:
        found = [cells.get((number, row["model"])) for number in numbers]
        lines.append([row["model"], *(_value(cell, options) for cell in found)])
        lines.append(["", *(half_interval(cell) for cell in found)])
    better = "higher" if direction(metric) > 0 else "lower"
    heading = f"{task.capitalize()}, {metric} by window, {better} is better"
    return f"{heading}\n\n{aligned(lines)}\n\n{marks(options)}\n{halves(options)}\n"


def _totals(windows: Sequence[Window], name: str) -> list[str]:
    counts = [window.about[name] for window in windows]
    return [f"{count:,}" for count in (sum(counts), *counts)]


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _value(row: Row | None, options: CompareOptions) -> str:
    return "-" if row is None else f"{mark(row, options)}{row['value']:.4f}"
