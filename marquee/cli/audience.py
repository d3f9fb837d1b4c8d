"""For whom `marquee recommend` recommends: users of the data, and ratings and seen movies of one's own."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from marquee.data.ratings import Ratings
from marquee.io import as_array, read_json, read_parquet
from marquee.movielens.releases import RELEASES
from marquee.movielens.schema import Scale
from marquee.recommenders.base import Recommender
from marquee.serving import import_ratings, top_n
from marquee.serving.catalogue import MovieCatalogue
from marquee.serving.export_files import is_collection, read_text
from marquee.serving.exports import read_export
from marquee.serving.online import OnlineModel
from marquee.serving.top_n import Audience
from marquee.serving.users import user_line


@dataclass(frozen=True)
class OwnRatings:
    """Hold items [n] and ratings [n], the latest of an item last; and items [m] seen without a rating."""

    items: np.ndarray
    ratings: np.ndarray
    seen: np.ndarray


def own_ratings(args: Namespace, movies: MovieCatalogue, scale: Scale) -> tuple[OwnRatings, list[str]]:
    """Return what --ratings, --rate and --seen say, and what to say of them. Writes --unmatched."""
    given = import_ratings.rate(args.rate, movies, scale) if args.rate else []
    pairs, seen, notes, found = list[tuple[int, float]](), list[int](), list[str](), []
    if given:
        notes.append(f"you rated {', '.join(f'{movies.name(item)} {rating:g}' for item, rating in given)}")

    @cache
    def counts() -> np.ndarray:
        items = as_array(read_parquet(Path("data/ratings.parquet"), ["item"])["item"])
        return np.bincount(items, minlength=len(movies))

    if args.ratings is not None:
        export = read_export(args.ratings, scale)
        collection = is_collection(args.ratings)
        rated = import_ratings.match_export(export, movies, counts)
        if collection:  # watched.csv in it names what was seen without a rating
            watched = import_ratings.match(export.unrated, movies, counts)
            rated.unrated = 0
            seen += watched.items
        found.append(rated)
        pairs += rated.pairs
        notes += rated.notes(str(args.ratings))
    if args.seen is not None:
        export = read_export(args.seen, None)
        watched = import_ratings.match(export.unrated, movies, counts)
        watched.left_out[import_ratings.OTHER] = export.others
        found.append(watched)
        seen += watched.items
        notes += watched.notes(str(args.seen))
    if args.unmatched is not None:
        n = import_ratings.write_unmatched(args.unmatched, found)
        notes.append(f"{args.unmatched}: {n:,} row{'s' * (n != 1)} left out")
    if args.ratings is not None and not given:
        found[0].require_pairs(args.ratings)
    if seen:
        notes.append(f"{len(set(seen)):,} seen without a rating, left out")
    items, ratings = zip(*(pairs + given), strict=True) if pairs or given else ((), ())
    own = OwnRatings(
        np.array(items, np.int32), np.array(ratings, np.float32), np.unique(seen).astype(np.int32)
    )
    return own, notes


def known_users(args: Namespace, model: Recommender, updated: OnlineModel | None = None) -> Audience:
    """Return the users of --user, --users or --users-file, with their ratings.

    updated  of a model that learned on: who and what came since the fit counts, too
    """
    ids: Sequence[Any]
    if updated is None:
        ids = read_parquet(Path("data/users.parquet"), ["user_id"])["user_id"].to_pylist()
    else:
        ids = updated.user_ids
    if args.user is not None:
        labels = [args.user]
    else:
        labels = top_n.user_labels(read_text(args.users_file) if args.users is None else args.users, ids)
    users = top_n.user_indices(labels, ids)

    def rows(path: str) -> Ratings:
        return Ratings.from_table(read_parquet(Path(path), among=("user", users.tolist())))

    train, fold_in = (rows(f"data/{model.task}/{part}.parquet") for part in ("train", "fold_in"))
    rated = rows("data/ratings.parquet")
    if updated is not None:
        train, fold_in, rated = updated.with_learned(users, train, fold_in, rated)
    labels = [ids[user] for user in users]
    return top_n.known_users(model, labels, users, train, fold_in, rated)


def describe(label: str, updated: OnlineModel | None = None) -> str:
    """Return the line about a user of the data."""
    table = read_parquet(Path("data/users.parquet"))
    if updated is not None and label in map(str, updated.user_ids[len(table) :]):
        return f"user {label}: new since the fit"
    user = int(top_n.user_indices([label], table["user_id"].to_pylist())[0])
    row = table.slice(user, 1).to_pylist()[0]
    n = len(read_parquet(Path("data/ratings.parquet"), ["user"], among=("user", [user])))
    release = RELEASES.get(read_json(Path("data/dataset.json"))["name"])
    return user_line(row, n, ranges=release is not None and release.layout == "ml-1m")
