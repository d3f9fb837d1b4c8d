"""Explain recommendations: by the user's own ratings, or by those of others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marquee.data.ratings import Ratings
from marquee.evaluation.score_embeddings import NOTICEABLE
from marquee.parallel import single_threaded_blas
from marquee.recommenders.base import Recommender
from marquee.serving.catalogue import MovieCatalogue

PROBED = 32  # ratings of one user that are left out in turn to measure their effect
NAMED = 3  # ratings that an explanation names


def rating_effects(model: Recommender, history: Ratings, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of one user's `history` [m], and float32 [m, len(items)]: what each adds to a score.

    Exact, and for all rows, where the model explains itself. Of any other model it is the score less the
    score of the same user without that rating, folded in anew; beyond `PROBED` ratings, for the likeliest.
    """
    if not len(history):
        return np.arange(0), np.zeros((0, len(items)), np.float32)
    known = model.explain(history, items)
    if known is not None:
        return np.arange(len(history)), known
    rows = _probed(model, history, items)
    n, m = len(history), len(rows)
    kept = np.ones((m + 1, n), bool)
    kept[np.arange(m), rows] = False  # copy i of the user lacks rating rows[i]; the last has them all
    copy, rating = np.nonzero(kept)
    columns = (getattr(history, c)[rating] for c in ("item", "rating", "timestamp"))
    with single_threaded_blas():
        view = model.fold_in(Ratings(copy.astype(np.int32), *columns))
        scores = view.scores(np.arange(m + 1, dtype=np.int32))  # (m + 1, n_items)
    effects = scores[-1] - scores[:-1]
    if np.ptp(effects, axis=1).max() <= NOTICEABLE * np.ptp(scores[-1]):
        return rows[:0], effects[:0, items]  # it moves all movies by the same: it explains none
    return rows, effects[:, items]


def _probed(model: Recommender, history: Ratings, items: np.ndarray) -> np.ndarray:
    """Choose rows of `history` to leave out: all of a short one, else the likeliest of each item in turn.

    A rating has the more effect the more similar the two movies are, and the less the model expected it.
    """
    n = len(history)
    if n <= PROBED or not len(items):
        return np.arange(n)
    own = model.fold_in(history).scores(np.zeros(1, np.int32))[0, history.item]  # (n,)
    unexpected = (
        history.rating - own if model.task == "rating" and np.ptp(history.rating) else own.max() - own
    )
    vectors = model.unit_embeddings(np.concatenate([history.item, items]))
    likely = (vectors[:n] @ vectors[n:].T) * unexpected[:, None]  # (n, len(items))
    order = np.argsort(-likely, axis=0, kind="stable").ravel()
    _, first = np.unique(order, return_index=True)  # where each row of history comes first
    return np.sort(order[np.sort(first)][:PROBED])


def strongest(effects: np.ndarray) -> list[list[int]]:
    """Return for each column of `effects` [m, k] the rows of the `NAMED` largest, of those above 0."""
    largest = np.argsort(-effects, axis=0, kind="stable")[:NAMED]
    above = np.take_along_axis(effects, largest, 0) > 0
    return [rows[kept].tolist() for rows, kept in zip(largest.T, above.T, strict=True)]


def explain_by_ratings(
    history: Ratings, rows: np.ndarray, effects: np.ndarray, movies: MovieCatalogue
) -> list[str]:
    """Name for each column of `effects` [len(rows), k] the ratings that add most; empty where none adds."""
    explanations = []
    for column, best in zip(effects.T, strongest(effects), strict=True):
        names = [movies.name(item) for item in history.item[rows[best]]]
        words = (f"{name} {column[row]:+.2g}" for name, row in zip(names, best, strict=True))
        explanations.append(", ".join(words))
    return explanations


def explain_by_popularity(train: Ratings, n_items: int, rated: bool, verb: str) -> Callable[[int], str]:
    """Say of an item how many users interacted with it and, where they `rated` it, with what mean."""
    counts = np.bincount(train.item, minlength=n_items)
    sums = np.bincount(train.item, weights=train.rating, minlength=n_items)
    usual = sums.sum() / max(counts.sum(), 1)

    def words(item: int) -> str:
        if not counts[item]:
            return f"{verb} by no user yet"
        by = f"by {counts[item]:,} user{'s' if counts[item] > 1 else ''}"
        if not rated:
            return f"{verb} {by}"
        mean = sums[item] / counts[item]
        side = "above" if mean >= usual else "below"
        return f"rated {mean:.2f} {by}, {abs(mean - usual):.2f} {side} average"

    return words
