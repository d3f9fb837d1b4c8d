"""Arrange the content of the page for its templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marquee.data.ratings import lowest_positive, unusual_positives
from marquee.leaderboard.metrics import Row, metric_group, metric_groups, metric_title, ranked
from marquee.leaderboard.significance import least_p
from marquee.leaderboard.table import ORACLE
from marquee.report.content import ReportContent

COLUMNS = 6  # metrics in one table: what fits on a sheet of paper
FIGURES = (  # of a model, in the order of the page
    *("learning_curve", "genres", "errors", "calibration", "errors_by_user", "errors_by_movie"),
    *("movies_pca", "movies_tsne", "users_pca", "biases"),
)
Lines = list[tuple[str, list[Row | None]]]  # of each model a cell for each metric


@dataclass(frozen=True)
class Board:
    """The rows of one task by its primary metric, the best first, with and without the oracle.

    least_p  the smallest adjusted p that the bootstrap could find: an upper bound of the true one
    """

    task: str
    metric: str
    rows: Sequence[Row]
    least_p: float = 0

    @property
    def models(self) -> list[Row]:
        return [row for row in self.rows if row["model"] != ORACLE]

    @property
    def oracle(self) -> Row | None:
        return next((row for row in self.rows if row["model"] == ORACLE), None)


@dataclass(frozen=True)
class MetricTable:
    """A few metrics and, for each task that has any of them, the lines of its models."""

    heading: str
    metrics: Sequence[str]
    tasks: Mapping[str, Lines]


def sections(content: ReportContent) -> dict[str, str]:
    """Return id -> heading of the parts of the page."""
    against = {"against": f"Against {content.against.revision}"} if content.against else {}
    return {
        "data": "Dataset",
        "leaderboard": "Leaderboard",
        **against,
        "models": "Models",
        "tail": "Long tail and coverage",
        **({"groups": "Groups of users"} if content.groups else {}),
        "parameters": "Parameters",
        "provenance": "Provenance",
        "metrics": "All metrics",
    }


def boards(content: ReportContent) -> list[Board]:
    found = []
    for task, metric in content.headline.items():
        rows = ranked(content.rows, task, metric)
        tests = sum(row["p_holm"] is not None for row in rows)
        found.append(Board(task, metric, rows, least_p(tests, content.resamples)))
    return found


def metric_tables(content: ReportContent) -> list[MetricTable]:
    """Return all metrics, at most COLUMNS to a table."""
    tables = []
    for heading, metrics in metric_groups({row["metric"] for row in content.rows}).items():
        for first in range(0, len(metrics), COLUMNS):
            part = metrics[first : first + COLUMNS]
            tasks = {board.task: _lines(content, board, part) for board in boards(content)}
            found = {task: lines for task, lines in tasks.items() if lines}
            tables.append(MetricTable(heading, part, found))
    return tables


def group_tables(content: ReportContent) -> list[MetricTable]:
    """Return a table for each task and group, with a column for each level."""
    cells = {(row["task"], row["group"], row["level"], row["model"]): row for row in content.groups}
    tables = []
    for board in boards(content):
        for group in dict.fromkeys(row["group"] for row in content.groups if row["task"] == board.task):
            users = {
                level: row["users"]
                for (task, of, level, _), row in cells.items()
                if (task, of) == (board.task, group)
            }
            lines = [
                (row["model"], [cells.get((board.task, group, level, row["model"])) for level in users])
                for row in board.rows
            ]
            heading = f"{board.task.capitalize()}, {metric_title(board.metric)} by {group}"
            columns = [f"{level} (n = {n:,})" for level, n in users.items()]
            tables.append(MetricTable(heading, columns, {board.task: lines}))
    return tables


def two_goals(content: ReportContent) -> tuple[Row, Row, MetricTable] | None:
    """Return the rating model with the least error, the one with the best lists, and both metrics of all."""
    error, metric = content.headline.get("rating", ""), content.headline.get("ranking", "")
    by_error, by_list = (
        Board("rating", name, ranked(content.rows, "rating", name)) for name in (error, metric)
    )
    if not by_error.models or not by_list.models:
        return None
    metrics = [error, *metric_groups({row["metric"] for row in content.rows})[metric_group(metric)]]
    table = MetricTable("Two goals", metrics, {"rating": _lines(content, by_error, metrics)})
    return by_error.models[0], by_list.models[0], table


def _lines(content: ReportContent, board: Board, metrics: Sequence[str]) -> Lines:
    """Return the models of a board, best first, that have any of the metrics."""
    cells = {(row["model"], row["metric"]): row for row in content.rows if row["task"] == board.task}
    lines = [(row["model"], [cells.get((row["model"], metric)) for metric in metrics]) for row in board.rows]
    return [(model, found) for model, found in lines if any(found)]


def positives_warning(content: ReportContent) -> str | None:
    """Say that nearly all or nearly no ratings are positives; None where all are one, and of counts."""
    card, tasks = content.card, content.params.get("tasks", {})
    asked = tasks.get("ranking", {}).get("positive_threshold")
    scale = tuple(card["scale"][name] for name in ("low", "high", "step"))
    if scale[0] == scale[1] or card["feedback"] == "implicit":
        return None
    least, counted = lowest_positive(asked, *scale), card["histogram"]
    pairs = list(zip(counted["rating"], counted["count"], strict=True))
    return unusual_positives(sum(n for rating, n in pairs if rating >= least), sum(n for _, n in pairs))


def parameter_blocks(params: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return a block for each model, then one for each other block of params.yaml."""
    others = {name: entry for name, entry in params.items() if name != "models"}
    return [*_blocks("", params.get("models", {})), *_blocks("general", others)]


def _blocks(name: str, entry: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the plain values of `entry` under `name`, then each block inside it under its dotted key."""
    own = {key: value for key, value in entry.items() if not isinstance(value, Mapping)}
    if own:
        yield name, own
    for key, value in entry.items():
        if isinstance(value, Mapping):
            yield from _blocks(f"{prefix}{key}", value, f"{prefix}{key}.")
