"""What a server answers from: all models of one run, its movies and its scale, and nothing that changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from marquee.data.identity import Identity
from marquee.errors import MarqueeError, did_you_mean
from marquee.movielens.schema import Scale
from marquee.recommenders.base import Recommender
from marquee.serving import explain, output, top_n
from marquee.serving.answers import Answer
from marquee.serving.catalogue import MovieCatalogue, MovieFilter
from marquee.serving.title_search import TitleSearch

MovieId = int | str
LISTED = 100  # movies in a list, at most
FILTERS = 256  # filters whose movies are remembered
EVERY = MovieFilter()
QUICK, SLOW = 0.005, 0.5  # seconds
USUAL = 20  # ratings of a query
ITEMS = 512  # movies whose similarities are remembered


@dataclass(frozen=True)
class Query:
    """Ask for movies, as `marquee recommend` does.

    ratings      (the release's movie id, rating); of two ratings of a movie the last counts
    hide         movies that are not recommended either
    min_ratings  training ratings that a movie needs; None: as many as the model's task needs
    """

    ratings: Sequence[tuple[MovieId, float]]
    hide: Sequence[MovieId] = ()
    wanted: MovieFilter = EVERY
    min_ratings: int | None = None
    k: int = 20


@dataclass(frozen=True)
class Snapshot:
    """Hold one finished run.

    data       the identity of its catalogue, which each of its models carries
    counts     task → training ratings of each item, int64 [n_items]
    threshold  the rating from which on one is a positive
    page       HTML on which a visitor rates movies; empty: there is none
    """

    data: Identity
    movies: MovieCatalogue
    models: Mapping[str, Recommender]
    counts: Mapping[str, np.ndarray]
    scale: Scale
    threshold: float
    page: str = ""

    @cached_property
    def search(self) -> TitleSearch:
        return self.movies.search()

    @cached_property
    def places(self) -> dict[str, int]:
        return {str(known): item for item, known in enumerate(self.movies.ids)}

    @cached_property
    def genres(self) -> list[str]:
        return sorted({name for names in self.movies.genres for name in names})

    def item(self, movie: MovieId) -> int:
        """Return the item of a movie of the release. Raises MarqueeError for an unknown one."""
        if (found := self.places.get(str(movie))) is None:
            raise MarqueeError(f"movie {str(movie)[:40]!r} is not in this data: search for it by title")
        return found

    def model(self, name: str) -> Recommender:
        if name not in self.models:
            raise MarqueeError(f"model {name[:64]!r} is not served{did_you_mean(name, self.models)}")
        return self.models[name]

    def rated(self, ratings: Sequence[tuple[MovieId, float]]) -> tuple[np.ndarray, np.ndarray]:
        """Return items int32 [n] and ratings float32 [n]. Raises MarqueeError for one off the scale."""
        for movie, rating in ratings:
            if not self.scale.allows(rating):
                raise MarqueeError(
                    f"the rating {rating:g} of movie {str(movie)[:40]} is off the scale: "
                    f"give one from {self.scale}"
                )
        items = np.array([self.item(movie) for movie, _ in ratings], np.int32)
        return items, np.array([rating for _, rating in ratings], np.float32)

    def recommend(self, name: str, query: Query, why: bool = True) -> list[dict[str, Any]]:
        """Return the list of one model, with the ratings that add most to each score under `why`.

        The `share` of a rating is its part of what all ratings that raise the score add to it.
        """
        answer = self._answer(name, query)
        (rows,), items = answer.lists(query.k, self.movies)
        found = [self._shown(row, answer.column) for row in rows]
        if why:
            history, listed = answer.audience.history, items[0][: len(rows)]
            kept, effects = explain.rating_effects(answer.model, history, listed)
            shares = effects / np.maximum(effects, 0).sum(0).clip(np.finfo(np.float32).tiny)
            movies = [self.movies.ids[item] for item in history.item[kept].tolist()]
            for one, column, best in zip(found, shares.T.tolist(), explain.strongest(effects), strict=True):
                one["why"] = [{"movie": movies[row], "share": float(f"{column[row]:.4g}")} for row in best]
        return found

    def side_by_side(self, names: Sequence[str], query: Query) -> list[dict[str, Any]]:
        """Return the movies in the first k of any model, with the score and the rank of each model."""
        answers = [self._answer(name, query).of_all(0) for name in names]
        rows = output.compared_rows("you", answers, query.k, self.movies)
        return [
            {
                **self.described(self.item(row["movie_id"])),
                "models": {
                    one.model: {
                        "score": row[f"{one.model}_{one.column}"],
                        "rank": row[f"{one.model}_rank"],
                    }
                    for one in answers
                },
            }
            for row in rows
        ]

    def similar(self, name: str, movie: MovieId, k: int) -> list[dict[str, Any]]:
        """Return the k movies most similar to one, as the model sees them."""
        item, model = self.item(movie), self.model(name)
        known = self._similarities(model, item, name)
        items, values = top_n.nearest_items(known, np.ones(len(self.movies), bool), item, k)
        rows = output.list_rows("", items, values, self.movies, "similarity")
        return [self._shown(row, "similarity") for row in rows]

    def find(self, title: str, k: int) -> list[dict[str, Any]]:
        """Return up to k movies that fit a title or a part of one, else those with the nearest titles."""
        found = self.search.find(title) or self.search.closest(title, min(k, 5))
        return [self.described(item) for item in found[:k]]

    def described(self, item: int) -> dict[str, Any]:
        movies = self.movies
        about = {"year": movies.years[item], "genres": list(movies.genres[item])}
        title = movies.titles[item] or f"#{movies.ids[item]}"
        return {"movie": movies.ids[item], "title": title, **about}

    @cached_property
    def quick(self) -> frozenset[str]:
        """The models that answer a usual query within `QUICK` seconds.

        Finding out answers from every model, so that no visitor waits for what a first call compiles.
        """
        high = self.scale.high if np.isfinite(self.scale.high) else 1.0
        query = Query([(movie, high) for movie in self.movies.ids[:USUAL]])
        best = {}
        for name in self.models:
            times: list[float] = []
            while len(times) < 3 and sum(times) < SLOW:
                started = time.perf_counter()
                self.recommend(name, query)
                times.append(time.perf_counter() - started)
            best[name] = min(times)
        return frozenset(name for name, seconds in best.items() if seconds < QUICK)

    def with_models(self, models: Mapping[str, Recommender]) -> Snapshot:
        """Return this run with other `models` in the place of its own, by name; the catalogue is shared."""
        found = replace(self, models={**self.models, **models})
        shared = {name: getattr(self, name) for name in ("search", "places", "genres")}
        vars(found).update(shared)
        return found

    def warm(self) -> None:
        """Build all that answers need."""
        _ = self.places, self.genres, self.quick, self.search.find("The First")

    def _answer(self, name: str, query: Query) -> Answer:
        model = self.model(name)
        own = top_n.new_user(model, *self.rated(query.ratings), self.threshold)
        if query.hide:
            own = top_n.without(own, np.array([self.item(movie) for movie in query.hide], np.int32))
        allowed, _ = top_n.often_rated(
            self._kept(query.wanted), model.task, query.min_ratings, lambda: self.counts[model.task]
        )
        return Answer(name, model, own, allowed, self.scale)

    @cached_property
    def _kept(self) -> Callable[[MovieFilter], np.ndarray]:
        return lru_cache(FILTERS)(self.movies.keep)

    @cached_property
    def _similarities(self) -> Callable[[Recommender, int, str], np.ndarray]:
        return lru_cache(ITEMS)(top_n.item_similarities)

    def _shown(self, row: dict[str, Any], column: str) -> dict[str, Any]:
        return {**self.described(self.places[str(row["movie_id"])]), "score": row[column]}
