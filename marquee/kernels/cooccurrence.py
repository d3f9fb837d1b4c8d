"""Items that the same users rated: how many users each pair has in common, and the nearest of each item.

Import it inside a function: numba loads in a second, and compiles the first time only.
"""

from __future__ import annotations

import numba
import numpy as np

from marquee.kernels.jit import njit, prange

BLOCK = 64  # items whose rows one thread makes, one after another, in the same memory


@njit(cache=True, parallel=True)
def count_together(
    offsets: np.ndarray, users: np.ndarray, starts: np.ndarray, items: np.ndarray, counts: np.ndarray
) -> None:
    """Write XᵀX of a binary X into the lower triangle of `counts` [n_items, n_items]; the rest stays.

    offsets, users  X by item: users[offsets[i]:offsets[i + 1]] rated item i
    starts, items   X by user, items ascending in each row
    """
    n_items = len(offsets) - 1
    for place in prange(n_items):
        item = place // 2 if place % 2 == 0 else n_items - 1 - place // 2  # a short row, then a long one
        row = counts[item, : item + 1]
        row[:] = 0
        for entry in range(offsets[item], offsets[item + 1]):
            user = users[entry]
            for other in range(starts[user], starts[user + 1]):
                if items[other] > item:
                    break
                row[items[other]] += 1


