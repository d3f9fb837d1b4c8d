"""Lists for people, those a model was trained on and newcomers, and what spoke for each movie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marquee.data.ratings import Ratings, concat
from marquee.data.user_items import UserItems
from marquee.errors import MarqueeError
from marquee.evaluation.inner_product import top_k_dense
from marquee.evaluation.topk import top_k_for_users
from marquee.parallel import single_threaded_blas
from marquee.recommenders.base import NOTICEABLE, Recommender

PROBED = 32  # ratings of one person that are left out in turn to see what they did


@dataclass(frozen=True)
class Audience:
    """Whom a list is for. `scores` takes rows into `labels`, like `Recommender.scores` its users.

    history  what the model knows of them, and `rated` what they have rated at all: users are those rows
    """

    labels: list[Any]
    scores: Callable[[np.ndarray], np.ndarray]
    history: Ratings
    rated: Ratings


def numbered(labels: Sequence[str], user_ids: Sequence[Any]) -> np.ndarray:
    """int32 [n]: the users whose ids in the release read as `labels`. Raises MarqueeError for any other."""
    place = {str(known): user for user, known in enumerate(user_ids)}
    if not labels:
        raise MarqueeError("no user is named; give the release's own numbers, such as --users 1,2,3")
    for label in labels:
        if label not in place:
            first, last = user_ids[0], user_ids[-1]
            raise MarqueeError(
                f"user {label} is not in this data, whose users go from {first} to {last}; "
                "a newcomer says what they like with --rate or --ratings"
            )
    return np.array([place[label] for label in labels], np.int32)


def known_users(
    model: Recommender,
    labels: list[Any],
    users: np.ndarray,
    history: Ratings,
    held_out: Ratings,
    rated: Ratings,
) -> Audience:
    """Users of the data, ids int32 [n], with their rows of three tables whose users are those ids.

    Whoever was held out whole from training is folded in from their rows of `held_out`.
    """
    history, held, rated = (_renumbered(part, users) for part in (history, held_out, rated))
    if not len(held):
        return Audience(labels, lambda rows: model.scores(users[rows]), history, rated)
    view, folded = model.fold_in(held), np.bincount(held.user, minlength=len(users)) > 0

    def scores(rows: np.ndarray) -> np.ndarray:
        found = model.scores(users[rows])
        new = folded[rows]
        if new.any():
            found[new] = view.scores(rows[new])
        return found

    return Audience(labels, scores, concat(history, held), rated)


def new_user(
    model: Recommender, items: np.ndarray, ratings: np.ndarray, positive_threshold: float | None, ranks: bool
) -> Audience:
    """Someone who rated `items` [n] so; a movie rated twice counts as it was rated last.

    A model that `ranks` knows positives only: ratings from `positive_threshold` on, each as 1.
    Raises MarqueeError where nothing is left of them.
    """
    last = {int(item): float(rating) for item, rating in zip(items, ratings, strict=True)}
    rated = Ratings.of([0] * len(last), list(last), list(last.values()))
    history = rated
    if ranks:
        liked = rated.rating >= (positive_threshold or 0)
        history = Ratings.of(rated.user[liked], rated.item[liked])
    if not len(history):
        raise MarqueeError(
            f"this model learns from ratings of at least {positive_threshold:g} only, and none of yours is one; "
            "rate a movie that you like, or ask a model for ratings"
        )
    view = model.fold_in(history)
    return Audience(["you"], view.scores, history, rated)


def top_lists(people: Audience, allowed: np.ndarray, k: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Items int32 [n, k'] and scores [n, k'] of everyone's best k of the `allowed` (a mask) they have not
    rated, k' at most k; -1 where there are no more."""
    items = np.flatnonzero(allowed).astype(np.int32)
    n = len(people.labels)
    seen = people.rated.matrix(n, len(allowed), binary=True)[:, items]
    best, values, _ = top_k_for_users(
        lambda rows: people.scores(rows)[:, items],
        np.arange(n, dtype=np.int32),
        UserItems(seen.indptr.astype(np.int64), seen.indices),
        len(items),
        min(k, len(items)),
        name,
    )
    return np.where(best < 0, -1, items[best]).astype(np.int32), values


