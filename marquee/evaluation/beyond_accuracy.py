"""Metrics of lists beyond accuracy: coverage, popularity, novelty, diversity, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from marquee.data.ratings import Catalogue, Ratings
from marquee.data.user_items import UserItems
from marquee.evaluation.metrics import Columns
from marquee.parallel import counts, parallel_blocks, single_threaded_blas

SMOOTHING = 0.01  # of the history's genre weights in the list's, so that no logarithm is infinite
FIXED = float(1 << 32)  # fractions are multiples of 1 / FIXED, so that their sums are exact in any order
ROWS = 1024  # users whose lists are compared at a time


def coverage(items: np.ndarray, n_items: int, ks: Sequence[int]) -> dict[str, float]:
    """Return `coverage@k`, the fraction of the catalogue in any list, items [n, k_max] (-1: no more)."""
    listed = {k: np.bincount(items[:, :k].reshape(-1) + 1, minlength=n_items + 1)[1:] > 0 for k in ks}
    return {f"coverage@{k}": float(found.mean()) for k, found in listed.items()}


def beyond_accuracy(
    items: np.ndarray,
    users: np.ndarray,
    history: UserItems,
    train: Ratings,
    catalogue: Catalogue,
    ks: Sequence[int],
) -> Columns:
    """Return one value for each list, float64 [n]; NaN where it is not defined for that user.

    items, users  int32 [n, k_max] (-1: the list has ended) and [n]
    history       by user, what is known of them; train: what popularity is counted in

    popularity_percentile@k  mean fraction of the catalogue with fewer training ratings than a listed item,
                             a half of those with as many counted in
    novelty@k                mean -log2 of the fraction of training users who rated a listed item; an item
                             without any counts as rated by one (Vargas and Castells, 2011)
    genre_diversity@k        mean Jaccard distance between the genre sets of two listed items
                             (Ziegler et al., 2005), over pairs in which both have genres
    genre_miscalibration@k   KL divergence, in nats, of the history's genre weights from the list's, which
                             are mixed with 0.01 of the former (Steck, 2018); 0 is best

    Without genres in the catalogue the last two are left out.
    """
    return list_columns(items, users, history, ItemValues.of(train, catalogue), ks)


class ItemValues(NamedTuple):
    """Hold what these metrics look up of an item: it is the same for all lists.

    popularity_percentile, novelty  float64 [n_items]
    genres                          bool [n_items, n_genres]
    """

    popularity_percentile: np.ndarray
    novelty: np.ndarray
    genres: np.ndarray

    @classmethod
    def of(cls, train: Ratings, catalogue: Catalogue) -> Self:
        """Count the popularity of items in `train`."""
        count = counts(train.item, catalogue.n_items)
        ordered = np.sort(count)
        below, through = (np.searchsorted(ordered, count, side) for side in ("left", "right"))
        n_train_users = max(np.count_nonzero(counts(train.user)), 1)
        novelty = np.log2(n_train_users / np.maximum(count, 1))
        return cls((below + through) / (2 * catalogue.n_items), novelty, catalogue.genres)


def list_columns(
    items: np.ndarray, users: np.ndarray, history: UserItems, values: ItemValues, ks: Sequence[int]
) -> Columns:
    """Compute what `beyond_accuracy` returns, from what is known of the items."""
    listed = items >= 0
    named = {"popularity_percentile": values.popularity_percentile, "novelty": values.novelty}
    upto = {name: _means(np.where(listed, value[items], 0), listed) for name, value in named.items()}
    columns = {f"{name}@{k}": means[:, k - 1] for k in ks for name, means in upto.items()}
    if values.genres.shape[1]:
        columns |= _of_genres(items, history.take(users), values.genres, ks)
    return columns


def _of_genres(items: np.ndarray, history: UserItems, genres: np.ndarray, ks: Sequence[int]) -> Columns:
    """Return genre diversity and miscalibration at each k, of lists [n, k_max] and the history of each."""
    from marquee.kernels.topk import add_fractions

    names = [f"genre_{what}@{k}" for k in ks for what in ("diversity", "miscalibration")]
    columns = {name: np.empty(len(items)) for name in names}
    starts, of_item = np.append(0, np.cumsum(genres.sum(1))), np.nonzero(genres)[1]
    fraction = np.rint(FIXED / np.maximum(genres.sum(1), 1)) / FIXED
    fractions = genres * fraction[:, None]

    def work(rows: slice) -> None:
        listed = items[rows]
        wanted = np.zeros((len(listed), genres.shape[1]))
        add_fractions(*history.part(rows), starts, of_item, fraction, wanted)
        diversity = _diversity(genres[listed] & (listed[:, :, None] >= 0))
        for k in ks:
            given = (fractions[listed[:, :k]] * (listed[:, :k, None] >= 0)).sum(1)  # (b, n_genres)
            columns[f"genre_diversity@{k}"][rows] = diversity[:, k - 1]
            columns[f"genre_miscalibration@{k}"][rows] = _miscalibration(wanted, given)

    parallel_blocks(work, len(items), ROWS)
    return columns


def _means(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the mean up to each rank of sums over `counted` values, [n, k_max]; NaN where that is 0."""
    total, n = values.cumsum(1), counted.cumsum(1)
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)


def _diversity(sets: np.ndarray) -> np.ndarray:
    """Return the mean Jaccard distance of all pairs of genre sets, bool [b, k_max, g], up to each rank."""
    counts = sets.sum(2)  # (b, k_max)
    with single_threaded_blas():
        common = sets.astype(np.float32) @ sets.swapaxes(1, 2)  # (b, k_max, k_max)
    union = counts[:, :, None] + counts[:, None] - common
    pair = np.tril((counts[:, :, None] > 0) & (counts[:, None] > 0), -1)  # each with those before it
    distance = np.where(pair, 1 - common / np.maximum(union, 1), 0)
    return _means(distance.sum(2), pair.sum(2))


def _miscalibration(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return KL(p ‖ 0.99 q + 0.01 p), [b], of genre weights p `wanted` and q `given`, both [b, n_genres]."""
    p, q = (
        weights / np.maximum(weights.sum(1, keepdims=True), np.finfo(float).tiny)
        for weights in (wanted, given)
    )
    mixed = (1 - SMOOTHING) * q + SMOOTHING * p
    ratio = np.divide(p, mixed, out=np.ones_like(mixed), where=p > 0)
    return np.where(p.sum(1) > 0, (p * np.log(ratio)).sum(1), np.nan)