@njit(cache=True, parallel=True, fastmath={"reassoc", "nsz"})
def sums_together(
    offsets: np.ndarray, users: np.ndarray, starts: np.ndarray, items: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return float64 [n_items], the diagonal of XᵀX W: Σ over the users of item j and their items i of W_ij.

    X is given as to `count_together`; weights  float32 [n_items, n_items], Wᵀ: row j is read for item j
    """
    sums = np.zeros(len(offsets) - 1)
    for place in prange(len(sums)):
        row, total = weights[place], np.float64(0)
        for entry in range(offsets[place], offsets[place + 1]):
            user, part = users[entry], np.float32(0)  # of one user: a vector instruction adds eight float32
            for other in range(starts[user], starts[user + 1]):
                part += row[items[other]]
            total += part
        sums[place] = total
    return sums


def nearest_neighbors(
    chosen: np.ndarray,
    offsets: np.ndarray,
    users: np.ndarray,
    starts: np.ndarray,
    items: np.ndarray,
    counts: np.ndarray,
    shrinkage: float,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k items most similar to each of `chosen`, int32 [n, k], and the float32 similarities.

        s_ij = n_ij / (√(n_i n_j) + shrinkage)

    with n_ij the number of users of both. Items are ordered by (-similarity, item); -1 follows where no more
    have a user in common. X is given as to `count_together`, by item for the `chosen` ones only. One thread
    computes a row, so the bytes do not depend on the number of threads; each takes 4 n_items bytes.
    counts  [n_items]: the users of each item
    """
    threads = numba.get_num_threads()
    if len(chosen) <= BLOCK:
        numba.set_num_threads(1)  # the others would wait, in a loop that takes processor time
    try:
        return _nearest_neighbors(chosen, offsets, users, starts, items, counts, shrinkage, k)
    finally:
        numba.set_num_threads(threads)


@njit(cache=True, parallel=True)
def _nearest_neighbors(
    chosen: np.ndarray,
    offsets: np.ndarray,
    users: np.ndarray,
    starts: np.ndarray,
    items: np.ndarray,
    counts: np.ndarray,
    shrinkage: float,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    n, n_items = len(chosen), len(counts)
    lengths = np.sqrt(counts.astype(np.float32))
    found = np.full((n, k), -1, np.int32)
    values = np.zeros((n, k), np.float32)
    for block in prange((n + BLOCK - 1) // BLOCK):
        row = np.empty(n_items, np.float32)
        for at in range(block * BLOCK, min((block + 1) * BLOCK, n)):
            item = chosen[at]
            row[:] = 0
            for entry in range(offsets[at], offsets[at + 1]):
                user = users[entry]
                for place in range(starts[user], starts[user + 1]):
                    row[items[place]] += 1
            row[item] = 0
            for other in range(n_items):
                if row[other] > 0:
                    row[other] /= lengths[item] * lengths[other] + np.float32(shrinkage)
            _largest(row, found[at], values[at])
    return found, values


@njit(cache=True)
def count_changes(
    old_starts: np.ndarray,
    old_items: np.ndarray,
    starts: np.ndarray,
    items: np.ndarray,
    offsets: np.ndarray,
    near: np.ndarray,
    back_offsets: np.ndarray,
    back: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return two int32 [n_pairs] whose sum is by how much n_ij grows when some users have other histories.

    A pair counts once for a user: in the first where item i left or entered the history, else in the second.
    old_starts, old_items  the users' histories before
    starts, items          and after
    offsets, near          the pairs: item i with near[offsets[i]:offsets[i + 1]]
    back_offsets, back     the same pairs by j, for the second: back[back_offsets[j]:back_offsets[j + 1]] is i
    """
    forward, backward = np.zeros(len(near), np.int32), np.zeros(len(back), np.int32)
    state = np.zeros(len(offsets) - 1, np.uint8)  # 1: of the old history, 2: of the new one, 3: of both
    for user in range(len(starts) - 1):
        old = old_items[old_starts[user] : old_starts[user + 1]]
        new = items[starts[user] : starts[user + 1]]
        for item in old:
            state[item] = 1
        for item in new:
            state[item] |= 2
        for part, moved, step in ((old, 1, -1), (new, 2, 1)):
            for item in part:
                if state[item] == moved:
                    for pair in range(offsets[item], offsets[item + 1]):
                        if state[near[pair]] & moved:
                            forward[pair] += step
                    for pair in range(back_offsets[item], back_offsets[item + 1]):
                        if state[back[pair]] == 3:
                            backward[pair] += step
        for item in old:
            state[item] = 0
        for item in new:
            state[item] = 0
    return forward, backward


@njit(cache=True)
def _largest(row: np.ndarray, found: np.ndarray, values: np.ndarray) -> None:
    """Write the largest positive numbers of `row` into `found` and `values` [k], ordered by (-value, place).

    `found` and `values` are a heap with the worst at its root, and sorted at the end by removing it in turn.
    """
    k, n = len(found), 0
    for place in range(len(row)):
        value = row[place]
        if value <= 0 or (n == k and value <= values[0]):  # of equal values the first stays
            continue
        if n == k:
            _sink(values, found, k, value, place)
            continue
        at, above = n, (n - 1) // 2
        while at > 0 and _worse(value, place, values[above], found[above]):
            values[at], found[at] = values[above], found[above]
            at, above = above, (above - 1) // 2
        values[at], found[at] = value, place
        n += 1
    for last in range(n - 1, 0, -1):
        value, place = values[last], found[last]
        values[last], found[last] = values[0], found[0]
        _sink(values, found, last, value, place)


@njit(cache=True)
def _sink(values: np.ndarray, found: np.ndarray, n: int, value: float, place: int) -> None:
    """Put (value, place) at the root of the heap of the first `n`, and move it down to where it belongs."""
    at = 0
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and _worse(values[child + 1], found[child + 1], values[child], found[child]):
            child += 1
        if not _worse(values[child], found[child], value, place):
            break
        values[at], found[at] = values[child], found[child]
        at = child
    values[at], found[at] = value, place


@njit(cache=True)
def _worse(value: float, place: int, other: float, other_place: int) -> bool:
    return value < other or (value == other and place > other_place)


@njit(cache=True, parallel=True)
def add_up(
    starts: np.ndarray,
    items: np.ndarray,
    offsets: np.ndarray,
    targets: np.ndarray,
    values: np.ndarray,
    otherwise: np.ndarray,
) -> np.ndarray:
    """Return float32 [n_users, n_items]: X W for a binary X, by user, and a sparse W of positive values.

    starts, items             X, as to `count_together`
    offsets, targets, values  W [n_items, n_items] by row: row j has values[n] in column targets[n]
    otherwise                 float32 [n_items]: the value where the product is 0
    """
    scores = np.zeros((len(starts) - 1, len(offsets) - 1), np.float32)
    for user in prange(len(scores)):
        row = scores[user]
        for place in range(starts[user], starts[user + 1]):
            for entry in range(offsets[items[place]], offsets[items[place] + 1]):
                row[targets[entry]] += values[entry]
        for item in range(len(row)):
            if row[item] == 0:
                row[item] = otherwise[item]
    return scores