def explain(model: Recommender, history: Ratings, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of one person's `history` [m], and float32 [m, len(items)]: what each adds to each item's score.

    A model that knows says so exactly, for all of them. Of any other it is the score less the score of the
    same person without that rating, folded in anew; beyond `PROBED` ratings for the likeliest of them.
    """
    if not len(history):
        return np.arange(0), np.zeros((0, len(items)), np.float32)
    known = model.explain(history, items)
    if known is not None:
        return np.arange(len(history)), known
    rows = _probed(model, history, items)
    n, m = len(history), len(rows)
    kept = np.ones((m + 1, n), bool)
    kept[np.arange(m), rows] = False  # person i lacks rating rows[i]; the last has them all
    person, rating = np.nonzero(kept)
    copies = Ratings(
        person.astype(np.int32), *(getattr(history, c)[rating] for c in ("item", "rating", "timestamp"))
    )
    with single_threaded_blas():
        scores = model.fold_in(copies).scores(np.arange(m + 1, dtype=np.int32))  # (m + 1, n_items)
    effects = scores[-1] - scores[:-1]
    if np.ptp(effects, axis=1).max() <= NOTICEABLE * np.ptp(scores[-1]):
        return rows[:0], effects[:0, items]  # it moves all movies alike: nothing speaks for one
    return rows, effects[:, items]


def _probed(model: Recommender, history: Ratings, items: np.ndarray) -> np.ndarray:
    """The rows of `history` to leave out: all of a short one, or of each of `items` in turn the likeliest.

    A rating does the more the more alike the two movies are, and the less the model had expected it.
    """
    n = len(history)
    if n <= PROBED or not len(items):
        return np.arange(n)
    own = model.fold_in(history).scores(np.zeros(1, np.int32))[0, history.item]  # (n,)
    unexpected = history.rating - own if np.ptp(history.rating) else own.max() - own
    vectors = model.unit_embeddings(np.concatenate([history.item, items]))
    likely = (vectors[:n] @ vectors[n:].T) * unexpected[:, None]  # (n, len(items))
    order = np.argsort(-likely, axis=0, kind="stable").ravel()
    _, first = np.unique(order, return_index=True)  # where each row of history comes first
    return np.sort(order[np.sort(first)][:PROBED])


def item_similarities(model: Recommender, item: int, name: str) -> np.ndarray:
    """float32 [n_items]: the cosine of each item's vector with that of `item`.

    The vectors are the model's own; where it has none, how far the scores of `SAMPLED` users stand off from
    what is usual for the user and for the movie. Raises MarqueeError where nothing stands off.
    """
    found = model.item_similarities(item)
    if not found.any():
        raise MarqueeError(f"{name} knows nothing that makes this movie like another; ask another model")
    return found


def nearest_items(
    cosines: np.ndarray, allowed: np.ndarray, item: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `allowed` items of highest cosine [n_items], and these; without `item` itself."""
    hidden = np.where(allowed, cosines, np.float32(-np.inf))[None]
    hidden[0, item] = -np.inf
    nothing = UserItems(np.zeros(2, np.int64), np.empty(0, np.int32))
    items, values = top_k_dense(hidden, nothing, min(k, len(cosines)))
    return items[0], values[0]


def _renumbered(part: Ratings, users: np.ndarray) -> Ratings:
    """The rows of `users`, numbered by their place there."""
    place = np.full(int(max(part.user.max(initial=-1), users.max(initial=-1))) + 1, -1, np.int32)
    place[users] = np.arange(len(users), dtype=np.int32)
    rows = np.flatnonzero(place[part.user] >= 0)
    rows = rows[np.argsort(place[part.user[rows]], kind="stable")]
    return Ratings(place[part.user[rows]], part.item[rows], part.rating[rows], part.timestamp[rows])
