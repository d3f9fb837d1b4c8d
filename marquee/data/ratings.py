"""Ratings as columns, and as rows of a sparse matrix."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marquee.config.parsing import as_number
from marquee.errors import MarqueeError
from marquee.io import as_array, as_column, read_parquet, reading, row_groups
from marquee.parallel import SCANNED, chosen, row_blocks

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy.sparse import csr_matrix

DTYPES = {"user": np.int32, "item": np.int32, "rating": np.float32, "timestamp": np.int64}
POSITIVE_FROM = 0.75  # of the way from the lowest to the highest rating
USUAL_POSITIVES = (0.1, 0.9)  # fraction of the ratings


@dataclass(frozen=True)
class Ratings:
    """Columns of equal length `n`; users and items are contiguous ids from 0.

    user      int32    [n]
    item      int32    [n]
    rating    float32  [n]  on the release's scale; of a positive its weight: 1, or what `count_weights` says
    timestamp int64    [n]  Unix seconds, UTC; 0 where the source has none
    negatives int32    [n, per_positive] or None: stored samples for losses that need them
    sampling  how those were sampled (JSON), so that a network can sample again by the same law
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray
    negatives: np.ndarray | None = None
    sampling: str = ""

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: np.ndarray) -> Ratings:
        """Return the rows of a boolean mask [n], or of an index array in its order."""
        negatives = None if self.negatives is None else self.negatives[rows]
        columns = self.user, self.item, self.rating, self.timestamp
        if rows.dtype == bool:
            user, item, rating, timestamp = chosen(rows, *columns)
        else:
            user, item, rating, timestamp = (column[rows] for column in columns)
        return Ratings(user, item, rating, timestamp, negatives, self.sampling)

    def of_users(self, users: np.ndarray) -> Ratings:
        """Return the rows of `users`, in their order here; without stored negatives."""
        asked = np.zeros(1 + max(int(ids.max(initial=-1)) for ids in (users, self.user)), bool)
        asked[users] = True
        kept = np.empty(len(self), bool)
        for rows in (slice(*block) for block in row_blocks(len(self), SCANNED)):  # an index is widened
            kept[rows] = asked[self.user[rows]]
        return self.take(kept)

    @classmethod
    def empty(cls) -> Ratings:
        return cls.of([], [], [], [])

    @classmethod
    def of(cls, user, item, rating=1.0, timestamp=0) -> Ratings:  # type: ignore[no-untyped-def]
        """Convert anything array-like, for a prompt or a test; scalars are repeated."""
        n = len(user)
        given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
        user, item, rating, timestamp = (
            np.array(np.broadcast_to(given[name], n), dtype) for name, dtype in DTYPES.items()
        )
        return cls(user, item, rating, timestamp)

    @classmethod
    def read(cls, path: Path, among: tuple[str, Sequence[int]] | None = None) -> Ratings:
        """Read a stored table, or its rows with a value of `among`, a column and values.

        Raises MarqueeError for a damaged file: one that does not read, with an id below 0 or a rating that
        is no number.
        """
        with reading(path):
            found = cls._stored(path) if among is None else cls.from_table(read_parquet(path, among=among))
            if len(found) and (found.user.min() < 0 or found.item.min() < 0):
                raise ValueError("an id is negative")
            if not np.isfinite(found.rating).all():
                raise ValueError("a rating is no number")
        return found

    @classmethod
    def _stored(cls, path: Path) -> Ratings:
        """Read a stored table by its row groups: the whole table and its arrays are twice the memory."""
        with row_groups(path) as stored:
            columns = {name: np.empty(stored.n_rows, dtype) for name, dtype in DTYPES.items()}
            negatives, sampling, first = None, "", 0
            if "negatives" in stored.schema.names:
                width = stored.schema.field("negatives").type.list_size
                negatives = np.empty((stored.n_rows, width), np.int32)
                sampling = stored.schema.metadata[b"sampling"].decode()
            for table in stored.tables:
                rows = slice(first, first + len(table))
                part = cls.from_table(table)
                for name, column in columns.items():
                    column[rows] = getattr(part, name)
                if negatives is not None:
                    negatives[rows] = part.negatives
                first = rows.stop
        return cls(**columns, negatives=negatives, sampling=sampling)

    def require_ids(self, n_users: int, n_items: int, path: Path) -> None:
        """Raise MarqueeError unless all ids, read from `path`, are of this catalogue."""
        with reading(path):
            for ids, n, kind in ((self.user, n_users, "user"), (self.item, n_items, "movie")):
                if len(ids) and ids.max() >= n:
                    raise ValueError(f"{kind} {ids.max()} is none of the {n:,} of data/movies.parquet")

    @classmethod
    def from_table(cls, table: pa.Table) -> Ratings:
        user, item, rating, timestamp = (
            as_array(table[name]).astype(dtype, copy=False) for name, dtype in DTYPES.items()
        )
        if "negatives" not in table.column_names:
            return cls(user, item, rating, timestamp)
        lists = table["negatives"].combine_chunks()
        negatives = as_array(lists.flatten()).reshape(-1, lists.type.list_size)
        return cls(user, item, rating, timestamp, negatives, table.schema.metadata[b"sampling"].decode())

    def to_table(self) -> pa.Table:
        import pyarrow as pa

        columns = {name: as_column(getattr(self, name)) for name in DTYPES}
        if self.negatives is not None:
            flat = as_column(self.negatives.ravel())
            columns["negatives"] = pa.FixedSizeListArray.from_arrays(flat, self.negatives.shape[1])
        return pa.table(columns, metadata={"sampling": self.sampling} if self.sampling else None)

    def matrix(self, n_users: int, n_items: int, binary: bool = False) -> csr_matrix:
        """Return float32 CSR [n_users, n_items], items ascending in each row; 1 for each pair if `binary`."""
        from scipy.sparse import csr_matrix

        values = np.ones(len(self), np.float32) if binary else self.rating
        matrix = csr_matrix((values, (self.user, self.item)), shape=(n_users, n_items))
        matrix.sort_indices()
        return matrix


