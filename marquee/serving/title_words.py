"""Reduce titles to words that two catalogues write alike: case, accents, articles, numbers and spelling."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from marquee.movielens.titles import ARTICLES

# Articles that a title may lack elsewhere. English reads the others as words: `Die Hard` is not `Hard`.
_AMBIGUOUS = {"die", "den", "det", "de", "i", "o", "os", "ein", "en", "et", "ett", "un"}
ARTICLE_WORDS = "|".join(article for article in ARTICLES.casefold().split() if "'" not in article)
SPOKEN = frozenset(ARTICLE_WORDS.split("|")) - _AMBIGUOUS
_FIRST = re.compile(rf"^(?:(?:{'|'.join(sorted(SPOKEN))})\s+|l['’])(?=.)")
_LAST = re.compile(rf"^(?P<name>.*\S),\s*(?P<article>{ARTICLE_WORDS}|l['’])$")
_BRACKETS = re.compile(r"\(([^()]*)\)")
_ALSO = re.compile(r"(?:^|[,/]?\s*)\ba\.?\s?k\.?\s?a\.?\s+|/", re.IGNORECASE)
_CUTS = re.compile(r":|;|\s[-–—]+\s|\bor:")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_DROPPED, _BLANKS = re.compile(r"['`.]"), re.compile(r"[^a-z0-9]+")
_FRACTION = re.compile(r"(?=[¼-¾⅐-⅞])")
_KEPT = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "&": " and ", "+": " and "}
)
_NUMERAL = re.compile(r"(?=[ivx])x{0,3}(?:ix|iv|v?i{0,3})")
LETTERS = 6  # that a name without its article needs
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
NUMBERS = {word: n for n, word in enumerate(_UNITS.split())} | {
    word: 20 + 10 * n for n, word in enumerate(_TENS.split())
}
ORDINALS = {word: f"{n}th" for n, word in enumerate(_ORDINALS.split(), 1)}
PARTS = {"part", "pt", "episode", "chapter", "volume", "vol"}
_ALIKE = (
    "colour=color colours=colors colourful=colorful favourite=favorite honour=honor humour=humor "
    "labour=labor neighbour=neighbor neighbours=neighbors rumour=rumor harbour=harbor armour=armor "
    "saviour=savior behaviour=behavior grey=gray theatre=theater centre=center defence=defense "
    "offence=offense licence=license judgement=judgment catalogue=catalog programme=program "
    "traveller=traveler pyjamas=pajamas versus=vs doctor=dr mister=mr saint=st boulevard=blvd n=and"
)
SPELLING = dict(pair.split("=") for pair in _ALIKE.split())


def plain(text: str) -> str:
    """Return lower-case words without accents and punctuation: `Amélie: Le…` becomes `amelie le`."""
    folded = text.casefold().translate(_KEPT)
    if folded.isascii():  # a third of the time
        return " ".join(_BLANKS.sub(" ", _DROPPED.sub("", folded)).split())
    folded = unicodedata.normalize("NFKD", folded)
    bare = "".join(c for c in folded if not unicodedata.combining(c) and c not in "'’`.")
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


def squeezed(words: str) -> str:
    return words.replace(" ", "")


def bare(text: str) -> str:
    """Return `plain` without a first article, or a last one behind a comma."""
    lower = text.casefold().strip()
    last = _LAST.match(lower)
    return plain(last["name"] if last else _FIRST.sub("", lower, count=1))


def is_number(word: str) -> bool:
    """Return whether `word` is digits or a Roman numeral."""
    return word.isdecimal() or _NUMERAL.fullmatch(word) is not None


def names_of(title: str) -> list[str]:
    """Return a movie's names: the whole, the part before brackets, and the texts of each of them."""
    title = html.unescape(title)
    if "(" not in title:
        return [title]
    inside = [name.strip() for part in _BRACKETS.findall(title) for name in _ALSO.split(part)]
    return [title, " ".join(_BRACKETS.sub(" ", title).split()), *(name for name in inside if name)]


def main_name(title: str) -> str:
    """Return the title without what is in brackets."""
    return " ".join(_BRACKETS.sub(" ", html.unescape(title)).split()) or title


