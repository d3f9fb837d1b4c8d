"""The leaderboard as text: a table for each task, the best model first, and what its marks mean."""

from __future__ import annotations

from collections.abc import Sequence

from marquee.leaderboard.metrics import Row, ranked
from marquee.leaderboard.table import COLUMNS, ORACLE, CompareOptions, direction
from marquee.terminal import aligned

BEYOND = ("popularity_percentile@{k}", "genre_miscalibration@{k}", "coverage@{k}")
AMONG_CANDIDATES = ("sampled_ndcg@{k}", "sampled_hit@{k}", "sampled_recall@{k}", "coverage@{k}")
COSTS = ("fit_seconds", "peak_MiB")  # of the last fit, where rows have them


def text(rows: Sequence[Row], options: CompareOptions) -> str:
    """Return the tables of accuracy and their legend, for a terminal."""
    legend = marks(options)
    if any(row["model"] == ORACLE for row in rows):
        legend += "\n% of best: % of the best possible score, known because the data is simulated"
    tables = (_table([row for row in rows if row["task"] == task], task, options) for task in COLUMNS)
    return "\n\n".join([*filter(None, tables), legend]) + "\n"


def beyond_text(rows: Sequence[Row], options: CompareOptions) -> str:
    """Return a table for each task of what accuracy does not say, and of what `COSTS` a fit has in `rows`."""
    found = {(row["task"], row["model"], row["metric"]): row for row in rows}
    tables = []
    for task, (first, *_) in COLUMNS.items():
        metrics = [name.format(k=options.k) for name in (first, *BEYOND)]
        lines = []
        for model in (row["model"] for row in best_first(rows, task, metrics[0])):
            cells = (found.get((task, model, metric)) for metric in metrics)
            costs = (found.get((task, model, cost)) for cost in COSTS)
            line = [f"{_number(cell)} {half_interval(cell)}".strip() for cell in cells]
            lines.append([model, *line, *("-" if cost is None else f"{cost['value']:,g}" for cost in costs)])
        if lines:
            over, under = zip(*(name.rpartition("_")[::2] for name in (*metrics, *COSTS)), strict=True)
            table = aligned([["", *over], ["model", *under], *lines])
            tables.append(f"{task.capitalize()}, best {metrics[0]} first\n\n{table}")
    return "\n\n".join([*tables, halves(options)]) + "\n"


def groups_text(rows: Sequence[Row], options: CompareOptions) -> str:
    """Return a table for each task and group of users, with a column for each level."""
    tables = []
    for task, group in dict.fromkeys((row["task"], row["group"]) for row in rows):
        own = [row for row in rows if (row["task"], row["group"]) == (task, group)]
        users = {row["level"]: row["users"] for row in own}
        found = {(row["model"], row["level"]): row for row in own}
        lines = [["", *users], ["users", *(f"{n:,}" for n in users.values())]]
        for model in dict.fromkeys(row["model"] for row in own):
            cells = [found[model, level] for level in users]
            lines.append([model, *(f"{mark(cell, options)}{_number(cell)}" for cell in cells)])
            lines.append(["", *(half_interval(cell) for cell in cells)])
        tables.append(f"{task.capitalize()}, {own[0]['metric']} by {group}\n\n{aligned(lines)}")
    legend = (
        f"* best; ~ not significantly different from it (Holm p >= {options.level:g}, not adjusted for the"
    )
    return "\n\n".join([*tables, f"{legend} number of groups)\n{halves(options)}"]) + "\n"


def marks(options: CompareOptions) -> str:
    """Say what the marks of the models mean."""
    test = f"(paired bootstrap over users, Holm p >= {options.level:g})"
    return f"* best; ~ not significantly different from it {test}"


def halves(options: CompareOptions) -> str:
    return f"± half of the {100 * options.confidence:g}% interval"


def best_first(rows: Sequence[Row], task: str, metric: str) -> list[Row]:
    """Return the rows of a task and metric; the oracle's is the last."""
    return sorted(ranked(rows, task, metric), key=lambda row: row["model"] == ORACLE)


def _table(rows: Sequence[Row], task: str, options: CompareOptions) -> str:
    """Return the table of one task; empty without rows. The oracle is the last row."""
    columns = COLUMNS[task]
    if not ranked(rows, task, columns[0].format(k=options.k)):  # judged lists that rank candidates alone
        columns = AMONG_CANDIDATES
    first, *others = (name.format(k=options.k) for name in columns)
    found = {(row["model"], row["metric"]): row for row in rows}
    sign, bound = direction(first), found.get((ORACLE, first))
    if not (board := best_first(rows, task, first)):
        return ""
    cells = []
    for row in board:
        interval = f"[{row['low']:.4f}, {row['high']:.4f}]"
        values = (found.get((row["model"], metric)) for metric in others)
        line = [mark(row, options), row["model"], _number(row), interval, *map(_number, values)]
        cells.append([*line, _percentage(row["value"], bound["value"], sign)] if bound else line)
    head = ["", "model", first, f"{100 * options.confidence:g}% interval", *others]
    head += ["%_of best"] * bool(bound)
    over, under = zip(*(name.rpartition("_")[::2] for name in head), strict=True)  # a heading of two lines
    lines = [over, under, *cells] if any(over) else [under, *cells]
    return f"{task.capitalize()}, best {first} first\n\n{aligned(lines, 'll')}"


def mark(row: Row, options: CompareOptions) -> str:
    """`*` the best, `~` not significantly different from it; empty for any other model and for the oracle."""
    if row["best"]:
        return "*"
    return "~" if row["p_holm"] is not None and row["p_holm"] >= options.level else ""


def half_interval(row: Row | None) -> str:
    """Return half of the width of the interval; empty where there is none."""
    return "" if row is None or row["low"] is None else f"±{(row['high'] - row['low']) / 2:.4f}"


def _number(row: Row | None) -> str:
    return "-" if row is None else f"{row['value']:.4f}"


def _percentage(value: float, bound: float, sign: int) -> str:
    """Return the value as a percentage of the bound; for an error, the bound as one of the value."""
    part, whole = (value, bound) if sign > 0 else (bound, value)
    return f"{part / whole:.1%}" if whole else "-"
