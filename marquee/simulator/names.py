"""Invent movie titles and users' demographics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marquee.config import load

LATEST, RECENT = 1997, 0.77  # year of the newest film; fraction of the films from its last six years
# As MovieLens files them: `Quiet Harbor, The`. More of a form makes it more frequent.
FORMS = (
    *["{adjective} {noun}", "{adjective} {noun}, The", "{noun} of {place}, The"] * 3,
    *["{name}'s {noun}", "{noun} and the {other}, The", "{preposition} the {adjective} {noun}"] * 2,
    *[
        "{noun} in {place}, A",
        "{preposition} the {noun}",
        "{name} and the {other}",
        "{adjective} {other}, The",
    ],
    *["{name} of {place}", "Last {noun} to {place}, The", "{place} {noun}", "{preposition} {place}"],
)
FRENCH, FRENCH_FORM = 0.006, "{nom} {épithète}, La"  # rare, so that a reader of the wrong encoding fails
_TEXT = load(Path(__file__).with_name("words.yaml"))
WORDS = {kind: words.split() for kind, words in _TEXT["words"].items()}
NOUNS = {genre: words.split() for genre, words in _TEXT["nouns"].items()}
OCCUPATIONS = _TEXT["occupations"].split()
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FREQUENT = {"student": 7, "other": 4, "educator": 3, "administrator": 3, "engineer": 2, "programmer": 2}


@dataclass(frozen=True)
class Film:
    title: str  # as MovieLens files it: `Quiet Harbor, The (1994)`
    released: str  # `21-Oct-1994`
    genres: tuple[str, ...]


def films(genres: np.ndarray, names: tuple[str, ...], rng: np.random.Generator) -> list[Film]:
    """Make up a film for each row of `genres`, bool [n_movies, len(names)]; titles are unique."""
    years = _years(len(genres), rng)
    made: dict[int, Film] = {}
    taken: dict[str, int] = {}
    for movie in np.argsort(years, kind="stable").tolist():  # so that `Harbor 2` is no older than `Harbor`
        own = tuple(name for name, has in zip(names, genres[movie], strict=True) if has)
        luck = rng.random(6 + len(WORDS)).tolist()
        title = _title(NOUNS[_pick(own, luck.pop())], luck)
        taken[title] = taken.get(title, 0) + 1
        if taken[title] > 1:
            name, comma, article = title.partition(", ")
            title = f"{name} {taken[title]}{comma}{article}"
        released = f"{1 + int(28 * luck.pop()):02d}-{_pick(MONTHS, luck.pop())}-{years[movie]}"
        made[movie] = Film(f"{title} ({years[movie]})", released, own)
    return [made[movie] for movie in range(len(genres))]


def _title(nouns: Sequence[str], luck: list[float]) -> str:
    form = FRENCH_FORM if luck.pop() < FRENCH else _pick(FORMS, luck.pop())
    return form.format(**{kind: _pick(words, luck.pop()) for kind, words in {**WORDS, "noun": nouns}.items()})


def _pick(words: Sequence[str], luck: float) -> str:
    """Return the word at `luck`, a number in [0, 1), of the way through `words`."""
    return words[int(luck * len(words))]


def _years(n: int, rng: np.random.Generator) -> list[int]:
    """Sample years, mostly of the last six; older ones thin out back to 1922."""
    recent = LATEST - rng.binomial(5, 0.3, n)
    old = LATEST - 6 - (rng.beta(1, 2, n) * (LATEST - 5 - 1922)).astype(int)
    return np.where(rng.random(n) < RECENT, recent, old).tolist()


def demographics(n: int, rng: np.random.Generator) -> list[tuple[int, str, str, str]]:
    """Return (age, gender, occupation, zip code) of each user, distributed about as in ML-100K."""
    ages = 12 + rng.gamma(4, 5, n).astype(int).clip(max=60)
    genders = np.where(rng.random(n) < 0.71, "M", "F")
    weights = np.array([FREQUENT.get(name, 1) for name in OCCUPATIONS])
    occupations = rng.choice(OCCUPATIONS, n, p=weights / weights.sum())
    codes = [f"{code:05d}" for code in rng.integers(1000, 99951, n)]
    return list(zip(ages.tolist(), genders.tolist(), occupations.tolist(), codes, strict=True))
