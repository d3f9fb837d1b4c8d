"""Metrics as tables and figures show them: their order, their titles and their groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marquee.leaderboard.table import HIGHER, LOWER, direction

Row = Mapping[str, Any]

ACRONYMS = (*LOWER, "ndcg", "map", "mrr")
VALIDATED = {"rating": "rmse", "ranking": "ndcg@10"}  # the metric that chooses the epoch and the options


def ranked(rows: Sequence[Row], task: str, metric: str) -> list[Row]:
    """Return the rows of one task and metric, the best value first and equal values by name."""
    sign = direction(metric) or 1
    found = [row for row in rows if row["task"] == task and row["metric"] == metric]
    return sorted(found, key=lambda row: (-sign * row["value"], row["model"]))


def metric_title(metric: str) -> str:
    """Return `NDCG@10` for `ndcg@10`, `Sampled NDCG@10` for `sampled_ndcg@10`."""
    name, at, k = metric.partition("@")
    words = " ".join(word.upper() if word in ACRONYMS else word for word in name.split("_"))
    return words[:1].upper() + words[1:] + at + k


def metric_groups(metrics: Iterable[str]) -> dict[str, list[str]]:
    """Return heading -> metrics of a table, in the order of a page."""
    groups: dict[str, list[str]] = {}
    for metric in sorted(metrics, key=_order):
        groups.setdefault(metric_group(metric), []).append(metric)
    return groups


def metric_group(metric: str) -> str:
    """Return the heading of the table that holds a metric."""
    kind, k, _, _ = _order(metric)
    return (
        "Error of predicted ratings",
        "Error of warm and cold pairs",
        f"Accuracy of the first {k} places",
        "Ranking among sampled candidates",
        f"Beyond accuracy, first {k} places",
    )[kind]


def _order(metric: str) -> tuple[int, int, int, str]:
    """Sort by table, then shorter lists first, then in the field's usual order."""
    name, _, k = metric.partition("@")
    plain = name.removeprefix("sampled_").removeprefix("midrank_")
    plain = plain if plain in HIGHER else plain.partition("_")[0]
    length, place = int(k or 0), (*LOWER, *HIGHER, plain).index(plain)
    if plain in LOWER:
        return int(name != plain), length, place, metric
    if name.startswith("sampled_"):
        return 3, length, place, metric
    return 2 if name in HIGHER else 4, length, place, metric
