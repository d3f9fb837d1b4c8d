"""Find movies by title: case, accents, articles and misspellings do not matter."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice, product

from marquee.movielens.titles import split_title
from marquee.serving.title_words import bare, is_number, name_keys, names_of, plain, squeezed

_LAST_YEAR = re.compile(r"^(?P<title>.*\S)[\s,]+(?P<year>(?:18|19|20)\d\d)$", re.ASCII)
TRIES = 64  # ways of spelling a query
NUMERALS = "ii iii iv vi vii viii ix"
SEQUELS = {*NUMERALS.split(), *map(str, range(2, 11))}


class TitleSearch:
    """Find the items of a catalogue by title. `titles` [n] and `years` [n] may hold None."""

    def __init__(self, titles: Sequence[str | None], years: Sequence[int | None]) -> None:
        self.titles, self.years = titles, years
        self._whole: dict[str, set[int]] = defaultdict(set)  # a name without its blanks -> items
        self._bare: dict[str, set[int]] = defaultdict(set)  # and without its article
        self._words: dict[str, set[int]] = defaultdict(set)
        self._names: dict[int, list[str]] = {}
        for item, title in enumerate(titles):
            names = names_of(title) if title else []
            self._names[item] = [plain(name) for name in names]
            for name, words in zip(names, self._names[item], strict=True):
                self._whole[squeezed(words)].add(item)
                self._bare[squeezed(bare(name))].add(item)
                for word in words.split():
                    self._words[word].add(item)

    def exact(self, title: str, year: int | None = None) -> list[int]:
        """Return the items of that name; with a year those of it, or else of the year before or after."""
        whole, article_less = squeezed(plain(title)), squeezed(bare(title))
        places = (self._whole.get(whole), self._bare.get(article_less))
        return next((found for items in places if items and (found := self._of_year(items, year))), [])

    def find(self, wanted: str) -> list[int]:
        """Return the items that fit `wanted`, a title or part of one, with or without its year.

        The first of these that finds anything decides: the whole name; its words in a row; its words in any
        order; its letters as the beginning of a name; the same with each unknown word replaced by the nearest
        known ones.
        """
        title, year = split_title(wanted)
        found = self._find(title, year)
        if not found and year is None and (last := _LAST_YEAR.match(title)):
            found = self._find(last["title"], int(last["year"]))
        return found

    def closest(self, wanted: str, n: int = 3) -> list[int]:
        """Return up to `n` items with the names most like `wanted`."""
        from rapidfuzz import fuzz, process

        title, _ = split_title(wanted)
        found = process.extract(
            squeezed(bare(title)), self._bare.keys(), scorer=fuzz.ratio, limit=n, score_cutoff=50
        )
        return [min(self._bare[name]) for name, *_ in found]

    def _find(self, title: str, year: int | None) -> list[int]:
        if found := self.exact(title, year) or self._of_year(
            self._spelled.get(name_keys(title)[2], ()), year
        ):
            return found
        words = bare(title).split()
        corrected = islice(product(*(self._spellings(word, len(words)) for word in words)), TRIES)
        for tries in ([words], [list(choice) for choice in corrected]):
            for way in (self._by_name, self._by_phrase, self._by_words, self._by_start):
                found = sorted({item for words in tries for item in self._of_year(way(words), year)})
                if len(found) == 1 and any(self._is_sequel(found[0], words) for words in tries):
                    continue
                if found:
                    return found
        return []

    @cached_property
    def _spelled(self) -> dict[str, set[int]]:
        """Return names with numbers and spellings as one: `Rocky 2` is `Rocky II`."""
        found: dict[str, set[int]] = defaultdict(set)
        for item, title in enumerate(self.titles):
            for name in names_of(title) if title else ():
                found[name_keys(name)[2]].add(item)
        return found

    def _is_sequel(self, item: int, words: list[str]) -> bool:
        """Return whether all names of the item with `words` go on with a sequel's number there."""
        ends = [
            goes_on for name in self._names[item] if (goes_on := _goes_on(name.split(), words)) is not None
        ]
        return bool(ends) and all(ends)

    def _by_name(self, words: list[str]) -> Iterable[int]:
        return self._bare.get(squeezed(bare(" ".join(words))), ())

    def _by_phrase(self, words: list[str]) -> Iterable[int]:
        phrase = f" {' '.join(words)} "
        return [i for i in self._by_words(words) if any(phrase in f" {name} " for name in self._names[i])]

    def _by_words(self, words: list[str]) -> Iterable[int]:
        return set.intersection(*(self._words.get(word, set()) for word in words)) if words else ()

    def _by_start(self, words: list[str]) -> Iterable[int]:
        start = "".join(words)
        if len(start) < 4:
            return ()
        return [item for name, items in self._bare.items() if name.startswith(start) for item in items]

    def _of_year(self, items: Iterable[int], year: int | None) -> list[int]:
        items = sorted(items)
        if year is None:
            return items
        near = [i for i in items if (known := self.years[i]) is None or abs(known - year) <= 1]
        return [item for item in near if self.years[item] == year] or near

    def _spellings(self, word: str, n_words: int) -> list[str]:
        """Return `word` if it is known, else up to three known words one slip away, or two in eight letters.

        A slip is a letter added, left out, changed, or swapped with the next (optimal string alignment).
        """
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        short = len(word) < (3 if n_words > 1 else 5)
        if word in self._words or short or word[0].isdecimal() or is_number(word):
            return [word]
        most = 1 + (len(word) >= 8)
        known = [known for known in self._words if not is_number(known)]
        found = process.extract(word, known, scorer=OSA.distance, score_cutoff=most, limit=None)
        close = [known for known, slips, _ in found if slips == found[0][1]]
        return sorted(close, key=lambda known: (-len(self._words[known]), known))[:3] or [word]


def _goes_on(name: list[str], words: list[str]) -> bool | None:
    """Return whether a sequel's number follows `words` in `name`; None where they are not in it in a row."""
    start = "".join(words)
    for at in range(len(name)):
        end, length = at, 0
        while end < len(name) and length < len(start):
            length += len(name[end])
            end += 1
        if start and "".join(name[at:end]).startswith(start):
            if length > len(start):  # inside of a word
                return is_number(name[end - 1])
            rest = name[end:]
            following = rest[1:] if rest and rest[0] in ("part", "pt") else rest
            return bool(following) and following[0] in SEQUELS
    return None
