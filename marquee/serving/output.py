"""Recommendations as rows: for a terminal, and for a file of the kind its name asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marquee.errors import MarqueeError
from marquee.io import write_csv, write_json, write_parquet
from marquee.serving.catalogue import MovieCatalogue

WIDEST = 44  # characters of a title in a table
SUFFIXES = (".parquet", ".csv", ".json")
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


def table(rows: Rows, column: str) -> str:
    """Return a line for each movie, and below it the explanation where there is one."""
    from tabulate import tabulate

    if not rows:
        return "no movie remains: all that are allowed are rated"
    titles = [row["title"] or f"#{row['movie_id']}" for row in rows]
    short = [title if len(title) <= WIDEST else f"{title[: WIDEST - 1]}…" for title in titles]
    cells = [
        [row["rank"], f"{row[column]:.3f}", title, row["year"] or "", ", ".join(row["genres"])]
        for row, title in zip(rows, short, strict=True)
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
        arrays = [pa.array([row[name] for row in rows], types.get(name)) for name in columns]
        write_parquet(path, pa.table(arrays, names=list(columns)))
