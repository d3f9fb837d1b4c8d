"""Recommendations as rows: for a terminal, and for a file of the kind its name asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marquee.errors import MarqueeError
from marquee.io import write_csv, write_json, write_parquet
from marquee.serving.catalogue import MovieCatalogue
from marquee.terminal import printable

WIDEST = 44  # characters of a title in a table
SUFFIXES = (".parquet", ".csv", ".json")
NOTHING = "no movie remains: all that are allowed are rated or seen"
Rows = list[dict[str, Any]]


def list_rows(user: Any, items: np.ndarray, values: np.ndarray, movies: MovieCatalogue, column: str) -> Rows:
    """Return a dict for each of `items` [k] (-1: no more) with its value under `column`."""
    return [
        {
            "user": user,
            "rank": rank,
            "movie_id": movies.ids[item],
            "title": movies.titles[item],
            "year": movies.years[item],
            "genres": list(movies.genres[item]),
            column: float(f"{value:.6g}"),
        }
        for rank, (item, value) in enumerate(zip(items.tolist(), values.tolist(), strict=True), 1)
        if item >= 0
    ]


def significant(value: float) -> str:
    """Return three significant digits: 0.0695, 4.20, 312; as a power of ten below 0.0001."""
    if not value or not 1e-4 <= abs(value) < 99.95:
        return f"{value:.2e}" if value and abs(value) < 1e-4 else f"{value:,.0f}"
    digits = 2 - math.floor(math.log10(float(f"{abs(value):.2e}")))
    return f"{value:.{digits}f}"


def table(rows: Rows, column: str) -> str:
    """Return a line for each movie, and below it the explanation where there is one."""
    from tabulate import tabulate

    if not rows:
        return NOTHING
    genres = [printable(", ".join(row["genres"])) for row in rows]
    cells = [
        [row["rank"], significant(row[column]), printable(_short(row)), row["year"] or "", names]
        for row, names in zip(rows, genres, strict=True)
    ]
    align = ("right", "right", "left", "right", "left")
    cells = [["", column, "title", "year", "genres"], *cells]
    head, *lines = tabulate(cells, tablefmt="plain", colalign=align, disable_numparse=True).splitlines()
    indent = " " * head.index("title")
    for row, line in zip(rows, lines, strict=True):
        head += f"\n{line.rstrip()}"
        if row.get("explanation"):
            head += f"\n{indent}{row['explanation']}"
    return head


@dataclass(frozen=True)
class Answers:
    """Hold what one model says of all movies to one user: its value of each [n], and its rank, or 0."""

    model: str
    column: str  # score or rating
    values: np.ndarray
    ranks: np.ndarray


def compared_rows(user: Any, answers: Sequence[Answers], k: int, movies: MovieCatalogue) -> Rows:
    """Return a dict for each movie in the first k of any model, with the value and the rank of every model.

    They are ordered by the sum of their reciprocal ranks, highest first.
    """
    ranks = np.array([one.ranks for one in answers])  # (n_models, n_items)
    first = np.flatnonzero(((ranks > 0) & (ranks <= k)).any(0))
    agreed = np.divide(1, ranks, out=np.zeros(ranks.shape), where=ranks > 0).sum(0)
    rows = []
    for item in first[np.argsort(-agreed[first], kind="stable")].tolist():
        row = list_rows(user, np.array([item]), np.zeros(1), movies, "value")[0]
        del row["rank"], row["value"]
        for one in answers:
            row[f"{one.model}_{one.column}"] = float(f"{one.values[item]:.6g}")
            row[f"{one.model}_rank"] = int(one.ranks[item]) or None
        rows.append(row)
    return rows


def compared_table(rows: Rows, models: Sequence[tuple[str, str]]) -> str:
    """Return a line for each movie: every model's value, and in brackets its rank if the model lists it.

    `models` are their names and columns, `score` or `rating`.
    """
    from tabulate import tabulate

    if not rows:
        return NOTHING
    cells = [["title", "year", *(name for name, _ in models)]]
    for row in rows:
        found = [(row[f"{name}_{column}"], row[f"{name}_rank"]) for name, column in models]
        said = [f"{significant(value)} {f'({rank})' if rank else '(-)':<6}" for value, rank in found]
        cells.append([_short(row), row["year"] or "", *said])
    align = ("left", "right", *["right"] * len(models))
    lines = tabulate(cells, tablefmt="plain", colalign=align, disable_numparse=True).splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _short(row: dict[str, Any]) -> str:
    title = str(row["title"] or f"#{row['movie_id']}")
    return title if len(title) <= WIDEST else f"{title[: WIDEST - 1]}…"


def check_suffix(path: Path) -> None:
    """Raise MarqueeError for a file that `write` has no format for."""
    if path.suffix.lower() not in SUFFIXES:
        raise MarqueeError(f"{path} has no known format: end its name in {', '.join(SUFFIXES)}")


def write(path: Path, rows: Rows, columns: Sequence[str]) -> None:
    """Write Parquet with genres as lists, JSON under the key "rows", or CSV with genres as `Drama|War`."""
    check_suffix(path)
    if path.suffix.lower() == ".json":
        write_json(path, {"rows": rows})
    elif path.suffix.lower() == ".csv":
        flat = [{**row, "genres": "|".join(row["genres"])} for row in rows]
        write_csv(path, columns, [[row[name] for name in columns] for row in flat])
    else:
        import pyarrow as pa

        types = {"genres": pa.list_(pa.string()), "year": pa.int16(), "rank": pa.int32()}
        types |= {name: pa.int32() for name in columns if name.endswith("_rank")}
        arrays = [pa.array([row[name] for row in rows], types.get(name)) for name in columns]
        write_parquet(path, pa.table(arrays, names=list(columns)))
