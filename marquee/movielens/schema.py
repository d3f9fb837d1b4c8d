"""One schema for every release: ratings, movies and users with contiguous ids, and a card of counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marquee.engine import Shared, map_blocks, share
from marquee.movielens.core_filter import CoreFilter
from marquee.movielens.titles import split_title
from marquee.parallel import bits, chosen, is_ascending, packed_pairs, row_blocks, user_blocks
from marquee.rng import KeyedRandom

NO_GENRE = frozenset({"", "unknown", "(no genres listed)"})
OPTIONAL = {"imdb_id": pa.int32(), "tmdb_id": pa.int32(), "tags": pa.list_(pa.string())}  # columns of movies
STEPS = (1.0, 0.5, 0.1, 0.01)
ROW = (np.int32, np.int32, np.float32, np.int64)  # user, item, rating, timestamp
LATEST = np.iinfo(np.int64).max
ROWS = 1 << 20  # that are counted at a time
BARS = 100  # distinct ratings in the histogram; more are counted in so many bins of one width
ALL = CoreFilter()
SHARED = 1 << 9  # blocks of users, 34 million ratings, that executors get at a time
SPARE_IDS = 1 << 20  # entries that a table of ids may have beyond one for each rating


@dataclass(frozen=True)
class Scale:
    """The ratings that can be given: `low`, `low + step`, ... up to `high`; with step 0 anything between."""

    low: float
    high: float
    step: float

    def __str__(self) -> str:
        if np.isinf(self.high):
            return f"from {self.low:g} on" if self.low >= 1e-9 or self.low <= 0 else "(counts above 0)"
        ends = f"up to {self.high:g}" if np.isinf(self.low) else f"{self.low:g} to {self.high:g}"
        return ends + (f" in steps of {self.step:g}" if self.step else "")

    def allows(self, rating: Any) -> Any:
        """Return whether a rating, or each of an array, can be given; NaN cannot."""
        inside = (rating >= self.low) & (rating <= self.high)
        if not self.step:
            return inside
        return inside & (abs(((rating - self.low) / self.step + 0.5) % 1 - 0.5) < 1e-3)

    @classmethod
    def of(cls, ratings: np.ndarray, stated: Scale | None = None) -> Scale:
        """Return the narrowest scale of `ratings` [n], with the widest step in `STEPS` that fits.

        stated  lowest and highest rating where they are known, infinite where not
        """
        ends = (stated.low, stated.high) if stated else ()
        known = np.append(np.unique(ratings).astype(float), [end for end in ends if np.isfinite(end)])
        values = np.sort(known.round(6))
        low, high = float(values[0]), float(values[-1])
        fitting = (step for step in STEPS if cls(low, high, step).allows(values).all())
        return cls(low, high, next(fitting, 0.0))


COUNTS = Scale(float(np.finfo(np.float32).tiny), math.inf, 0.0)  # of implicit data: more than nothing


@dataclass(frozen=True)
class Dataset:
    """A release in Marquee's schema.

    ratings  user int32, item int32, rating float32, timestamp int64 (Unix seconds, UTC; 0: unknown), sorted
             by (user, timestamp, hash of the ids); a pair (user, item) occurs once
    movies   item int32, movie_id int64 or string, title string, year int16, genres list<string>, and
             imdb_id and tmdb_id int32 and tags list<string> where the release has them; row i is item i. Only
             movies with a rating are items, numbered by ascending movie_id. An unlisted movie's title is null
    users    user int32, user_id int64 or string, and what the release says of them; row u is user u,
             numbered by ascending user_id
    card     counts that describe the release, ready for JSON
    notes    what a user should know of how the release was read, one line each
    """

    ratings: pa.Table
    movies: pa.Table
    users: pa.Table
    card: dict[str, Any]
    notes: tuple[str, ...] = ()


def build_dataset(
    rows: pa.Table,
    movies: pa.Table | None,
    users: pa.Table | None,
    scale: Scale,
    dropped: Mapping[str, int],
    implicit: bool = False,
    wanted: CoreFilter = ALL,
) -> Dataset:
    """Bring a release's rows, as its files have them, into the schema.

    rows    user and movie (the release's ids), rating, timestamp
    movies  movie, and title (with its year), genres (list<string>), imdb_id, tmdb_id and tags where known;
            None: no file
    users   user and any demographics; None: no such file
    dropped rows the parsers left out, by reason
    implicit whether ratings are counts, such as plays
    wanted  which ratings stay; of users and movies only those that still have one do

    Of a pair (user, movie) rated more than once the latest by timestamp stays, on a tie the last row. Counts
    of a pair are added up, and its time is the latest.
    """
    numbers = _Numbers(rows["user"]), _Numbers(rows["movie"])
    user_ids, movie_ids = (own.ids for own in numbers)
    parts = rows.select(["user", "movie", "rating", "timestamp"]).to_batches()[::-1]
    user, item, rating, timestamp = (np.empty(len(rows), dtype) for dtype in ROW)
    del rows
    end = 0
    while parts:  # one by one, so that each is let go of where the caller has done so
        part = parts.pop()
        own = slice(end, end := end + len(part))
        user[own], item[own] = (n.of(own, column) for n, column in zip(numbers, part.columns, strict=False))
        rating[own], timestamp[own] = (column.to_numpy() for column in part.columns[2:])
        del part
    del numbers
    ids = (known.to_numpy(zero_copy_only=False) for known in (user_ids, movie_ids))
    random = KeyedRandom(0, "order", *ids)  # not the run's seed: with another one the order stays
    stays = np.ones(len(user), bool)
    user, item, rating, timestamp = in_order(random, user, item, rating, timestamp, stays)
    if not stays.all():
        if implicit:
            rating = _sums(user, item, rating)
        user, item, rating, timestamp = chosen(stays, user, item, rating, timestamp)
    again = len(stays) - int(np.count_nonzero(stays))  # rows of a pair that another row stands for
    del stays
    filtered = {}
    if not wanted.removes_nothing:
        rows, filtered["filtered"] = wanted.kept(user, item, rating)
        user, item, rating, timestamp = (column[rows] for column in (user, item, rating, timestamp))
        (user, user_ids), (item, movie_ids) = _used(user, user_ids), _used(item, movie_ids)
    ratings = pa.table({"user": user, "item": item, "rating": rating, "timestamp": timestamp})
    catalogue = _movies(movie_ids, movies)
    listed = movie_ids if movies is None else pc.unique(movies["movie"])
    both = pc.sum(pc.is_in(movie_ids, listed)).as_py()
    card = {
        **describe(ratings, len(user_ids), catalogue, implicit),
        "scale": asdict(scale),
        "unrated_movies": len(listed) - both,  # left out of the catalogue
        "unlisted_movies": len(movie_ids) - both,  # in it, without a title
        "dropped": {**dropped, "duplicates": 0 if implicit else again},
        **({"added_up": again} if implicit else {}),
        **filtered,
    }
    return Dataset(ratings, catalogue, _users(user_ids, users), card)


def encode_ids(ids: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """Return codes, int32 [n], from 0 in ascending order of the ids, and the distinct ids in that order."""
    numbers, codes, end = _Numbers(ids), np.empty(len(ids), np.int32), 0
    for chunk in ids.chunks:
        own = slice(end, end := end + len(chunk))
        codes[own] = numbers.of(own, chunk)
    return codes, numbers.ids


class _Numbers:
    """Number ids from 0 in ascending order: `ids`, the distinct ones in that order.

    Whole numbers in a narrow range go by a table of all numbers there: a tenth of the time of hashing them.
    """

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._codes: np.ndarray | None = None  # of all rows
        if pa.types.is_integer(column.type):
            span = pc.min_max(column)
            self._low, high = span["min"].as_py(), span["max"].as_py()
            if high - self._low < SPARE_IDS + len(column):
                used = np.zeros(high - self._low + 1, bool)
                for chunk in column.chunks:
                    used[chunk.to_numpy() - self._low] = True
                self._table = np.cumsum(used, dtype=np.int32) - np.int32(1)
                self.ids = pa.array(np.flatnonzero(used) + self._low, pa.int64())
                return
        known = pc.unique(column)
        known = known.take(pc.sort_indices(known))
        self._codes = pc.index_in(column, value_set=known).to_numpy()
        self.ids = known.cast(pa.int64()) if pa.types.is_integer(known.type) else known

    def of(self, rows: slice, ids: pa.Array) -> np.ndarray:
        """Return int32 [n] for the `ids` of the column's `rows`."""
        return self._table[ids.to_numpy() - self._low] if self._codes is None else self._codes[rows]


def _used(code: np.ndarray, ids: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """Number anew the ids that a `code` [n] still names; their order stays."""
    used = np.bincount(code, minlength=len(ids)) > 0
    return (np.cumsum(used, dtype=np.int32) - np.int32(1))[code], ids.filter(pa.array(used))


def in_order(
    random: KeyedRandom,
    user: np.ndarray,
    item: np.ndarray,
    rating: np.ndarray,
    timestamp: np.ndarray,
    stays: np.ndarray | None = None,
) -> tuple[np.ndarray, ...]:
    """Return the columns [n] sorted by (user, timestamp, hash, row); their memory is used.

    The hash comes before the row, since a source that lists a user's movies by id would make "which came
    last" a question of the id. Few sources are not sorted by user: of most only rows within users move.

    stays  bool [n], all true: becomes what `latest` returns for the sorted rows
    """
    if not is_ascending(user):
        order = stable_order(user, np.zeros_like(user))
        for column in (user, item, rating, timestamp):
            column[:] = column[order]
        del order
    blocks = [rows for (rows,) in user_blocks(user)]
    with share(random=random) as fixed:
        for first in range(0, len(blocks), SHARED):
            few = blocks[first : first + SHARED]
            rows = slice(few[0].start, few[-1].stop)
            _arrange(fixed, few, user[rows], item[rows], rating[rows], timestamp[rows], stays)
    return user, item, rating, timestamp


def _arrange(
    fixed: Shared,
    blocks: Sequence[slice],
    user: np.ndarray,
    item: np.ndarray,
    rating: np.ndarray,
    timestamp: np.ndarray,
    stays: np.ndarray | None,
) -> None:
    """Do `in_order` for the columns of some blocks, which executors get no more than."""
    own = [slice(rows.start - blocks[0].start, rows.stop - blocks[0].start) for rows in blocks]

    def take(k: int, found: tuple[np.ndarray, np.ndarray | None]) -> None:
        order, last = found
        for column in (item, rating, timestamp):
            column[own[k]] = column[own[k]][order]
        if stays is not None and last is not None:
            stays[blocks[k]] = last

    shared = {"user": user, "item": item, "timestamp": timestamp}
    map_blocks(_arranged, [(rows,) for rows in own], fixed, shared, take=take)


def _arranged(
    rows: slice, random: KeyedRandom, user: np.ndarray, item: np.ndarray, timestamp: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the order of the block `rows`, int32, and as `_last_of_pairs` which rows stay in it."""
    user, item = user[rows], item[rows]
    order = _by_hash(random.rows(user, item))
    order = order[stable_order(user[order], timestamp[rows][order])]
    return order.astype(np.int32), _last_of_pairs(user, item[order])


def _by_hash(hashes: np.ndarray) -> np.ndarray:
    """Return the rows by (first 40 bits of `hashes`, row), int64 [n]; see `stable_order`."""
    row_bits = max(24, bits(len(hashes)))
    key = hashes >> np.uint64(row_bits) << np.uint64(row_bits)
    key |= np.arange(len(hashes), dtype=np.uint64)
    key.sort()
    key &= np.uint64((1 << row_bits) - 1)
    return key.view(np.int64)


def stable_order(user: np.ndarray, timestamp: np.ndarray) -> np.ndarray:
    """Return the rows by (user, timestamp, row), int64 [n]; n > 0.

    One packed integer sorts ten times faster than two columns, and as it ends in the row, no two are equal.
    """
    first_user, first = int(user.min()), int(timestamp.min())
    span = int(timestamp.max()) - first + 1
    users, row_bits = int(user.max()) - first_user + 1, bits(len(user))
    if bits(users * span) + row_bits > 63:
        return np.lexsort((timestamp, user))
    key = (user - first_user) * np.int64(span)
    key += timestamp - first
    key <<= row_bits
    key |= np.arange(len(user))
    key.sort()
    key &= (1 << row_bits) - 1
    return key


def latest(user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Mark the last row of each pair (user, item), bool [n]; `user` ascends."""
    last = _last_of_pairs(user, item)
    return np.ones(len(user), bool) if last is None else last


def _last_of_pairs(user: np.ndarray, item: np.ndarray) -> np.ndarray | None:
    """Mark the last row of each pair (user, item), bool [n]; None where no pair occurs twice."""
    pair = packed_pairs(user, item, int(item.max()) + 1)
    ordered = np.sort(pair)
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    stays = np.ones(len(user), bool)
    order = np.argsort(pair, kind="stable")
    stays[order[:-1]] = pair[order[1:]] != pair[order[:-1]]
    return stays


def _sums(user: np.ndarray, item: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return float32 [n]: at each row the sum of `count` over all rows of its pair (user, item)."""
    _, pair = np.unique(packed_pairs(user, item, int(item.max()) + 1), return_inverse=True)
    return np.bincount(pair, count)[pair].astype(np.float32)


def _movies(movie_ids: pa.Array, listed: pa.Table | None) -> pa.Table:
    """Build the catalogue; of a movie listed twice the first row counts."""
    where = None if listed is None else pc.index_in(movie_ids, listed["movie"])

    def column(name: str) -> list[Any]:
        if listed is None or name not in listed.column_names:
            return [None] * len(movie_ids)
        return listed[name].take(where).to_pylist()

    split = [split_title(title) if title and title.strip() else (None, None) for title in column("title")]
    genres = [[g for g in names or () if g not in NO_GENRE] for names in column("genres")]
    columns = {
        "item": pa.array(np.arange(len(movie_ids), dtype=np.int32)),
        "movie_id": movie_ids,
        "title": pa.array([title for title, _ in split], pa.string()),
        "year": pa.array([year for _, year in split], pa.int16()),
        "genres": pa.array(genres, pa.list_(pa.string())),
    }
    for name, kind in OPTIONAL.items():
        if listed is not None and name in listed.column_names:
            columns[name] = pa.array(column(name), kind)
    return pa.table(columns)


def _users(user_ids: pa.Array, known: pa.Table | None) -> pa.Table:
    table = pa.table({"user": pa.array(np.arange(len(user_ids), dtype=np.int32)), "user_id": user_ids})
    if known is not None:
        where = pc.index_in(user_ids, known["user"])
        for name in known.drop(["user"]).column_names:
            table = table.append_column(name, known[name].take(where))
    return table


def describe(ratings: pa.Table, n_users: int, movies: pa.Table, implicit: bool = False) -> dict[str, Any]:
    """Count what the card says of the tables. Times are null where no rating has one.

    The histogram of counts has a bar for each power of 2: how many are from there to below twice that.
    """
    n, shown = ratings.num_rows, ratings["rating"]
    if implicit:
        shown = pa.chunked_array([np.exp2(np.floor(np.log2(shown.to_numpy())))])
    found = pc.value_counts(shown)
    values, counts = (found.field(part).to_numpy() for part in range(2))
    order = np.argsort(values)
    values, counts = values[order].astype(float), counts[order]
    mean = float((values * counts).sum()) / n
    user, timestamp = ratings["user"].to_numpy(), ratings["timestamp"].to_numpy()
    known = timestamp != 0
    first, last = (
        int(end(timestamp, where=known, initial=other)) if known.any() else None
        for end, other in ((np.min, LATEST), (np.max, -LATEST))
    )
    pairs = row_blocks(n - 1, ROWS)
    genres = pc.value_counts(pc.list_flatten(movies["genres"])).to_pylist()
    return {
        "users": n_users,
        "items": movies.num_rows,
        "ratings": n,
        "density": n / (n_users * movies.num_rows),
        "feedback": "implicit" if implicit else "explicit",
        "mean_rating": float(ratings["rating"].to_numpy().mean(dtype=np.float64)) if implicit else mean,
        "histogram": _histogram(values, counts),
        "first_timestamp": first,
        "last_timestamp": last,
        "equal_timestamps": sum(_equal_neighbours(begin, end, user, timestamp) for begin, end in pairs),
        "genres": {genre["values"]: genre["counts"] for genre in genres},
    }


def _equal_neighbours(begin: int, end: int, *columns: np.ndarray) -> int:
    """Count rows from `begin` to before `end` whose next row has the same value in all `columns`."""
    same = [column[begin:end] == column[begin + 1 : end + 1] for column in columns]
    return int(np.count_nonzero(np.logical_and(*same)))


def _histogram(values: np.ndarray, counts: np.ndarray) -> dict[str, list]:
    """Return how often each of the ascending `values` [n] occurs, or BARS bins where n is larger."""
    if len(values) > BARS:
        counts, edges = np.histogram(values, BARS, weights=counts)
        values = (edges[1:] + edges[:-1]) / 2
    return {"rating": values.round(6).tolist(), "count": counts.astype(int).tolist()}
