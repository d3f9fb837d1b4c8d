"""What a list is like beside being right: how much of the catalogue, how popular, new, varied, fitting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marquee.foundation.interactions import Catalogue, Ratings
from marquee.measuring.metrics import Columns

SMOOTHING = 0.01  # of the list's genre shares towards the history's, so that no logarithm is infinite
ROWS = 4096  # users whose lists are compared genre by genre at a time


def coverage(items: np.ndarray, n_items: int, ks: Sequence[int]) -> dict[str, float]:
    """`coverage@k`: the share of the catalogue that stands in some list, items [n, k_max] (-1: no more)."""
    listed = {k: np.bincount(items[:, :k].reshape(-1) + 1, minlength=n_items + 1)[1:] > 0 for k in ks}
    return {f"coverage@{k}": float(found.mean()) for k, found in listed.items()}


def beyond_accuracy(
    items: np.ndarray,
    users: np.ndarray,
    history: Ratings,
    train: Ratings,
    catalogue: Catalogue,
    ks: Sequence[int],
) -> Columns:
    """One value for each list, float64 [n]; NaN where it is not defined for that user.

    items, users  int32 [n, k_max] (-1: the list has ended) and [n]
    history       what is known of the users; train: what popularity is counted in

    popularity_percentile@k  mean share of the catalogue with fewer training ratings than a listed item,
                             a half of those with as many counted in
    novelty@k                mean -log2 of the share of training users who rated a listed item; an item
                             without any counts as rated by one (Vargas and Castells, 2011)
    genre_diversity@k        mean Jaccard distance between the genre sets of two listed items
                             (Ziegler et al., 2005), over pairs in which both have genres
    genre_miscalibration@k   KL divergence, in nats, of the history's genre shares from the list's, which
                             are mixed with .01 of the former (Steck, 2018); 0 is best

    Without genres in the catalogue the last two are left out.
    """
    count = np.bincount(train.item, minlength=catalogue.n_items)
    ordered = np.sort(count)
    below, through = (np.searchsorted(ordered, count, side) for side in ("left", "right"))
    n_train_users = max(len(np.unique(train.user)), 1)
    of_item = {
        "popularity_percentile": (below + through) / (2 * catalogue.n_items),
        "novelty": np.log2(n_train_users / np.maximum(count, 1)),
    }
    listed = items >= 0
    upto = {name: _means(np.where(listed, value[items], 0), listed) for name, value in of_item.items()}
    if catalogue.genre_names:
        upto["genre_diversity"] = np.empty(items.shape)
        upto["genre_miscalibration"] = np.empty(items.shape)
        known = history.matrix(catalogue.n_users, catalogue.n_items, binary=True)
        for first in range(0, len(items), ROWS):
            rows = slice(first, first + ROWS)
            genres = catalogue.genres[items[rows]] & listed[rows, :, None]  # (b, k_max, n_genres)
            upto["genre_diversity"][rows] = _diversity(genres)
            wanted = known[users[rows]] @ _shares(catalogue.genres)  # (b, n_genres)
            upto["genre_miscalibration"][rows] = _miscalibration(wanted, _shares(genres).cumsum(1))
    return {f"{name}@{k}": values[:, k - 1] for k in ks for name, values in upto.items()}


def _means(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """The mean of the values up to each rank, [n, k_max]; NaN where none is counted."""
    total, n = values.cumsum(1), counted.cumsum(1)
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)


def _shares(genres: np.ndarray) -> np.ndarray:
    """float64: an item's weight of 1 in equal parts over its genres, the last axis; 0 where it has none."""
    return genres / np.maximum(genres.sum(-1, keepdims=True), 1)


def _diversity(genres: np.ndarray) -> np.ndarray:
    """[b, k_max]: mean Jaccard distance of all pairs of items up to each rank."""
    sets = genres.astype(np.float32)
    size = sets.sum(2)  # (b, k_max)
    common = sets @ sets.transpose(0, 2, 1)  # (b, k_max, k_max)
    union = size[:, :, None] + size[:, None, :] - common
    pair = np.tril((size[:, :, None] > 0) & (size[:, None, :] > 0), -1)  # each with those before it
    distance = np.where(pair, 1 - common / np.maximum(union, 1), 0)
    return _means(distance.sum(2, dtype=np.float64), pair.sum(2))


def _miscalibration(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """[b, k_max]: KL(p ‖ .99 q + .01 p) of genre weights p `wanted` [b, g] and q `given` [b, k_max, g]."""
    p = wanted / np.maximum(wanted.sum(1, keepdims=True), np.finfo(float).tiny)
    q = given / np.maximum(given.sum(2, keepdims=True), np.finfo(float).tiny)
    p = p[:, None, :]  # (b, 1, n_genres)
    mixed = (1 - SMOOTHING) * q + SMOOTHING * p
    ratio = np.divide(p, mixed, out=np.ones_like(mixed), where=p > 0)
    return np.where(p.sum(2) > 0, (p * np.log(ratio)).sum(2), np.nan)
