"""Find movies by title: case, accents, articles and misspellings do not matter."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice, product

from marquee.movielens.titles import ARTICLES, split_title

_SPOKEN = "|".join(article for article in ARTICLES.casefold().split() if "'" not in article)
_FIRST = re.compile(rf"^(?:(?:{_SPOKEN})\s+|l['’])(?=.)")
_LAST = re.compile(rf",\s*(?:{_SPOKEN}|l['’])$")
_LAST_YEAR = re.compile(r"^(?P<title>.*\S)[\s,]+(?P<year>(?:18|19|20)\d\d)$", re.ASCII)
_BRACKETS = re.compile(r"\(([^()]*)\)")
_ALSO = re.compile(r"^a\.?\s?k\.?a\.?\s+", re.IGNORECASE)
_KEPT = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "&": " and "})
TRIES = 64  # ways of spelling a query


def plain(text: str) -> str:
    """Return lower-case words without accents and punctuation: `Amélie: Le…` becomes `amelie le`."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_KEPT))
    bare = "".join(c for c in folded if not unicodedata.combining(c) and c not in "'’`.")
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


def bare(text: str) -> str:
    """Return `plain` without a first article, or a last one behind a comma."""
    return plain(_LAST.sub("", _FIRST.sub("", text.casefold().strip(), count=1)))


class TitleSearch:
    """Find the items of a catalogue by title. `titles` [n] and `years` [n] may hold None."""

    def __init__(self, titles: Sequence[str | None], years: Sequence[int | None]) -> None:
        self.titles, self.years = titles, years
        self._whole: dict[str, set[int]] = defaultdict(set)  # a name without its blanks -> items
        self._bare: dict[str, set[int]] = defaultdict(set)  # and without its article
        self._words: dict[str, set[int]] = defaultdict(set)
        self._names: dict[int, list[str]] = {}
        for item, title in enumerate(titles):
            names = _names(title) if title else []
            self._names[item] = [plain(name) for name in names]
            for name, words in zip(names, self._names[item], strict=True):
                self._whole[_squeezed(words)].add(item)
                self._bare[_squeezed(bare(name))].add(item)
                for word in words.split():
                    self._words[word].add(item)

    def exact(self, title: str, year: int | None = None) -> list[int]:
        """Return the items of that name; with a year those of it, or else of the year before or after."""
        whole, article_less = _squeezed(plain(title)), _squeezed(bare(title))
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
            _squeezed(bare(title)), self._bare.keys(), scorer=fuzz.ratio, limit=n, score_cutoff=50
        )
        return [min(self._bare[name]) for name, *_ in found]

    def _find(self, title: str, year: int | None) -> list[int]:
        if found := self.exact(title, year):
            return found
        words = bare(title).split()
        corrected = islice(product(*(self._spellings(word, len(words)) for word in words)), TRIES)
        for tries in ([words], [list(choice) for choice in corrected]):
            for way in (self._by_name, self._by_phrase, self._by_words, self._by_start):
                found = sorted({item for words in tries for item in self._of_year(way(words), year)})
                if found:
                    return found
        return []

    def _by_name(self, words: list[str]) -> Iterable[int]:
        return self._bare.get(_squeezed(bare(" ".join(words))), ())

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
        near = [item for item in items if abs((self.years[item] or 0) - year) <= 1]
        return [item for item in near if self.years[item] == year] or near

    def _spellings(self, word: str, n_words: int) -> list[str]:
        """Return `word` if it is known, else up to three known words one slip away, or two in eight letters.

        A slip is a letter added, left out, changed, or swapped with the next (optimal string alignment).
        """
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        if word in self._words or word.isdigit() or len(word) < (3 if n_words > 1 else 5):
            return [word]
        most = 1 + (len(word) >= 8)
        found = process.extract(word, self._words.keys(), scorer=OSA.distance, score_cutoff=most, limit=None)
        close = [known for known, slips, _ in found if slips == found[0][1]]
        return sorted(close, key=lambda known: (-len(self._words[known]), known))[:3] or [word]


def _squeezed(words: str) -> str:
    return words.replace(" ", "")


def _names(title: str) -> list[str]:
    """Return a movie's names: the whole, the part before brackets, and the text of each of them."""
    inside = [_ALSO.sub("", part) for part in _BRACKETS.findall(title)]
    return [title, _BRACKETS.sub(" ", title), *inside] if inside else [title]
