"""Recommendations as rows: for a terminal, and for a file of the kind its name asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.io import write_csv, write_json, write_parquet
from marquee.serving.catalogue import MovieCatalogue

NAMED = 3  # ratings that are named as having spoken for a movie
SUFFIXES = (".parquet", ".csv", ".json")
Rows = list[dict[str, Any]]


def rows_of(user: Any, items: np.ndarray, values: np.ndarray, movies: MovieCatalogue, column: str) -> Rows:
    """One dict for each of `items` [k] (-1: no more) with its value under `column`."""
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


def explain_by_ratings(
    history: Ratings, rows: np.ndarray, effects: np.ndarray, movies: MovieCatalogue
) -> list[str]:
    """For each column of `effects` [len(rows), k] the ratings that add most, empty where none adds."""
    said = []
    for column in effects.T:
        best = [row for row in np.argsort(-column, kind="stable")[:NAMED] if column[row] > 0]
        names = [movies.name(item) for item in history.item[rows[best]]]
        said.append(", ".join(f"{name} {column[row]:+.2g}" for name, row in zip(names, best, strict=True)))
    return said


def explain_by_popularity(train: Ratings, n_items: int, stars: bool, verb: str) -> Callable[[int], str]:
    """What the others say for an item: how many there are, and in `stars` how they rate it."""
    counts = np.bincount(train.item, minlength=n_items)
    sums = np.bincount(train.item, weights=train.rating, minlength=n_items)
    usual = sums.sum() / max(counts.sum(), 1)

    def said(item: int) -> str:
        if not counts[item]:
            return f"{verb} by nobody yet"
        if not stars:
            return f"{verb} by {counts[item]:,} people"
        mean = sums[item] / counts[item]
        side = "above" if mean >= usual else "below"
        return f"rated {mean:.2f} by {counts[item]:,} others, {abs(mean - usual):.2f} {side} average"

    return said


def text(rows: Rows, column: str) -> str:
    """A table of two lines a movie: rank, value, title, year and genres; then why, where that is known."""
    if not rows:
        return "nothing is left to recommend: all of these movies are rated"
    titles = [row["title"] or f"#{row['movie_id']}" for row in rows]
    width = max(5, min(44, max(map(len, titles))))
    lines = [f"{'':>3}  {column:>10}  {'title':<{width}}  year  genres"]
    for row, title in zip(rows, titles, strict=True):
        title = title if len(title) <= width else f"{title[: width - 1]}…"
        genres, year = ", ".join(row["genres"]), row["year"] or ""
        line = f"{row['rank']:>3}  {row[column]:>10.3f}  {title:<{width}}  {year:>4}  {genres}"
        lines.append(line.rstrip())
        if row.get("why"):
            lines.append(f"{'':>17}{row['why']}")
    return "\n".join(lines)


def check_suffix(path: Path) -> None:
    """Raises MarqueeError for a file that `write` has no kind for."""
    if path.suffix.lower() not in SUFFIXES:
        raise MarqueeError(f"{path} is of no kind that can be written; end it in {', '.join(SUFFIXES)}")


def write(path: Path, rows: Rows, columns: Sequence[str]) -> None:
    """Parquet with genres as lists, JSON with the rows under "rows", or CSV with genres as `Drama|War`."""
    check_suffix(path)
    if path.suffix.lower() == ".json":
        write_json(path, {"rows": rows})
    elif path.suffix.lower() == ".csv":
        write_csv(path, columns, [[_cell(row[name]) for name in columns] for row in rows])
    else:
        import pyarrow as pa

        kinds = {"genres": pa.list_(pa.string()), "year": pa.int16(), "rank": pa.int32()}
        arrays = [pa.array([row[name] for row in rows], kinds.get(name)) for name in columns]
        write_parquet(path, pa.table(arrays, names=list(columns)))


def _cell(value: Any) -> Any:
    return "|".join(value) if isinstance(value, list) else value
