"""Selection of the best scores while they lie in the cache, without the items that are hidden.

Import it inside a function: numba loads in half a second, and compiles the first time only.
The functions release Python's lock, so that blocks of users can be searched in threads.
"""

from __future__ import annotations

import numpy as np

from marquee.kernels.jit import njit

LANES = 16  # partial sums of a product of two vectors
STEP = 64  # scores that are compared at once with the last of a list; items that are fetched at once


@njit(nogil=True, cache=True)
def by_tile(
    users: np.ndarray, offsets: np.ndarray, items: np.ndarray, place: np.ndarray, width: int, n_tiles: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort the pairs (r, place of an item of users[r]) by the tile of `width` places they lie in.

    Returns where each tile's pairs begin, int64 [n_tiles + 1], their r, ascending, and their columns in the
    tile.
    """
    starts = np.zeros(n_tiles + 1, np.int64)
    for user in users:
        for n in range(offsets[user], offsets[user + 1]):
            starts[place[items[n]] // width + 1] += 1
    for tile in range(n_tiles):
        starts[tile + 1] += starts[tile]
    row, column = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32)
    free = starts[:-1].copy()
    for r in range(len(users)):
        for n in range(offsets[users[r]], offsets[users[r] + 1]):
            at = place[items[n]]
            tile = at // width
            row[free[tile]], column[free[tile]] = r, at - tile * width
            free[tile] += 1
    return starts, row, column


@njit(nogil=True, cache=True)
def absorb(
    scores: np.ndarray,
    rows: np.ndarray,
    ids: np.ndarray,
    hidden_row: np.ndarray,
    hidden_column: np.ndarray,
    items: np.ndarray,
    values: np.ndarray,
) -> None:
    """Merge finite scores [>= len(rows), >= len(ids)] into lists ordered by (-score, item); hides in place.

    rows           int [m], ascending: which list a row of scores is for
    ids            int32 [n]: the item of each column
    hidden_row, hidden_column  pairs that may not be listed, by row of `items`, ascending
    items, values  [n_lists, k]: -1 and -inf where a list has ended
    """
    k, n = items.shape[1], len(ids)
    pair = 0
    for i in range(len(rows)):
        r = rows[i]
        while pair < len(hidden_row) and hidden_row[pair] < r:
            pair += 1
        while pair < len(hidden_row) and hidden_row[pair] == r:
            scores[i, hidden_column[pair]] = -np.inf
            pair += 1
        row, last, latest = scores[i], values[r, k - 1], items[r, k - 1]
        for start in range(0, n, STEP):
            stop = min(start + STEP, n)
            if not _any_from(row[start:stop], last):
                continue
            for j in range(start, stop):
                x, item = row[j], ids[j]
                if x > last or (x == last and item < latest):
                    to = k - 1
                    while to > 0 and (
                        x > values[r, to - 1] or (x == values[r, to - 1] and item < items[r, to - 1])
                    ):
                        values[r, to], items[r, to] = values[r, to - 1], items[r, to - 1]
                        to -= 1
                    values[r, to], items[r, to] = x, item
                    last, latest = values[r, k - 1], items[r, k - 1]


@njit(nogil=True, cache=True)
def _any_from(scores: np.ndarray, least: float) -> bool:
    count = np.int32(0)  # this form compiles to vector instructions
    for j in range(len(scores)):
        count += np.int32(scores[j] >= least)
    return bool(count > 0)


@njit(nogil=True, cache=True)
def unfinished(
    active: np.ndarray,
    values: np.ndarray,
    shift: np.ndarray,
    reach: np.ndarray,
    longest: float,
    slack: float,
    satisfied: np.ndarray,
) -> np.ndarray:
    """Return the `active` rows, of the other arrays, that a vector of length `longest` can still improve."""
    found, n = np.empty_like(active), 0
    for r in active:
        most = reach[r] * longest
        most += shift[r] + slack * (abs(shift[r]) + most)
        if values[r, -1] <= most and values[r, -1] <= satisfied[r]:
            found[n] = r
            n += 1
    return found[:n]


@njit(nogil=True, cache=True)
def dots(
    left: np.ndarray,
    right: np.ndarray,
    users: np.ndarray,
    offsets: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write left[user] · right[item] for each item, by row of `users`, into float32 `scores` [n].

    A product is the sum of LANES partial sums, added in a fixed order: the same bytes everywhere.
    """
    d = left.shape[1]
    lane, rows = np.zeros(LANES, np.float32), np.zeros((STEP, -(-d // LANES) * LANES), np.float32)
    user = np.zeros(rows.shape[1], np.float32)
    for r in range(len(users)):
        user[:d] = left[users[r]]
        for first in range(offsets[r], offsets[r + 1], STEP):
            count = min(STEP, offsets[r + 1] - first)
            for i in range(count):  # many reads at once, where a product would wait for each
                row, item = rows[i], right[items[first + i]]
                for j in range(d):
                    row[j] = item[j]
            for i in range(count):
                row = rows[i]
                lane[:] = 0
                for start in range(0, len(row), LANES):
                    for j in range(LANES):
                        lane[j] += user[start + j] * row[start + j]
                half = LANES // 2
                while half:
                    for j in range(half):
                        lane[j] += lane[j + half]
                    half //= 2
                scores[first + i] = lane[0]


@njit(nogil=True, cache=True)
def add_fractions(
    offsets: np.ndarray,
    items: np.ndarray,
    starts: np.ndarray,
    genres: np.ndarray,
    fraction: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Add `fraction` [n_items] of each row's items to `totals` [n_rows, n_genres] of each genre of the item.

    starts, genres  the genres of item i are genres[starts[i]:starts[i + 1]]
    """
    for r in range(len(offsets) - 1):
        for n in range(offsets[r], offsets[r + 1]):
            item = items[n]
            for nth in range(starts[item], starts[item + 1]):
                totals[r, genres[nth]] += fraction[item]
