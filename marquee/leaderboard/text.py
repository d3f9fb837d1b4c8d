"""The leaderboard as text: a table for each task, the best model first, and what its marks mean."""

from __future__ import annotations

from collections.abc import Sequence

from marquee.leaderboard.metrics import Row, ranked
from marquee.leaderboard.table import COLUMNS, ORACLE, CompareOptions, direction


def text(rows: Sequence[Row], options: CompareOptions) -> str:
    """Return the tables and their legend, for a terminal."""
    test = f"(paired bootstrap over users, Holm p >= {options.level:g})"
    legend = f"* best; ~ not significantly different from it {test}"
    if any(row["model"] == ORACLE for row in rows):
        legend += "\n% of best: % of the best possible score, known because the data is simulated"
    tables = (_table([row for row in rows if row["task"] == task], task, options) for task in COLUMNS)
    return "\n\n".join([*filter(None, tables), legend]) + "\n"


def _table(rows: Sequence[Row], task: str, options: CompareOptions) -> str:
    """Return the table of one task; empty without rows. The oracle is the last row."""
    from tabulate import tabulate

    first, *others = (name.format(k=options.k) for name in COLUMNS[task])
    found = {(row["model"], row["metric"]): row for row in rows}
    sign, bound = direction(first), found.get((ORACLE, first))
    board = sorted(ranked(rows, task, first), key=lambda row: row["model"] == ORACLE)
    if not board:
        return ""
    cells = []
    for row in board:
        interval = f"[{row['low']:.4f}, {row['high']:.4f}]"
        values = (found.get((row["model"], metric)) for metric in others)
        line = [mark(row, options), row["model"], _number(row), interval, *map(_number, values)]
        cells.append([*line, _percentage(row["value"], bound["value"], sign)] if bound else line)
    head = ["", "model", first, f"{100 * options.confidence:g}% interval", *others]
    head += ["%_of best"] * bool(bound)
    align = ["left", "left", *["right"] * (len(head) - 2)]
    over, under = zip(*(name.rpartition("_")[::2] for name in head), strict=True)  # a heading of two lines
    lines = [over, under, *cells] if any(over) else [under, *cells]
    printed = tabulate(lines, tablefmt="plain", colalign=align, disable_numparse=True)
    return f"{task.capitalize()}, best {first} first\n\n{printed}"


def mark(row: Row, options: CompareOptions) -> str:
    """`*` the best, `~` not significantly different from it; empty for any other model and for the oracle."""
    if row["best"]:
        return "*"
    return "~" if row["p_holm"] is not None and row["p_holm"] >= options.level else ""


def _number(row: Row | None) -> str:
    return "-" if row is None else f"{row['value']:.4f}"


def _percentage(value: float, bound: float, sign: int) -> str:
    """Return the value as a percentage of the bound; for an error, the bound as one of the value."""
    part, whole = (value, bound) if sign > 0 else (bound, value)
    return f"{part / whole:.1%}" if whole else "-"
