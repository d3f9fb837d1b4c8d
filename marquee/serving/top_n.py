"""Top-N lists for known users, for new users, and of similar items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from marquee.data.ratings import Ratings, concat
from marquee.data.user_items import UserItems
from marquee.errors import MarqueeError
from marquee.evaluation.inner_product import top_k_dense
from marquee.evaluation.topk import top_k_for_users
from marquee.recommenders.base import Recommender

MIN_RATINGS = 20  # that a movie needs before a rating model lists it (docs/explanation/decisions.md)
KEPT = 0.9  # of all ratings: the least that movies with so many must hold together


def default_min_ratings(counts: np.ndarray) -> int:
    """Return the number of ratings from which a rating model lists a movie, by those of each item [n].

    It is 20, and less in small data: what it hides has at most a tenth of all ratings.
    """
    held = np.bincount(np.minimum(counts, MIN_RATINGS), weights=counts, minlength=MIN_RATINGS + 1)
    hidden = np.concatenate([[0], np.cumsum(held)[:-1]])  # (21,): ratings of movies with fewer than m
    return int(np.flatnonzero(hidden <= (1 - KEPT) * counts.sum())[-1])


def often_rated(
    allowed: np.ndarray, task: str, least: int | None, counts: Callable[[], np.ndarray]
) -> tuple[np.ndarray, int]:
    """Return bool [n_items], the `allowed` movies with `least` ratings to train on, and that number.

    Without a number (None) a rating model has a least one of its own, since its best predictions are of
    movies that few users rated. `counts` returns the training ratings of each item [n_items].
    """
    if least == 0 or (least is None and task == "ranking"):
        return allowed, 0
    known = counts()
    least = default_min_ratings(known) if least is None else least
    return allowed & (known >= least), least


@dataclass(frozen=True)
class Audience:
    """The users that lists are for; user i of every member is `labels[i]`.

    scores   like `Recommender.scores`
    history  the ratings that the model knows
    rated    all ratings: these movies are not recommended
    """

    labels: list[Any]
    scores: Callable[[np.ndarray], np.ndarray]
    history: Ratings
    rated: Ratings


def user_indices(labels: Sequence[str], user_ids: Sequence[Any]) -> np.ndarray:
    """Return int32 [n]: the users with these ids of the release. Raises MarqueeError for an unknown id."""
    place = {str(known): user for user, known in enumerate(user_ids)}
    if not labels:
        raise MarqueeError("no user is named: give the release's ids, such as --users 1,2,3")
    for label in labels:
        if label not in place:
            raise MarqueeError(
                f"user {label!r} is not in this data, whose users go from {user_ids[0]} to {user_ids[-1]}: "
                "a new user gives --rate or --ratings"
            )
    return np.array([place[label] for label in labels], np.int32)


def user_labels(text: str, user_ids: Sequence[Any]) -> list[str]:
    """Return the ids in `text`, each once: one a line, or several between commas or blanks.

    Ids may hold commas and blanks themselves: the most pieces of a line that together are an id count as one.
    """
    known = {str(one) for one in user_ids}
    found: list[str] = []
    for line in map(str.strip, text.splitlines()):
        pieces = line.split(",")
        while pieces:
            joined = (
                (end, one)
                for end in range(len(pieces), 0, -1)
                if (one := ",".join(pieces[:end]).strip().strip('"')) in known
            )
            end, one = next(joined, (1, ""))
            found += [one] if one else pieces[0].split()
            pieces = pieces[end:]
    return list(dict.fromkeys(found))


def known_users(
    model: Recommender,
    labels: list[Any],
    users: np.ndarray,
    history: Ratings,
    held_out: Ratings,
    rated: Ratings,
) -> Audience:
    """Return users of the data, ids int32 [n], with their rows of three tables whose users are those ids.

    A user held out of training whole is folded in from their rows of `held_out`.
    """
    history, held_out, rated = (_renumbered(part, users) for part in (history, held_out, rated))
    if not len(held_out):
        return Audience(labels, lambda rows: model.scores(users[rows]), history, rated)
    view, folded = model.fold_in(held_out), np.bincount(held_out.user, minlength=len(users)) > 0

    def scores(rows: np.ndarray) -> np.ndarray:
        found = model.scores(users[rows])
        new = folded[rows]
        if new.any():
            found[new] = view.scores(rows[new])
        return found

    return Audience(labels, scores, concat(history, held_out), rated)


def new_user(
    model: Recommender, items: np.ndarray, ratings: np.ndarray, positive_threshold: float | None
) -> Audience:
    """Return a user who gave `items` [n] these `ratings` [n]; of two ratings of a movie the last counts.

    A ranking model knows positives only: ratings of at least `positive_threshold`, each as 1.
    Raises MarqueeError where no rating remains.
    """
    rated = _one_user(items, ratings)
    history = _learned(rated, model, positive_threshold)
    if not len(history):
        raise MarqueeError(
            f"none of your {len(rated)} ratings is at least {positive_threshold:g}, and this model learns "
            "from those only: rate a movie that you like, or ask a rating model"
        )
    view = model.fold_in(history)
    return Audience(["you"], view.scores, history, rated)


def with_ratings(
    model: Recommender,
    user: Audience,
    items: np.ndarray,
    ratings: np.ndarray,
    positive_threshold: float | None,
) -> Audience:
    """Return one known `user` with more ratings, as in `new_user`; of a movie they replace the old one.

    The user is folded in from all of them.
    """
    new = _one_user(items, ratings)
    history, rated = (old.take(~np.isin(old.item, new.item)) for old in (user.history, user.rated))
    history = concat(history, _learned(new, model, positive_threshold))
    if not len(history):
        raise MarqueeError("no rating of this user remains that the model learns from: rate a movie higher")
    return Audience(user.labels, model.fold_in(history).scores, history, concat(rated, new))


def without(user: Audience, seen: np.ndarray) -> Audience:
    """Return one user who is not recommended the items `seen` [n] either."""
    return replace(user, rated=concat(user.rated, Ratings.of([0] * len(seen), seen)))


def _one_user(items: np.ndarray, ratings: np.ndarray) -> Ratings:
    last = {int(item): float(rating) for item, rating in zip(items, ratings, strict=True)}
    return Ratings.of([0] * len(last), list(last), list(last.values()))


def _learned(rated: Ratings, model: Recommender, positive_threshold: float | None) -> Ratings:
    """Return what the model learns from: all ratings, or of a ranking model the positives as 1."""
    if model.task == "rating":
        return rated
    liked = rated.rating >= (positive_threshold or 0)
    return Ratings.of(rated.user[liked], rated.item[liked])


def top_lists(audience: Audience, allowed: np.ndarray, k: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return items int32 [n, k'] and scores [n, k']: each user's best k of the `allowed` (bool [n_items])
    that they have not rated, k' at most k; -1 where there are no more. `name` is the model's."""
    items = np.flatnonzero(allowed).astype(np.int32)
    n = len(audience.labels)
    if not len(items):
        return np.empty((n, 0), np.int32), np.empty((n, 0), np.float32)
    column = np.full(len(allowed), -1, np.int32)  # of an item among those allowed
    column[items] = np.arange(len(items), dtype=np.int32)
    hidden = column[audience.rated.item]
    seen = UserItems.of(audience.rated.user[hidden >= 0], hidden[hidden >= 0], n)
    best, values, _ = top_k_for_users(
        lambda rows: audience.scores(rows)[:, items],
        np.arange(n, dtype=np.int32),
        seen,
        len(items),
        min(k, len(items)),
        name,
    )
    return np.where(best < 0, -1, items[best]).astype(np.int32), values


