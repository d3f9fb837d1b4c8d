"""The bodies that the server takes, with their limits. What is beyond one is refused, never cut."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from marquee.server.snapshot import LISTED, MovieId, Query
from marquee.serving.catalogue import MovieFilter

WHOLE = 2**63 - 1
Number = Annotated[int, Field(strict=True, ge=-WHOLE, le=WHOLE)]
Movie = Annotated[Number | Annotated[str, Field(strict=True, min_length=1, max_length=100)], Field()]
Stars = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e9, le=1e9)]
Name = Annotated[str, Field(strict=True, pattern=r"\A[\w-]{1,64}\z")]
TOKEN = r"\A[A-Za-z0-9_-]{22,64}\z"  # of a visitor
Token = Annotated[str, Field(strict=True, pattern=TOKEN)]
Year = Annotated[int, Field(strict=True, ge=0, le=9999)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rated(Body):
    movie: Movie
    rating: Stars


class Recommend(Body):
    """Ratings of one visitor, the model or models to ask, and which movies the list may have."""

    ratings: Annotated[list[Rated], Field(min_length=1, max_length=1000)]
    model: Name | None = None
    models: Annotated[list[Name], Field(min_length=2, max_length=4)] | None = None
    k: Annotated[int, Field(strict=True, ge=1, le=LISTED)] = 20
    genres: Annotated[list[Annotated[str, Field(strict=True, max_length=60)]], Field(max_length=10)] = []
    years: Annotated[list[Year | None], Field(max_length=2)] = []
    min_ratings: Annotated[int, Field(strict=True, ge=0, le=10**9)] | None = None
    hide: Annotated[list[Movie], Field(max_length=10_000)] = []
    why: Annotated[bool, Field(strict=True)] = True

    @model_validator(mode="after")
    def _consistent(self) -> Recommend:
        if (self.model is None) == (self.models is None):
            raise ValueError("give one model, or two to four as models")
        if len(self.years) == 1:
            raise ValueError("years are [first, last], either of them null, or an empty list")
        return self

    def query(self) -> Query:
        first, last = self.years or (None, None)
        wanted = MovieFilter(tuple(self.genres), first, last)
        pairs: list[tuple[MovieId, float]] = [(one.movie, one.rating) for one in self.ratings]
        return Query(pairs, self.hide, wanted, self.min_ratings, self.k)


class Given(Body):
    movie: Movie
    rating: Stars | None  # null takes an earlier rating back
    position: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = None  # in the list, from 1


class Ratings(Body):
    """Ratings that a visitor gives on the page. Without a `visitor` the answer has a new token."""

    visitor: Token | None = None
    model: Name | None = None  # that showed the movies
    ratings: Annotated[list[Given], Field(min_length=1, max_length=200)]
