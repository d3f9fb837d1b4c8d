"""Recommendations and similar movies of a fitted model, as DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.errors import MarqueeError
from marquee.serving import explain as explanations
from marquee.serving import output, top_n
from marquee.serving.catalogue import COLUMNS, MovieFilter

if TYPE_CHECKING:
    import pandas as pd

    from marquee.api.models import Model, Taste


def recommend(
    model: Model,
    taste: Taste | None,
    user_id: Any,
    k: int,
    wanted: MovieFilter,
    min_ratings: int | None,
    explain: bool,
) -> pd.DataFrame:
    """Return a list for a new user of that taste, for the user of that id, or both: see `Model.recommend`."""
    model.require_fit()
    if taste is None and user_id is None:
        raise MarqueeError("recommend needs ratings or a user_id: {'Alien (1979)': 5}, or user_id=42")
    _require_k(k)
    data, movies = model.dataset, model.dataset.titles
    allowed, _ = top_n.often_rated(
        *(movies.keep(wanted), model.task, min_ratings),
        lambda: np.bincount(model.trained_on.item, minlength=len(movies)),
    )
    audience = _audience(model, taste, user_id)
    items, values = top_n.top_lists(audience, allowed, k, model.name)
    column = "score"
    if model.task == "rating":
        column, values = "rating", np.clip(values, data.scale.low, data.scale.high)
    frame = _frame(model, items[0], values[0], column)
    if explain:
        listed = items[0][items[0] >= 0]
        effects = explanations.rating_effects(model.recommender, audience.history, listed)
        frame["explanation"] = explanations.explain_by_ratings(audience.history, *effects, movies)
    return frame


def recommend_movies(model: Model, user_id: Any, top_n: int = 10) -> pd.DataFrame:
    """Return the `top_n` movies, by title and best first, that a user of the data has not rated.

    The columns are movie_id, title, year, genres and the model's score or predicted rating. It is the same as
    `model.recommend(user_id=user_id, k=top_n)`, which also takes genres, years and ratings of a new user.
    """
    return model.recommend(user_id=user_id, k=top_n)


def similar(model: Model, title: Any, k: int = 10) -> pd.DataFrame:
    """Return the k movies most similar to one, as `model` sees them."""
    model.require_fit()
    _require_k(k)
    item = _item(model, title)
    similarities = top_n.item_similarities(model.recommender, item, model.name)
    items, values = top_n.nearest_items(similarities, np.ones(len(similarities), bool), item, k)
    return _frame(model, items, values, "similarity")


def _audience(model: Model, taste: Taste | None, user_id: Any) -> top_n.Audience:
    if taste is None:
        return _known_user(model, user_id)
    given = (*_own_ratings(model, taste), model.positive_threshold)
    if user_id is None:
        return top_n.new_user(model.recommender, *given)
    return top_n.with_ratings(model.recommender, _known_user(model, user_id), *given)


def _own_ratings(model: Model, taste: Taste) -> tuple[np.ndarray, np.ndarray]:
    """Return the items [n] of `taste` and their ratings [n]."""
    scale, implicit = model.dataset.scale, model.dataset.implicit
    if isinstance(taste, str) or not isinstance(taste, Mapping | Sequence):
        raise MarqueeError(f"ratings are {taste!r}: give a dict such as {{'Alien (1979)': 5}}, or a list")
    rated = taste if isinstance(taste, Mapping) else dict.fromkeys(taste, scale.high)
    if not rated:
        raise MarqueeError("the ratings are empty: rate at least one movie")
    for title, rating in rated.items():
        if not isinstance(rating, int | float | np.number) or not (implicit or scale.allows(rating)):
            raise MarqueeError(f"the rating {rating!r} of {title!r} is off the scale: give one from {scale}")
    items = np.array([_item(model, title) for title in rated], np.int32)
    return items, np.array(list(rated.values()), np.float32)


def _known_user(model: Model, user_id: Any) -> top_n.Audience:
    known = model.dataset.user_ids
    place = np.flatnonzero(known == user_id)
    if not len(place):
        place = np.flatnonzero(known.astype(str) == str(user_id))
    if not len(place):
        raise MarqueeError(
            f"user {user_id!r} is not in this data, whose users go from {known[0]} to {known[-1]}: "
            "a new user gives ratings, such as {'Alien (1979)': 5}"
        )
    users = place.astype(np.int32)
    return top_n.known_users(
        model.recommender, [user_id], users, model.trained_on, model.folded_in, model.dataset.rows
    )


def _item(model: Model, title: Any) -> int:
    """Return the item of a movie id of the data, of `#` and an id, or of a title."""
    ids = model.dataset.movie_ids
    if not isinstance(title, str) or title in ids:
        title = f"#{title}"
    movies = model.dataset.titles
    return movies.find_one(title, movies.search())


def _frame(model: Model, items: np.ndarray, values: np.ndarray, column: str) -> pd.DataFrame:
    """Return a row for each of `items` [k] (-1: no more), counted from 1."""
    import pandas as pd

    rows = output.list_rows("", items, values, model.dataset.titles, column)
    frame = pd.DataFrame(rows, columns=["rank", *COLUMNS, column]).set_index("rank")
    frame["genres"] = frame["genres"].map(", ".join)
    frame["year"] = frame["year"].astype("Int64")
    return frame


def _require_k(k: int) -> None:
    if not isinstance(k, int | np.integer) or k < 1:
        raise MarqueeError(f"k is {k!r}: ask for at least 1 movie")
