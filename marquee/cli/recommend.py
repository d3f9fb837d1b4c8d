"""`marquee recommend <model>`: movies that a user should watch next, and why."""

from __future__ import annotations

import sys
from argparse import ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from marquee.cli import lists, project
from marquee.data.ratings import Ratings, lowest_positive
from marquee.errors import MarqueeError
from marquee.io import read_json, read_parquet
from marquee.movielens.schema import COUNTS, Scale
from marquee.recommenders.base import Recommender
from marquee.serving import explain, import_ratings, output, top_n
from marquee.serving.catalogue import MovieCatalogue
from marquee.serving.top_n import Audience

EXAMPLES = """examples:
  marquee recommend ease --user 42
  marquee recommend ease --rate "Toy Story (1995)=5" --rate "heat=4" --genre Drama
  marquee recommend ease --ratings letterboxd/ratings.csv --year-from 1980
  marquee recommend ease --users 1,2,3 --out lists.parquet
"""


def configure(parser: ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("model", help="a name under models: in params.yaml")
    group = parser.add_argument_group("for whom (one of these; --rate and --ratings go together)")
    group.add_argument("--user", metavar="ID", help="a user of the data, by the release's id")
    group.add_argument("--users", metavar="ID,ID", help="several of them")
    group.add_argument("--users-file", metavar="FILE", type=Path, help="ids between blanks or lines")
    rate: dict[str, Any] = {"metavar": "TITLE=RATING", "action": "append", "default": [], "type": _rate}
    group.add_argument("--rate", **rate, help="a new user's rating")
    group.add_argument("--ratings", metavar="CSV", type=Path, help="theirs; also of Letterboxd or IMDb")
    lists.configure(parser)


def _rate(text: str) -> tuple[str, str]:
    title, equals, rating = text.rpartition("=")
    if not equals or not title.strip():
        raise ArgumentTypeError(f"{text!r} has no rating; write it as 'Alien (1979)=5'")
    return title.strip(), rating.strip()


def run(args: Namespace) -> None:
    ways = (args.user, args.users, args.users_file, args.rate or args.ratings)
    if sum(way not in (None, []) for way in ways) != 1:
        raise ArgumentError(None, "give one of --user, --users, --users-file, or --rate and --ratings")
    movies = project.movies()
    allowed = lists.allowed_movies(args, movies)
    model = project.model(args.model, len(movies))
    card = read_json(Path("data/dataset.json"))
    implicit = card.get("feedback") == "implicit"
    scale = COUNTS if implicit else Scale(**card["scale"])
    threshold = lowest_positive(
        project.params().tasks["ranking"].positive_threshold, scale.low, scale.high, scale.step, implicit
    )
    if args.rate or args.ratings:
        items, ratings, notes = _own_ratings(args, movies, scale)
        audience = top_n.new_user(model, items, ratings, threshold)
        for note in notes:
            print(note, file=sys.stderr)
    else:
        audience = _known_users(args, model)
    items, values = top_n.top_lists(audience, allowed, args.top, args.model)
    column = "score"
    if model.task == "rating":
        column, values = "rating", np.clip(values, scale.low, scale.high)
    rows = [
        output.list_rows(label, best, value, movies, column)
        for label, best, value in zip(audience.labels, items, values, strict=True)
    ]
    if len(rows) == 1:
        listed = items[0][items[0] >= 0]
        verb = "liked" if model.task == "ranking" and threshold > scale.low else "rated"
        verb = "watched" if implicit else verb
        for row, words in zip(rows[0], _explanations(model, audience, listed, movies, verb), strict=True):
            row["explanation"] = words
    lists.deliver(args, rows, column)


def _own_ratings(
    args: Namespace, movies: MovieCatalogue, scale: Scale
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return items int32 [n] and ratings float32 [n] of --ratings and --rate, and what to say of them."""
    rows = import_ratings.read_ratings(args.ratings, scale) if args.ratings else []
    found = import_ratings.match(rows, movies)
    given = import_ratings.rate(args.rate, movies, scale)
    notes = found.notes(str(args.ratings))
    if given:
        notes = [f"you rated {', '.join(f'{movies.name(i)} {rating:g}' for i, rating in given)}", *notes]
    pairs = [*found.pairs, *given]
    if not pairs:
        raise MarqueeError(f"none of the {len(rows)} movies in {args.ratings} is in this data: rate others")
    items, ratings = zip(*pairs, strict=True)
    return np.array(items, np.int32), np.array(ratings, np.float32), notes


def _known_users(args: Namespace, model: Recommender) -> Audience:
    if args.user is not None:
        labels = [args.user]
    else:
        text = import_ratings.read_text(args.users_file) if args.users is None else args.users
        labels = list(dict.fromkeys(text.replace(",", " ").split()))
    ids = read_parquet(Path("data/users.parquet"), ["user_id"])["user_id"].to_pylist()
    users = top_n.user_indices(labels, ids)

    def rows(path: str) -> Ratings:
        return Ratings.from_table(read_parquet(Path(path), among=("user", users.tolist())))

    train, fold_in = (rows(f"data/{model.task}/{part}.parquet") for part in ("train", "fold_in"))
    labels = [ids[user] for user in users]
    return top_n.known_users(model, labels, users, train, fold_in, rows("data/ratings.parquet"))


def _explanations(
    model: Recommender, audience: Audience, items: np.ndarray, movies: MovieCatalogue, verb: str
) -> list[str]:
    """Explain each of `items` [n] by the user's own ratings, or else by those of others."""
    effects = explain.rating_effects(model, audience.history, items)
    own = explain.explain_by_ratings(audience.history, *effects, movies)
    if all(own):
        return own
    train = Ratings.from_table(read_parquet(Path(f"data/{model.task}/train.parquet")))
    others = explain.explain_by_popularity(train, len(movies), model.task == "rating", verb)
    return [words or others(item) for words, item in zip(own, items, strict=True)]
