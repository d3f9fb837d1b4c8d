"""Who is best: the sentence at the top, the leaderboard of each task, every metric."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from marquee.figures.leaderboard import Row, metric_title, ranked
from marquee.figures.leaderboard import leaderboard as draw
from marquee.leaderboard.table import ORACLE
from marquee.report.content import ReportContent
from marquee.report.markup import interval, number, p_value, picture, table

ERRORS = ("rmse", "mae", "mse")
ACCURACY = ("hit", "precision", "recall", "ndcg", "map", "mrr")
COLUMNS = 6  # metrics in one table: what fits on a sheet of paper


def leader(content: ReportContent, task: str) -> str:
    """Who leads a task, by how much, whether that is more than chance, and where the oracle is."""
    metric = content.headline[task]
    found = ranked(content.rows, task, metric)
    models = [row for row in found if row["model"] != ORACLE]
    if not models:
        return f"No model was measured on the {escape(task)} task."
    first, *others = models
    name, value = escape(first["model"]), f"{escape(metric_title(metric))} {number(first['value'])}"
    words = f"<strong>{name}</strong> is the only {escape(task)} model, with {value}"
    if others:
        second, p = others[0], others[0]["p_holm"]
        verdict = "a significant difference" if p < 1 - content.confidence else "no significant difference"
        words = (
            f"<strong>{name}</strong> leads {escape(task)} with {value}, "
            f"{number(abs(first['value'] - second['value']))} ahead of {escape(second['model'])}: "
            f"{verdict} (p {p_value(p, '= ')} after Holm)"
        )
    for row in found:
        if row["model"] == ORACLE:
            words += f". The oracle, which knows the planted truth, reaches {number(row['value'])}"
    return words + "."


def leaderboard(content: ReportContent) -> str:
    boards, tables = [], []
    for task, metric in content.headline.items():
        found = ranked(content.rows, task, metric)
        if all(row["model"] == ORACLE for row in found):
            continue  # the sentence at the top says that there is no model
        name = escape(metric_title(metric))
        caption = (
            f"{name} of the {escape(task)} models. Filled: the best, and those whose difference from it is "
            "not significant. Hollow: significantly worse."
        )
        if any(row["model"] == ORACLE for row in found):
            caption += " Dashed: the oracle, which knows the truth that the data was simulated from."
        alt = f"{metric_title(metric)}: " + ", ".join(f"{row['model']} {row['value']:.4f}" for row in found)
        board = draw(content.rows, task, metric, content.confidence)
        boards.append(picture(board, f"board-{task}", caption, alt))
        head = ["Model", name, "Interval", "Difference", "Interval", "p"]
        lines = table(head, [(_kind(row), _compared(row)) for row in found])
        tables.append(f"<h3>{escape(task.capitalize())}, by {name}</h3>\n{lines}")
    return "\n".join(
        [
            f"<p>Values on the test set with {content.confidence:.0%} bootstrap intervals over users. A "
            "difference is that to the best model, paired on users; its p is adjusted for the number of "
            "comparisons (Holm).</p>",
            f'<div class="figures">{"".join(boards)}</div>',
            *tables,
            _two_goals(content),
        ]
    )


def _kind(row: Row) -> str:
    return "oracle" if row["model"] == ORACLE else "best" if row["best"] else ""


def _compared(row: Row) -> list[str]:
    return [
        escape(row["model"]),
        number(row["value"]),
        interval(row["low"], row["high"]),
        number(row["difference"], sign=True),
        interval(row["difference_low"], row["difference_high"]),
        p_value(row["p_holm"]),
    ]


def _two_goals(content: ReportContent) -> str:
    """Models of the rating task by their error and by their lists."""
    error, metric = content.headline.get("rating", ""), content.headline.get("ranking", "")
    models = [row for row in ranked(content.rows, "rating", error) if row["model"] != ORACLE]
    lists = [row for row in ranked(content.rows, "rating", metric) if row["model"] != ORACLE]
    if not models or not lists:
        return ""
    exact, best = escape(models[0]["model"]), escape(lists[0]["model"])
    metrics = [error, *_groups(content)[_group(metric)]]
    return (
        "<h3>Two goals</h3>\n<p>Models that predict ratings are measured as lists, too, because the two "
        f"goals differ: {exact} has the best {escape(metric_title(error))}"
        f"{' and' if best == exact else f', {best}'} the best {escape(metric_title(metric))}, "
        f"{number(lists[0]['value'])}. Each task has a test set of its own, so compare models within a task."
        f"</p>\n{table(_titles(metrics), _lines(content, 'rating', metrics))}"
    )


def every_metric(content: ReportContent) -> str:
    """All of the rows, a few metrics to a table, each task's models by themselves."""
    parts = []
    for words, metrics in _groups(content).items():
        for start in range(0, len(metrics), COLUMNS):
            part = metrics[start : start + COLUMNS]
            rows: list[tuple[str, Sequence[str]]] = []
            for task in content.headline:
                lines = _lines(content, task, part)
                rows += [("group", [f"{escape(task)} task"]), *lines] if lines else []
            parts.append(f"<h3>{escape(words)}</h3>\n{table(_titles(part), rows)}")
    return "\n".join(parts)


def _titles(metrics: Sequence[str]) -> list[str]:
    return ["Model", *(escape(metric_title(metric)) for metric in metrics)]


def _lines(content: ReportContent, task: str, metrics: Sequence[str]) -> list[tuple[str, list[str]]]:
    """A row for each model of the task, best first, that has any of the metrics."""
    cells = {(row["model"], row["metric"]): _cell(row) for row in content.rows if row["task"] == task}
    lines = []
    for row in ranked(content.rows, task, content.headline[task]):
        found = [cells.get((row["model"], metric), "–") for metric in metrics]
        if set(found) != {"–"}:
            lines.append(("oracle" if row["model"] == ORACLE else "", [escape(row["model"]), *found]))
    return lines


def _cell(row: Row) -> str:
    bounds = "" if row["low"] is None else f"<small>{interval(row['low'], row['high'])}</small>"
    return number(row["value"]) + bounds


def _groups(content: ReportContent) -> dict[str, list[str]]:
    """All metrics under the heading of their table."""
    groups: dict[str, list[str]] = {}
    for metric in sorted({row["metric"] for row in content.rows}, key=_order):
        groups.setdefault(_group(metric), []).append(metric)
    return groups


def _order(metric: str) -> tuple[int, int, int, str]:
    """The place of a metric: its table, then shorter lists first, then as the field lists them."""
    name, _, k = metric.partition("@")
    plain = name.removeprefix("sampled_").partition("_")[0]
    length, place = int(k or 0), (*ERRORS, *ACCURACY, plain).index(plain)
    if plain in ERRORS:
        return int(name != plain), length, place, metric
    if name.startswith("sampled_"):
        return 3, length, place, metric
    return 2 if name in ACCURACY else 4, length, place, metric


def _group(metric: str) -> str:
    """The heading of the table that a metric stands in."""
    kind, k, _, _ = _order(metric)
    return (
        "Error of predicted ratings",
        "Error of warm and of cold pairs",
        f"Accuracy of the first {k} places",
        "Ranking among sampled candidates",
        f"Beyond accuracy, first {k} places",
    )[kind]