def ranks(audience: Audience, allowed: np.ndarray, user: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each item's rank int64 [n_items] in the whole list of one user, from 1, and its score [n_items].

    The rank is 0 of an item that is not allowed, or that the user rated.
    """
    scores = audience.scores(np.array([user], np.int32))[0]
    listed = allowed.copy()
    listed[audience.rated.item[audience.rated.user == user]] = False
    items = np.flatnonzero(listed)
    rank = np.zeros(len(scores), np.int64)
    rank[items[np.argsort(-scores[items], kind="stable")]] = np.arange(1, len(items) + 1)
    return rank, scores


def item_similarities(model: Recommender, item: int, name: str) -> np.ndarray:
    """Return float32 [n_items], `Recommender.item_similarities`. Raises MarqueeError where all are 0."""
    found = model.item_similarities(item)
    if not found.any():
        raise MarqueeError(f"{name} finds no movie similar to this one: ask another model")
    return found


def nearest_items(
    similarities: np.ndarray, allowed: np.ndarray, item: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k `allowed` items of highest similarity [n_items], without `item`, and their values."""
    hidden = np.where(allowed, similarities, np.float32(-np.inf))[None]
    hidden[0, item] = -np.inf
    nothing = UserItems(np.zeros(2, np.int64), np.empty(0, np.int32))
    items, values = top_k_dense(hidden, nothing, min(k, len(similarities)))
    return items[0], values[0]


def _renumbered(part: Ratings, users: np.ndarray) -> Ratings:
    """Return the rows of `users`, numbered by their place there."""
    place = np.full(int(max(part.user.max(initial=-1), users.max(initial=-1))) + 1, -1, np.int32)
    place[users] = np.arange(len(users), dtype=np.int32)
    rows = np.flatnonzero(place[part.user] >= 0)
    rows = rows[np.argsort(place[part.user[rows]], kind="stable")]
    return Ratings(place[part.user[rows]], part.item[rows], part.rating[rows], part.timestamp[rows])
