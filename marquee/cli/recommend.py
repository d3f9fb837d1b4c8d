"""`marquee recommend <model>`: movies that a user should watch next, and why."""

from __future__ import annotations

from argparse import ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from marquee.cli import audience, lists, online_models, project
from marquee.cli.audience import OwnRatings
from marquee.data.ratings import Ratings
from marquee.recommenders.base import Recommender
from marquee.serving import explain, output, top_n
from marquee.serving.answers import Answer
from marquee.serving.catalogue import COLUMNS, MovieCatalogue
from marquee.serving.online import OnlineModel
from marquee.serving.top_n import Audience
from marquee.terminal import say

EXAMPLES = """examples:
  marquee recommend ease --user 42
  marquee recommend ease --user 42 --rate "Heat (1995)=5"
  marquee recommend ease --rate "Toy Story (1995)=5" --rate "heat=4" --genre Drama
  marquee recommend ease --ratings letterboxd.zip --year-from 1980
  marquee recommend ease --users 1,2,3 --out lists.parquet
  marquee recommend --models ease,als_genres --user 42
"""


def configure(parser: ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("model", nargs="?", help="a name under models: in params.yaml")
    parser.add_argument(
        "--models", metavar="NAME,NAME", type=_names, help="several, side by side in one table"
    )
    online_models.configure(parser)
    group = parser.add_argument_group("for whom (--user, ratings of your own, or both; or several users)")
    group.add_argument("--user", metavar="ID", help="a user of the data, by the release's id")
    group.add_argument("--users", metavar="ID,ID", help="several of them")
    group.add_argument("--users-file", metavar="FILE", type=Path, help="ids between commas, blanks or lines")
    rate: dict[str, Any] = {"metavar": "TITLE=RATING", "action": "append", "default": [], "type": _rate}
    group.add_argument("--rate", **rate, help="a rating of your own; with --user it adds to theirs")
    files: dict[str, Any] = {"metavar": "FILE", "type": Path}
    group.add_argument(
        "--ratings", **files, help="more of them; also of Letterboxd, IMDb, TMDb, movielens.org"
    )
    group.add_argument("--seen", **files, help="movies to leave out, such as Letterboxd's watched.csv")
    group.add_argument(
        "--unmatched", **files, help="write a CSV of what was not found of --ratings and --seen"
    )
    lists.configure(parser)


def _rate(text: str) -> tuple[str, str]:
    title, equals, rating = text.rpartition("=")
    if not equals or not title.strip():
        raise ArgumentTypeError(f"{text!r} has no rating; write it as 'Alien (1979)=5'")
    return title.strip(), rating.strip()


def _names(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise ArgumentTypeError(f"{text!r} names no model; write it as ease,als_genres")
    return names


def run(args: Namespace) -> None:
    _require_audience(args)
    movies = project.movies()
    allowed = lists.allowed_movies(args, movies)
    scale, threshold = project.scale()
    updated = None if args.model_dir is None else online_models.updated_model(args.model, args.model_dir)
    if updated is None:
        models = {name: project.model(name, len(movies)) for name in args.models or [args.model]}
    else:
        models = {args.model: updated.model}
    own, notes = audience.own_ratings(args, movies, scale)
    answers = []
    for name, model in models.items():
        listed, said = lists.often_rated(args, model, name, allowed)
        notes += said
        answers.append(Answer(name, model, _audience(args, model, own, threshold, updated), listed, scale))
    heading = "" if args.user is None else audience.describe(args.user, updated)
    for note in notes:
        say(note)
    if args.models:
        _side_by_side(args, answers, movies, heading)
    else:
        _one_model(args, answers[0], movies, threshold, heading)


def _require_audience(args: Namespace) -> None:
    """Raise ArgumentError unless the arguments name models and users in one way."""
    if (args.model is None) == (args.models is None):
        raise ArgumentError(None, "give one model, or several with --models NAME,NAME")
    own = bool(args.rate) or args.ratings is not None
    several = [way for way in (args.users, args.users_file) if way is not None]
    if len(several) + (args.user is not None or own) != 1:
        raise ArgumentError(None, "give one of --users and --users-file, or --user, --rate and --ratings")
    if several and args.seen is not None:
        raise ArgumentError(None, "--seen is for one user: give --user, --rate or --ratings")
    if args.model_dir is not None and args.model is None:
        raise ArgumentError(None, "--model-dir is of one model: give its name before")
    if args.unmatched is not None and args.ratings is None and args.seen is None:
        raise ArgumentError(None, "--unmatched needs --ratings or --seen")


def _audience(
    args: Namespace, model: Recommender, own: OwnRatings, threshold: float, updated: OnlineModel | None
) -> Audience:
    given = (own.items, own.ratings, threshold)
    if args.user is None and args.users is None and args.users_file is None:
        found = top_n.new_user(model, *given)
    else:
        found = audience.known_users(args, model, updated)
        if len(own.items):
            found = top_n.with_ratings(model, found, *given)
    return top_n.without(found, own.seen) if len(own.seen) else found


def _one_model(
    args: Namespace, answer: Answer, movies: MovieCatalogue, threshold: float, heading: str
) -> None:
    rows, items = answer.lists(args.top, movies)
    if len(rows) == 1:
        listed = items[0][items[0] >= 0]
        verb = "liked" if answer.model.task == "ranking" and threshold > answer.scale.low else "rated"
        verb = "watched" if np.isinf(answer.scale.high) else verb
        words = _explanations(answer.model, answer.audience, listed, movies, verb)
        for row, explanation in zip(rows[0], words, strict=True):
            row["explanation"] = explanation
    lists.deliver(args, rows, answer.column, heading)


def _side_by_side(args: Namespace, answers: list[Answer], movies: MovieCatalogue, heading: str) -> None:
    found = []
    for user, label in enumerate(answers[0].audience.labels):
        said = [one.of_all(user) for one in answers]
        found.append(output.compared_rows(label, said, args.top, movies))
    shown = [(one.name, one.column) for one in answers]
    columns = [*COLUMNS, *(f"{name}_{part}" for name, column in shown for part in (column, "rank"))]
    lists.write_or_print(args, found, lambda rows: output.compared_table(rows, shown), columns, heading)


def _explanations(
    model: Recommender, audience: Audience, items: np.ndarray, movies: MovieCatalogue, verb: str
) -> list[str]:
    """Explain each of `items` [n] by the user's own ratings, or else by those of others."""
    effects = explain.rating_effects(model, audience.history, items)
    own = explain.explain_by_ratings(audience.history, *effects, movies)
    if all(own):
        return own
    train = Ratings.read(Path(f"data/{model.task}/train.parquet"))
    others = explain.explain_by_popularity(train, len(movies), model.task == "rating", verb)
    return [words or others(item) for words, item in zip(own, items, strict=True)]
