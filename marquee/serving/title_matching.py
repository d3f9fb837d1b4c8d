"""Match the complete titles of an export with those of a catalogue, and refuse where that is in doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from marquee.serving.title_words import LETTERS, Segments, main_name, name_keys, names_of, segments

DISTINCT = 2  # words with content that a part of a name needs to stand for the whole
LONG = 3  # words of a catalogue's name that an export may lengthen by a subtitle


class TitleMatcher:
    """Find the items of a catalogue by complete titles.

    titles, years  of the items [n]; None where there is none
    counts         returns the number of ratings of each item [n], asked for where two have one name and year
    """

    def __init__(
        self, titles: Sequence[str | None], years: Sequence[int | None], counts: Callable[[], np.ndarray]
    ) -> None:
        self.titles, self.years, self._counts = titles, years, counts
        self._known: list[dict[str, set[int]]] = [defaultdict(set) for _ in range(3)]
        for item, title in enumerate(titles):
            for name in names_of(title) if title else ():
                for known, key in zip(self._known, name_keys(name), strict=True):
                    known[key].add(item)
        self._by_year: dict[int | None, list[int]] = defaultdict(list)
        for item, year in enumerate(years):
            self._by_year[year].append(item)
        self._parts: dict[int, list[tuple[int, Segments]]] = {}  # of the years that were asked for

    def match(self, titles: Sequence[str], year: int | None) -> list[int]:
        """Return the item, several where it is not clear which, or none.

        `titles` are those of one movie: its original title, then perhaps a translated one. Equal names
        decide first (`name_keys`): of that year, or one year off where the original title is meant and no
        other movie is as near, or of no known year. Else a part of a name decides, see `_fits`. It must be
        the only one of that very year, and no movie of another year may have the wanted name.
        """
        wanted = [
            (name, place == 0) for place, title in enumerate(titles) if title for name in names_of(title)
        ]
        known_elsewhere = False
        for level, known in enumerate(self._known):
            for name, original in wanted:
                if items := known.get(name_keys(name)[level]):
                    known_elsewhere = True
                    if found := self._of_year(items, year, near=original and level < 2):
                        return self._distinct(found, name)
        if known_elsewhere or year is None:
            return []
        parts = [segments(main_name(title)) for title in titles if title]
        return self._distinct(sorted({item for part in parts for item in self._by_part(part, year)}), "")

    def _of_year(self, items: Iterable[int], year: int | None, near: bool) -> list[int]:
        """Return the items of that year; else those one year off, if `near` counts, and those without one."""
        items = sorted(items)
        if year is None:
            return items
        exact = [item for item in items if self.years[item] == year]
        return exact or [
            item for item in items if (known := self.years[item]) is None or (near and abs(known - year) == 1)
        ]

    def _distinct(self, items: list[int], name: str) -> list[int]:
        """Choose among items of one name: those of which it is the main one; of equals the most rated."""
        if len(items) < 2:
            return items
        key = name_keys(name)[1]
        items = [i for i in items if name_keys(main_name(self.titles[i] or ""))[1] == key] or items
        if len({(name_keys(self.titles[i] or "")[0], self.years[i]) for i in items}) > 1:
            return items
        counts = self._counts()
        return [max(items, key=lambda item: counts[item])]

    def _by_part(self, wanted: Segments, year: int) -> list[int]:
        if year not in self._parts:
            items = [item for item in self._by_year.get(year, ()) if self.titles[item]]
            self._parts[year] = [(i, segments(name)) for i in items for name in self._part_names(i)]
        return [item for item, name in self._parts[year] if _fits(wanted, name)]

    def _part_names(self, item: int) -> list[str]:
        names = names_of(self.titles[item] or "")
        return names[1:] or names  # the whole, brackets included, is no name of its own


def _fits(wanted: Segments, name: Segments) -> bool:
    """Return whether two names of one year are the same but for a part that one of them leaves out.

    `Star Wars` is `Star Wars: Episode IV - A New Hope`, `Romeo + Juliet` is in `William Shakespeare's Romeo
    and Juliet`, `Interview with the Vampire: The Vampire Chronicles` is `Interview with the Vampire`, and
    `Star Trek II: The Wrath of Khan` is `Star Trek: The Wrath of Khan`. But `Rocky` is not `Rocky II`.
    """
    w, n = wanted.words, name.words
    if not w or not n or not wanted.content or not name.content:
        return False
    if _unnumbered(wanted) == _unnumbered(name) and len(wanted.cuts) > 2 and len(name.cuts) > 2:
        return w == n or len(_unnumbered(name)) in (len(w), len(n))  # equal, or one has no number at all
    if len(w) < len(n):
        places = [at for at in range(len(n) - len(w) + 1) if n[at : at + len(w)] == w]
        if wanted.content < LONG:  # `Dead Man` is not `Dead Man Walking`
            places = [at for at in places if at + len(w) in name.cuts]
        if wanted.content < DISTINCT:
            places = [at for at in places if at == 0 and len("".join(w)) >= LETTERS - 2]
        return any(not _sequel(n[at + len(w) :]) for at in places)
    if name.content < DISTINCT:
        return False
    begins = len(n) >= LONG and w[: len(n)] == n and len(n) in wanted.cuts and not _sequel(w[len(n) :])
    ends = w[-len(n) :] == n and len(w) - len(n) in wanted.cuts
    return begins or ends


def _sequel(rest: Sequence[str]) -> bool:
    """Return whether what a name goes on with holds the number of a part, but for the first."""
    return any(word.isdecimal() and word != "1" for word in rest)


def _unnumbered(name: Segments) -> list[str]:
    return [word for word in name.words if not word.isdecimal()]
