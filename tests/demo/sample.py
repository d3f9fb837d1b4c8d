"""A page from any model and data set, and what a tab of a browser says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.demo import content, models, page
from marquee.movielens.schema import Dataset, Scale
from marquee.recommenders.base import Recommender, TrainingData
from marquee.serving import top_n
from tests.browser import Page

SCALE, THRESHOLD = Scale(1, 5, 1), 4.0
READY = """new Promise((done) => { const look = () =>
    "ready" in document.documentElement.dataset ? done(true) : setTimeout(look, 10); look()})"""


def fitted(data: Dataset, algorithm: str, options: dict[str, Any]) -> tuple[Recommender, np.ndarray]:
    """Return the model fitted on all positives, and the number of these of each item."""
    ratings = Ratings.from_table(data.ratings)
    liked = ratings.take(ratings.rating >= THRESHOLD)
    train = Ratings.of(liked.user, liked.item)
    model = recommenders.create(algorithm, "ranking", options, algorithm)
    shape = Catalogue.of(len(data.users), len(data.movies))
    model.fit(TrainingData(train, Ratings.empty(), shape), np.random.default_rng(0))
    return model, np.bincount(train.item, minlength=len(data.movies))


def written(
    path: Path,
    data: Dataset,
    model: Recommender,
    counts: np.ndarray,
    most: int = 10_000,
    megabytes: float = 1.25,
) -> Path:
    packed = models.pack(model, counts, most, megabytes)
    known = content.page_data("a release", SCALE, THRESHOLD, data.movies, counts, packed.items)
    path.write_text(page.render({**known, "model": {**packed.model, "name": "it"}}, "Marquee"), "utf-8")
    return path


def users(data: Dataset, n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return items and ratings of new users: 3 to 30 of those of each of `n` users by chance."""
    rng, ratings = np.random.default_rng(7), Ratings.from_table(data.ratings)
    found = []
    for user in rng.permutation(len(data.users)):
        own = np.flatnonzero(ratings.user == user)
        own = rng.permutation(own)[: rng.integers(3, 31)]
        if len(found) < n and (ratings.rating[own] >= THRESHOLD).any():
            found.append((ratings.item[own], ratings.rating[own]))
    return found


def lists(model: Recommender, asked: list[tuple[np.ndarray, np.ndarray]]) -> list[list[int]]:
    """Return ten items for each user, as `marquee recommend` lists them."""
    allowed = np.ones(model.n_items, bool)
    audiences = (top_n.new_user(model, *ratings, THRESHOLD) for ratings in asked)
    return [top_n.top_lists(audience, allowed, 10, "it")[0][0].tolist() for audience in audiences]


def page_lists(
    tab: Page, path: Path, data: Dataset, asked: list[tuple[np.ndarray, np.ndarray]]
) -> list[list[int]]:
    """Return the same from the page at `path`."""
    ids = data.movies["movie_id"].to_pylist()
    ratings = [
        [{"movie": ids[item], "rating": float(rating)} for item, rating in zip(*one, strict=True)]
        for one in asked
    ]
    tab.show(path, 1200)
    tab.run(READY)
    found = tab.run(
        "(async () => { const found = [];"
        f"for (const one of {json.dumps(ratings)})"
        "  found.push((await marquee.page.engine.recommend(one, {k: 10})).map(({movie}) => movie));"
        "return found })()"
    )
    place = {movie: item for item, movie in enumerate(ids)}
    return [[place[movie] for movie in one] for one in found]
