"""Say in a few lines what was left out of a data set, and where it is not what its name promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from marquee.movielens.ids import WHOLE
from marquee.movielens.releases import Release


def dropped_rows(card: Mapping[str, Any]) -> list[str]:
    """Count the rows that the card says were dropped."""
    counts = [f"{count:,} {reason.replace('_', ' ')}" for reason, count in card["dropped"].items() if count]
    return [f"rows left out: {', '.join(counts)}"] if counts else []


def untitled_movies(card: Mapping[str, Any], movies: pa.Table, listed: pa.Table | None) -> list[str]:
    """Count the movies without a title, and those listed twice, where the source lists movies at all."""
    if listed is None:
        return []
    found = []
    twice = len(listed) - len(pc.unique(listed["movie"]))
    if twice:
        found.append(f"rows of the list of movies left out: {twice:,} of a movie listed before")
    missing = movies["title"].null_count
    if missing and "title" in listed.column_names:
        found.append(
            f"{missing:,} of {len(movies):,} rated movies have no title"
            f" ({card['unlisted_movies']:,} of them are not in the list of movies)"
        )
    return found


def ids_that_are_text(rows: pa.Table) -> list[str]:
    """Name the first id that makes a column text though most of its ids are whole numbers."""
    found = []
    for name in ("user", "movie"):
        if not pa.types.is_string(rows[name].type):
            continue
        known = pc.unique(rows[name])
        whole = pc.match_substring_regex(known, WHOLE)
        if 2 * pc.sum(whole).as_py() > len(known) and not pc.all(whole).as_py():
            first = known.filter(pc.invert(whole))[0].as_py()
            found.append(f"{name} ids are text and not numbers, because of {first[:40]!r}")
    return found


def other_edition(release: Release, card: Mapping[str, Any]) -> list[str]:
    """Compare the counts of `card` with those that were published for the release, if any."""
    published = release.counts or release.usual_counts
    found = (card["ratings"], card["users"], card["items"])
    if published is None or found == published:
        return []
    return [
        f"this {release.name} has {counted(*found)}, and the published one {counted(*published)}: "
        "results do not compare with those of others"
    ]


def counted(ratings: int, users: int, movies: int) -> str:
    return f"{ratings:,} ratings by {users:,} users of {movies:,} movies"
