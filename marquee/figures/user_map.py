"""Draw a map of the users as a model sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.data.ratings import Catalogue
from marquee.figures.embedding_map import main_genres, principal_map
from marquee.recommenders.base import Recommender

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 400  # users, those with the most training ratings
TOLD = ("gender", "age", "occupation")  # columns of data/users.parquet that a dot tells


def user_map(
    model: Recommender,
    pairs: Mapping[str, np.ndarray],
    catalogue: Catalogue,
    users: Mapping[str, Sequence[Any]],
) -> tuple[Figure, str] | None:
    """Draw the SHOWN most active users by PCA, with a caption; None where all are alike to the model.

    pairs  `user` and `item` of each training rating, int32 [n]
    users  columns of data/users.parquet
    """
    counts = np.bincount(pairs["user"], minlength=model.n_users)
    shown = np.argsort(-counts, kind="stable")[:SHOWN]
    vectors = model.unit_user_embeddings(shown)
    if not vectors.any():
        return None
    liked = favorite_genres(pairs, catalogue, shown)
    labels = [f"user {users['user_id'][user]}" for user in shown]
    names = [
        ", ".join([label, *_told(users, user), f"{counts[user]:,} ratings"])
        for label, user in zip(labels, shown, strict=True)
    ]
    words = (
        f"The {len(shown)} users with the most training ratings in the plane of largest variance, by the "
        "scores that the model gives them; similar tastes are close."
    )
    if any(liked):
        words += " Color and marker show the genre that a user rates most beyond the usual."
    return principal_map(vectors.astype(float), names, labels, main_genres(liked, liked)), words


def favorite_genres(
    pairs: Mapping[str, np.ndarray], catalogue: Catalogue, shown: np.ndarray
) -> list[list[str]]:
    """Return for each user of `shown` the genre that is furthest above its fraction of all ratings.

    An empty list: no movie of the user's has a genre.
    """
    place = np.full(catalogue.n_users, -1)
    place[shown] = np.arange(len(shown))
    rows = place[pairs["user"]]
    item, rows = pairs["item"][rows >= 0], rows[rows >= 0]
    n, names = len(shown), catalogue.genre_names
    own = np.array([np.bincount(rows[has], minlength=n) for has in catalogue.genres[item].T]).reshape(-1, n)
    usual = (np.bincount(pairs["item"], minlength=catalogue.n_items) @ catalogue.genres).astype(float)
    more = own.T / np.maximum(own.sum(0), 1)[:, None] - usual / max(usual.sum(), 1)  # (n, n_genres)
    return [[names[best.argmax()]] if some else [] for best, some in zip(more, own.sum(0), strict=True)]


def _told(users: Mapping[str, Sequence[Any]], user: int) -> list[str]:
    found = [users[column][user] for column in TOLD if column in users]
    return [str(value) for value in found if value is not None]
