"""Turn titles as MovieLens lists them into titles as users say them."""

from __future__ import annotations

import re

from marquee.terminal import printable

ARTICLES = (
    "The A An Le La Les L' Un Une Il Lo I Gli El Los Las Una O Os "
    "Der Die Das Ein Eine De Het Den Det En Ett Et"
)
# `(1995)`, `(1975-1979)`, `(2009– )`, then perhaps `(V)` or `(TV)`, at the very end
_YEAR = re.compile(r"\s*\((\d{4})(?:\s*[-–]\s*(?:\d{4})?)?\s*\)\s*(?:\([IVXTG]+\)\s*)?$", re.ASCII)
_ARTICLE = re.compile(
    r"(?P<start>^|\((?:a\.?k\.?a\.? )?)(?P<name>[^()]*[^()\s]),\s+"
    rf"(?P<article>{'|'.join(ARTICLES.split())})(?=\s*(?:[()]|$))"
)


def split_title(listed: str) -> tuple[str, int | None]:
    """Return the title without its year, and the year of the (first) release where the title ends in one.

    An article listed behind a comma moves to the front, in the title and in each name in brackets:
    `Star Maker, The (Uomo delle stelle, L') (1995)` is `The Star Maker (L'Uomo delle stelle)`, 1995.
    Only `ARTICLES`, capitalized, count; runs of blanks become one.
    """
    text = " ".join(listed.split())
    found = _YEAR.search(text)
    year = int(found[1]) if found else None
    bare = text[: found.start()] if found else text
    return _ARTICLE.sub(_article_first, bare).replace(" )", ")") or text, year


def movie_name(title: str | None, year: int | None, movie_id: object) -> str:
    """Return `Alien (1979)` on one line; a movie without a title goes by its id, `#267`."""
    return printable(f"#{movie_id}" if not title else title if year is None else f"{title} ({year})")


def _article_first(found: re.Match[str]) -> str:
    article = found["article"]
    return f"{found['start']}{article}{'' if article.endswith(chr(39)) else ' '}{found['name']}"