def with_rows(matrix: np.ndarray, n: int) -> np.ndarray:
    """Return a copy of `matrix` [m, ...] with `n` rows, those after m being 0."""
    return np.concatenate([matrix, np.zeros((n - len(matrix), *matrix.shape[1:]), matrix.dtype)])


def replaced(matrix: np.ndarray, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a copy of `matrix` with other `rows`."""
    copied = matrix.copy()
    copied[rows] = values
    return copied


def with_n_rows(matrix: csr_matrix, n: int) -> csr_matrix:
    """Return the CSR `matrix` with `n` rows, the last ones empty. Both have the same arrays of entries."""
    from scipy.sparse import csr_matrix

    offsets = np.pad(matrix.indptr, (0, n - matrix.shape[0]), mode="edge")
    return csr_matrix((matrix.data, matrix.indices, offsets), (n, matrix.shape[1]))


def with_other_rows(matrix: csr_matrix, rows: np.ndarray, values: csr_matrix) -> csr_matrix:
    """Return a copy of the CSR `matrix` whose `rows`, ascending, are those of `values`, [n, n_columns]."""
    from scipy.sparse import csr_matrix

    lengths = np.diff(matrix.indptr)
    lengths[rows] = np.diff(values.indptr)
    places = (matrix.indptr[rows], matrix.indptr[rows + 1], values.indptr[:-1], values.indptr[1:])
    blocks = list(zip(*(place.tolist() for place in places), strict=True))
    data, columns = spliced(matrix.data, values.data, blocks), spliced(matrix.indices, values.indices, blocks)
    return csr_matrix((data, columns, np.append(0, np.cumsum(lengths))), matrix.shape)


def columns_of(matrix: csr_matrix, columns: np.ndarray) -> csr_matrix:
    """Return CSR [n, n_rows]: the `columns` [n] of the CSR `matrix` as rows, with ascending indices."""
    from scipy.sparse import csr_matrix

    place = np.full(matrix.shape[1], -1, np.int32)
    place[columns] = np.arange(len(columns))
    found = place[matrix.indices]
    known = np.flatnonzero(found >= 0)
    offsets = np.searchsorted(known, matrix.indptr)
    parts = (matrix.data[known], found[known], offsets)
    return csr_matrix(parts, (matrix.shape[0], len(columns))).T.tocsr()


def spliced(
    column: np.ndarray, others: np.ndarray, blocks: Sequence[tuple[int, int, int, int]]
) -> np.ndarray:
    """Return `column` with others[start:end] in the place of column[first:last], for each block, ascending.

    blocks  (first, last, start, end) of each
    """
    parts, done = [], 0
    for first, last, start, end in blocks:
        parts += [column[done:first], others[start:end]]
        done = last
    return np.concatenate([*parts, column[done:]])


def binary_rows(offsets: np.ndarray, items: np.ndarray, n_items: int) -> csr_matrix:
    """Return float32 CSR [n_users, n_items] with 1 at items[offsets[u]:offsets[u + 1]] of each user u."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(items), np.float32)
    return csr_matrix((ones, items, offsets), shape=(len(offsets) - 1, n_items))


def csr_arrays(matrix: csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row offsets int64 [n_rows + 1], columns int32 [n_entries] and values [n_entries]."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False), matrix.data


def concat(*parts: Ratings) -> Ratings:
    """Return the rows of all `parts`, one after another, without stored negatives."""
    user, item, rating, timestamp = (
        np.concatenate([getattr(part, name) for part in parts]) for name in DTYPES
    )
    return Ratings(user, item, rating, timestamp)


def pairs_of(*parts: Ratings) -> Ratings:
    """Return the users and items of all `parts`, for a reader of nothing else: no other column is copied."""
    filled = [part for part in parts if len(part)] or [*parts[:1]]
    if len(filled) == 1:
        return filled[0]
    user, item = (np.concatenate([getattr(part, name) for part in filled]) for name in ("user", "item"))
    rating, timestamp = (
        np.broadcast_to(np.zeros(1, DTYPES[name]), user.shape) for name in ("rating", "timestamp")
    )
    return Ratings(user, item, rating, timestamp)


def count_weights(counts: np.ndarray, usual: float | None = None) -> np.ndarray:
    """Return float32 [n], log2(1 + count / median): 1 for the usual count, 1 for all where all are equal.

    usual  the median of other counts, to which these are added; None: their own

    This is the logarithm of Hu, Koren and Volinsky (2008, eq. 6) with the median as ε, so that hours and
    minutes give the same weights, and the most played of all weighs a few times as much as any other.
    """
    usual = float(np.median(counts)) if usual is None else usual
    return np.log2(1 + counts.astype(np.float64) / usual).astype(np.float32)


def lowest_positive(
    asked: float | str | None, low: float, high: float, step: float, implicit: bool = False
) -> float:
    """Return the rating from which on a rating is a positive: `asked`, or by the scale.

    `75%` is the first rating at least 0.75 of the way from `low` to `high`: 4 on 1 to 5, 8 on 1 to 10. None
    and "auto" mean 75%. Where all ratings are one and the same, every row is a positive, and so it is where
    `implicit` data is asked for None or "auto". Raises MarqueeError for any other text.
    """
    fraction = POSITIVE_FROM
    if asked is not None and asked != "auto":
        relative = str(asked).endswith("%")
        number = as_number(str(asked).removesuffix("%"))
        if number is None or (relative and not 0 <= number <= 100):
            raise MarqueeError(
                f"positive_threshold is {asked!r}, but must be a rating, auto, or a percentage such as 75%"
            )
        if not relative:
            return number
        fraction = number / 100
    elif implicit:
        return low
    least = low + fraction * (high - low)
    return round(low + step * math.ceil((least - low) / step - 1e-9), 6) if step else least


def unusual_positives(positives: float, ratings: float) -> str | None:
    """Say that nearly all or nearly no `ratings` are positives; None from 10 to 90%.

    A model then learns little of what users like: everything they rated, or nearly nothing.
    """
    fraction = positives / ratings if ratings else 0.0
    if USUAL_POSITIVES[0] <= fraction <= USUAL_POSITIVES[1]:
        return None
    few = fraction < USUAL_POSITIVES[0]
    return (
        f"{'only ' if few else ''}{fraction:.1%} of the ratings are positives: "
        f"{'lower' if few else 'raise'} tasks.ranking.positive_threshold unless that is meant"
    )


@dataclass(frozen=True)
class Catalogue:
    """Describe the users and items beside their ratings.

    n_users, n_items  how many ids there are, with or without a training rating
    genres            bool [n_items, len(genre_names)]
    genre_names       in the column order of `genres`; empty where the source has no genres
    """

    n_users: int
    n_items: int
    genres: np.ndarray
    genre_names: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Catalogue:
        """Read the movies that `ingest` wrote. Raises MarqueeError for a damaged file."""
        with reading(path):
            movies = read_parquet(path, ["genres"])
            n_users = json.loads(movies.schema.metadata[b"catalogue"])["n_users"]
            return cls.from_genres(n_users, movies["genres"])

    @classmethod
    def from_genres(cls, n_users: int, lists: pa.ChunkedArray) -> Catalogue:
        """Read each item's genre names from `lists`; columns are in alphabetical order."""
        import pyarrow as pa

        whole = pa.concat_arrays(lists.chunks)
        names, column = np.unique(np.array(whole.flatten().to_pylist(), str), return_inverse=True)
        genres = np.zeros((len(whole), len(names)), bool)
        genres[np.repeat(np.arange(len(whole)), as_array(whole.value_lengths())), column] = True
        return cls(n_users, len(whole), genres, tuple(names.tolist()))

    @classmethod
    def of(cls, n_users: int, n_items: int) -> Catalogue:
        """Return a catalogue without genres."""
        return cls(n_users, n_items, np.zeros((n_items, 0), bool))