def name_keys(name: str) -> tuple[str, str, str]:
    """Return keys that equal names share, from strict to lenient.

    The first ignores case, accents, punctuation, blanks and where an article stands. The second also reads
    numbers, parts and spellings as one. The third also leaves out a first article, if six letters remain:
    `Fear` and `The Fear` are two movies. A name without letters or digits is its own key.
    """
    last = _LAST.match(name.casefold().strip())
    moved = f"{last['article']} {last['name']}" if last else name
    whole = squeezed(plain(moved))
    if not whole:
        return (name.strip(),) * 3
    words = canonical(moved)
    spelled, bare_name = _joined(words), _joined(without_article(words))
    return whole, spelled, bare_name if len(bare_name) >= LETTERS else spelled


def canonical(text: str) -> list[str]:
    """Return words in one spelling: `Part Two`, `Pt. II` and `2` are all `2`; `Colours` is `colors`."""
    text = _FRACTION.sub(" ", _THOUSANDS.sub("", text))
    words = list(_numbers(plain(text).split()))
    kept = [
        word
        for word, following in zip(words, [*words[1:], ""], strict=False)
        if not (word in PARTS and following.isdecimal())
    ]
    return [SPELLING.get(word, word) for word in kept]


def without_article(words: Sequence[str]) -> list[str]:
    return list(words[1:] if len(words) > 1 and words[0] in SPOKEN else words)


def _joined(words: Sequence[str]) -> str:
    """Join without blanks, except between two numbers: `2 1` is not `21`."""
    return re.sub(r"(?<!\d) | (?!\d)", "", " ".join(words))


def _numbers(words: list[str]) -> Iterator[str]:
    """Write numbers as digits and ordinals as `6th`; a lone `i` is a number at the end or behind `part`."""
    at = 0
    while at < len(words):
        word = words[at]
        value, end = _spelled(words, at)
        if value is not None:
            yield str(value)
        elif word in ORDINALS:
            yield ORDINALS[word]
        elif found := re.fullmatch(r"0*([0-9]{1,9})(st|nd|rd|th)?", word):
            yield found[1] + ("th" if found[2] else "")
        elif word == "i":
            numeral = at > 0 and (words[at - 1] in PARTS or end == len(words))
            yield "1" if numeral else word
        elif _NUMERAL.fullmatch(word):
            yield str(_roman(word))
        else:
            yield word
        at = end


def _spelled(words: list[str], at: int) -> tuple[int | None, int]:
    """Return the number that begins at word `at`, such as `one hundred and one`, and where it ends."""
    total, current, end = 0, None, at
    while end < len(words):
        word, after = words[end], words[end + 1] if end + 1 < len(words) else ""
        if word in NUMBERS and (current is None or _continues(current, NUMBERS[word])):
            current = (current or 0) + NUMBERS[word]
        elif word == "hundred" and current is not None and 0 < current < 10:
            current *= 100
        elif word == "thousand" and current:
            total, current = total + 1000 * current, 0
        elif not (word == "and" and after in NUMBERS and current is not None and current >= 100):
            break
        end += 1
    return (None, at + 1) if current is None else (total + current, end)


def _continues(current: int, value: int) -> bool:
    """Return whether `value` may follow: `twenty` `four`, `one hundred` `one`; not `four` `seven`."""
    return (current % 100 == 0 and current != 0) or (
        current % 10 == 0 and current % 100 >= 20 and 0 < value < 10
    )


def _roman(word: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10}[letter] for letter in word]
    return sum(
        -one if one < following else one for one, following in zip(values, [*values[1:], 0], strict=True)
    )


@dataclass(frozen=True)
class Segments:
    """Hold the words of a name, and the places where a subtitle begins, 0 and the end among them."""

    words: tuple[str, ...]
    cuts: frozenset[int]

    @property
    def content(self) -> int:
        """Count the words that say something: no article, no preposition, no number."""
        return sum(not (word.isdecimal() or word in EMPTY_WORDS) for word in self.words)


EMPTY_WORDS = SPOKEN | {"of", "and", "in", "on", "to", "at", "for", "with", "or", "from", "by", "movie"}


def segments(name: str) -> Segments:
    """Split a name at its colons and dashes. Each part has no first article, and none is `Episode IV`."""
    words: list[str] = []
    cuts = {0}
    for part in _CUTS.split(name):
        part = re.sub(r"\bepisode\s+([ivx]+|\d+)\b", " ", part, flags=re.IGNORECASE)
        words += without_article(canonical(part))
        cuts.add(len(words))
    return Segments(tuple(words), frozenset(cuts))
