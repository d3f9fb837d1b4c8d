"""What a model recommends to a few users, with titles: something to read beside the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marquee.data.ratings import concat, pairs_of
from marquee.data.user_items import UserItems
from marquee.evaluation.test_set import TestSet
from marquee.evaluation.topk import top_k_for_users
from marquee.rng import KeyedRandom

USERS, MOVIES = 5, 10  # that are shown, of history and list each


def sample_users(user_ids: np.ndarray) -> np.ndarray:
    """Return int32 [USERS], ascending: the users of lowest hash, the same for every model, task and seed."""
    hashes = KeyedRandom(0, "samples", user_ids).users(np.arange(len(user_ids)))
    return np.sort(np.argsort(hashes, kind="stable")[:USERS]).astype(np.int32)


def samples(
    model: Any, data: TestSet, ids: tuple[np.ndarray, np.ndarray], movies: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """Return for each of `sample_users` the release's id, the history and what `model` recommends.

    history      the user's highest rated movies, of equal ones the latest: `title`, and `rating`, None in the
                 ranking task, where all are positives
    recommended  titles of the user's list, without what train and validation hold, and `low_rated`
    scores       the model's, of these

    ids     the release's own, of users and of movies
    movies  `title` and `year` of each; None where it is not known

    A user who was held out whole is folded in.
    """
    user_ids, movie_ids = ids
    users, length = sample_users(user_ids), min(MOVIES, data.catalogue.n_items)
    known = concat(data.train.of_users(users), data.fold_in.of_users(users))
    seen = pairs_of(known, data.validation.of_users(users), data.low_rated.of_users(users))
    hidden = UserItems.of(seen.user, seen.item, data.catalogue.n_users)

    def name(item: int) -> str:
        title, year = movies["title"][item], movies["year"][item]
        return f"#{movie_ids[item]}" if title is None else title if year is None else f"{title} ({year})"

    found = []
    for user in users:
        own = known.take(known.user == user)
        new = len(data.fold_in) and np.isin(user, data.fold_in.user)
        view = model.fold_in(own) if new else model
        items, scores, _ = top_k_for_users(
            view.scores, np.array([user]), hidden, data.catalogue.n_items, length, "the model"
        )
        listed = items[0] >= 0
        best = np.lexsort((own.item, -own.timestamp, -own.rating))[:MOVIES]
        found.append(
            {
                "user": user_ids[user : user + 1].tolist()[0],
                "history": [
                    {"title": name(own.item[row]), "rating": _rating(own.rating[row], data.task)}
                    for row in best
                ],
                "recommended": [name(item) for item in items[0][listed]],
                "scores": [float(f"{score:.6g}") for score in scores[0][listed]],
            }
        )
    return found


def _rating(rating: np.floating, task: str) -> float | None:
    return round(float(rating), 4) if task == "rating" else None
