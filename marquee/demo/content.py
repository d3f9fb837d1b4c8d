"""What the page knows, as JSON: the movies, the scale, the words that titles are compared by, and a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.io import as_column
from marquee.movielens.schema import Scale
from marquee.movielens.titles import ARTICLES
from marquee.serving import exports, title_words

if TYPE_CHECKING:
    import pyarrow as pa

LINKS = {"imdb_id": "imdb", "tmdb_id": "tmdb"}
TAGS = 3  # of a movie, at most


def page_data(
    name: str, scale: Scale, threshold: float, movies: pa.Table, counts: np.ndarray, items: np.ndarray
) -> dict[str, Any]:
    """Return the page's data block without an engine.

    name       of the data set
    scale      infinite for counts, such as plays: a movie is then liked or not
    threshold  the rating from which on a rating is a positive
    movies     as in data/movies.parquet
    counts     int64 [n_items]: training ratings
    items      those that the page knows, ascending

    An engine is a `model`, as `marquee.demo.models.pack` returns it, with its `name`, or the base address
    `api` of a server that answers `api/recommend`.
    """
    known = movies.take(as_column(items))  # an array itself would make Arrow import pandas, 26 MB
    genres = known["genres"].to_pylist()
    names = sorted({name for one in genres for name in one})
    place = {name: number for number, name in enumerate(names)}
    links = {
        short: known[column].to_pylist() for column, short in LINKS.items() if column in known.column_names
    }
    counted = math.isinf(scale.high)
    return {
        "data": name,
        "scale": None if counted else asdict(scale) | {"threshold": threshold},
        "n_movies": len(movies),
        "genres": names,
        "movies": {
            "id": known["movie_id"].to_pylist(),
            "title": known["title"].to_pylist(),
            "year": known["year"].to_pylist(),
            "genres": [[place[name] for name in one] for one in genres],
            "ratings": counts[items].tolist(),
            **links,
            **_tags(known),
        },
        "words": WORDS,
        "exports": EXPORTS,
    }


def _tags(known: pa.Table) -> dict[str, Any]:
    """Return up to TAGS tags of each movie, by their places in the list of all; a genre is said already."""
    if "tags" not in known.column_names:
        return {}
    names: dict[str, int] = {}
    rows = zip(known["tags"].to_pylist(), known["genres"].to_pylist(), strict=True)
    kept = [[tag for tag in tags or () if tag not in map(str.lower, genres)][:TAGS] for tags, genres in rows]
    tags = [[names.setdefault(tag, len(names)) for tag in one] for one in kept]
    return {"tags": tags, "tag_names": [*names]}


def _format(one: exports.Format) -> Mapping[str, Any]:
    scale = one.scale and asdict(one.scale)
    return asdict(one) | {"needs": sorted(one.needs), "scale": scale}


WORDS = {
    "articles": ARTICLES.split(),
    "spoken": sorted(title_words.SPOKEN),
    "empty": sorted(title_words.EMPTY_WORDS),
    "parts": sorted(title_words.PARTS),
    "numbers": title_words.NUMBERS,
    "ordinals": title_words.ORDINALS,
    "spelling": title_words.SPELLING,
}
EXPORTS = {
    "formats": [_format(one) for one in exports.FORMATS],
    "users": exports.USERS,
    "separators": exports.SEPARATORS,
    "other_kinds": exports.OTHER_KINDS,
}
