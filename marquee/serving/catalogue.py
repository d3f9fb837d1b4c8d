"""A catalogue as users see it: names, years and genres, and which movies a filter keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.errors import MarqueeError, did_you_mean
from marquee.movielens.titles import movie_name
from marquee.serving.title_search import TitleSearch
from marquee.serving.title_words import plain, squeezed

if TYPE_CHECKING:
    import pyarrow as pa

LISTED = 6  # movies that a message names when a title fits several
COLUMNS = ("movie_id", "title", "year", "genres")


@dataclass(frozen=True)
class MovieFilter:
    """Which movies may be recommended. A movie without a year has no place between two years."""

    genres: tuple[str, ...] = ()  # all of them
    year_from: int | None = None
    year_to: int | None = None
    exclude_unknown: bool = False  # those without a title, or titled "unknown"


@dataclass(frozen=True)
class MovieCatalogue:
    """Row i is item i; `ids` are the release's own ids, `imdb_ids` IMDb's where the release links to it."""

    ids: Sequence[Any]
    titles: Sequence[str | None]
    years: Sequence[int | None]
    genres: Sequence[Sequence[str]]
    imdb_ids: Sequence[int | None] = ()

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        linked = ["imdb_id"] if "imdb_id" in table.column_names else []
        return cls(*(table[name].to_pylist() for name in (*COLUMNS, *linked)))

    def __len__(self) -> int:
        return len(self.ids)

    def name(self, item: int) -> str:
        return movie_name(self.titles[item], self.years[item], self.ids[item])

    def search(self) -> TitleSearch:
        return TitleSearch(self.titles, self.years)

    def find_one(self, wanted: str, search: TitleSearch) -> int:
        """Return the item called `wanted`: `#` and the release's id, or a title.

        Raises MarqueeError with the nearest titles where none fits, and with all of them where several do.
        """
        if wanted.startswith("#"):
            number = wanted[1:].strip()
            for item, known in enumerate(self.ids):
                if str(known) == number:
                    return item
        found = search.find(wanted)
        if wanted.startswith("#") and not (found := [i for i in found if self.name(i).startswith("#")]):
            raise MarqueeError(f"no movie has the id {number!r}: give a title instead")
        if len(found) == 1:
            return found[0]
        if not found:
            near = "; ".join(self.name(item) for item in search.closest(wanted))
            ask = f"did you mean one of: {near}?" if near else "check the spelling"
            raise MarqueeError(f"no movie is called {wanted!r}: {ask}")
        raise MarqueeError(f"{wanted!r} fits {len(found)} movies: {self._distinct(found)}; say which one")

    def _distinct(self, items: Sequence[int]) -> str:
        names = [self.name(item) for item in items]
        shown = [
            name if names.count(name) == 1 else f"{name} = #{self.ids[item]}"
            for item, name in zip(items[:LISTED], names, strict=False)
        ]
        more = len(items) - len(shown)
        return "; ".join(shown) + (f"; and {more} more" if more else "")

    def keep(self, wanted: MovieFilter) -> np.ndarray:
        """Return bool [n]. Raises MarqueeError for a genre that no movie has, and where no movie remains."""
        kept = np.ones(len(self), bool)
        for genre in wanted.genres:
            kept &= self._of_genre(genre)
        years = np.array(self.years, float)  # NaN for none, which is neither before nor after a year
        if wanted.year_from is not None:
            kept &= years >= wanted.year_from
        if wanted.year_to is not None:
            kept &= years <= wanted.year_to
        if wanted.exclude_unknown:
            kept &= [(title or "unknown").casefold() != "unknown" for title in self.titles]
        if not kept.any():
            raise MarqueeError(
                f"none of {len(self):,} movies has these genres and years: ask for fewer genres or more years"
            )
        return kept

    def _of_genre(self, genre: str) -> np.ndarray:
        known = {squeezed(plain(name)): name for names in self.genres for name in names}
        name = known.get(squeezed(plain(genre)))
        if name is None:
            raise MarqueeError(f"{genre!r} is not a genre of this data{did_you_mean(genre, known.values())}")
        return np.array([name in names for names in self.genres], bool)
