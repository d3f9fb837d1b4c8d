"""`python -m marquee.cli.recommend <model> ...`: what someone should see next, and why."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import NoReturn

import numpy as np

from marquee import config
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.io import read_json, read_parquet
from marquee.movielens.schema import Scale
from marquee.recommenders import load
from marquee.recommenders.base import Recommender
from marquee.serving import import_ratings, output, top_n
from marquee.serving.catalogue import COLUMNS, MovieCatalogue, MovieFilter
from marquee.serving.top_n import Audience
from stages._inputs import positive_threshold, ratings
from stages._runner import run

EXAMPLES = """examples
  python -m marquee.cli.recommend ease --user 42
  python -m marquee.cli.recommend ease --rate "Toy Story (1995)=5" --rate "heat=4" --genre Drama
  python -m marquee.cli.recommend ease --ratings letterboxd/ratings.csv --year-from 1980
  python -m marquee.cli.recommend ease --users 1,2,3 --out lists.parquet
  python -m marquee.cli.recommend ease --like "Alien (1979)"
"""


class Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise MarqueeError(f"{message}; see python -m marquee.cli.recommend --help")


def parser() -> Parser:
    p = Parser("python -m marquee.cli.recommend", None, EXAMPLES, formatter_class=RawDescriptionHelpFormatter)
    p.add_argument("model", help="a name under models: in params.yaml")
    who = p.add_argument_group("for whom (one of these; --rate and --ratings go together)")
    who.add_argument("--user", metavar="ID", help="someone in the data, by the release's own number")
    who.add_argument("--users", metavar="ID,ID", help="several of them")
    who.add_argument("--users-file", metavar="FILE", type=Path, help="several, with blanks or lines between")
    who.add_argument(
        "--rate", metavar="TITLE=RATING", action="append", default=[], help="a newcomer's rating"
    )
    who.add_argument("--ratings", metavar="CSV", type=Path, help="a newcomer's; also of Letterboxd or IMDb")
    who.add_argument("--like", metavar="TITLE", help="no one: movies that are like this one")
    what = p.add_argument_group("which movies")
    what.add_argument("--top", metavar="N", type=int, default=10, help="how many (10)")
    what.add_argument("--genre", metavar="NAME", action="append", default=[], help="given twice: both")
    what.add_argument("--year-from", metavar="YEAR", type=int)
    what.add_argument("--year-to", metavar="YEAR", type=int)
    what.add_argument("--exclude-unknown", action="store_true", help='no movies titled "unknown"')
    p.add_argument("--out", metavar="FILE", type=Path, help="write to a .parquet, .csv or .json instead")
    return p


def main(params: config.Params, *words: str) -> None:
    asked = parser().parse_args(words)
    _check(asked)
    movies = MovieCatalogue.from_table(read_parquet(Path("data/movies.parquet"), COLUMNS))
    wanted = MovieFilter(tuple(asked.genre), asked.year_from, asked.year_to, asked.exclude_unknown)
    allowed = movies.keep(wanted)
    model, task = _model(params, asked.model, len(movies))
    if asked.like is not None:
        _like(asked, model, movies, allowed)
        return
    scale = Scale(**read_json(Path("data/dataset.json"))["scale"])
    least = positive_threshold(params)
    if asked.rate or asked.ratings:
        items, given = _own_ratings(asked, movies, scale)
        people = top_n.new_user(model, items, given, least, task == "ranking")
    else:
        people = _members(asked, model, task)
    items, values = top_n.top_lists(people, allowed, asked.top, asked.model)
    column = "score"
    if task == "rating":
        column, values = "rating", np.clip(values, scale.low, scale.high)
    rows = [
        output.rows_of(label, best, value, movies, column)
        for label, best, value in zip(people.labels, items, values, strict=True)
    ]
    if len(people.labels) == 1:
        others = "liked" if task == "ranking" and least > scale.low else "rated"
        for row, why in zip(rows[0], _why(model, people, items[0], movies, task, others), strict=False):
            row["why"] = why
    _deliver(asked, rows, column)


def _check(asked: Namespace) -> None:
    kinds = [asked.user, asked.users, asked.users_file, asked.rate or asked.ratings, asked.like]
    if len([kind for kind in kinds if kind not in (None, [])]) != 1:
        raise MarqueeError(
            "say for whom, in one way: --user, --users, --users-file, --rate or --ratings, or --like; "
            "see python -m marquee.cli.recommend --help"
        )
    if asked.top < 1:
        raise MarqueeError(f"--top is {asked.top}; ask for at least 1 movie")
    if asked.out is not None:
        output.check_suffix(asked.out)


def _model(params: config.Params, name: str, n_items: int) -> tuple[Recommender, str]:
    folder = Path("models") / name
    if not folder.is_dir():
        params.model(name)  # a misspelt name has a message of its own
    try:
        model = load(folder)
    except KeyError:
        raise MarqueeError(f"{folder} is of another version; run `dvc repro train@{name}`") from None
    if model.n_items != n_items:
        raise MarqueeError(
            f"{folder} was trained on other data ({model.n_items:,} movies, now {n_items:,}); "
            f"run `dvc repro train@{name}`"
        )
    return model, read_json(folder / "model.json")["task"]


def _own_ratings(asked: Namespace, movies: MovieCatalogue, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    rows = import_ratings.read_ratings(asked.ratings, scale) if asked.ratings else []
    found = import_ratings.match(rows, movies)
    given = import_ratings.stated(asked.rate, movies, scale)
    if asked.rate:
        print("you rated", ", ".join(f"{movies.name(item)} {rating:g}" for item, rating in given))
    pairs = [*found.pairs, *given]
    if not pairs:
        raise MarqueeError(f"none of the {len(rows)} movies in {asked.ratings} is in this data; rate others")
    for note in found.notes(str(asked.ratings)):
        print(note, file=sys.stderr)
    return np.array([item for item, _ in pairs], np.int32), np.array([r for _, r in pairs], np.float32)


def _members(asked: Namespace, model: Recommender, task: str) -> Audience:
    if asked.user is not None:
        labels = [asked.user]
    else:
        text = import_ratings.read_text(asked.users_file) if asked.users is None else asked.users
        labels = list(dict.fromkeys(text.replace(",", " ").split()))
    ids = read_parquet(Path("data/users.parquet"), ["user_id"])["user_id"].to_pylist()
    users = top_n.numbered(labels, ids)

    def of_them(path: str) -> Ratings:
        return Ratings.from_table(read_parquet(Path(path), among=("user", users.tolist())))

    parts = ("train", "fold_in")
    train, fold_in = (of_them(f"data/{task}/{part}.parquet") for part in parts)
    return top_n.known_users(
        model, [ids[user] for user in users], users, train, fold_in, of_them("data/ratings.parquet")
    )


def _why(
    model: Recommender, people: Audience, items: np.ndarray, movies: MovieCatalogue, task: str, others: str
) -> list[str]:
    """What spoke for each movie: ratings of the person's own, or else what others say."""
    listed = items[items >= 0]
    own = output.explain_by_ratings(people.history, *top_n.explain(model, people.history, listed), movies)
    if all(own):
        return own
    train = ratings(Path(f"data/{task}/train.parquet"))
    crowd = output.explain_by_popularity(train, len(movies), task == "rating", others)
    return [said or crowd(item) for said, item in zip(own, listed, strict=True)]


def _like(asked: Namespace, model: Recommender, movies: MovieCatalogue, allowed: np.ndarray) -> None:
    item = movies.the_one(asked.like, movies.search())
    cosines = top_n.item_similarities(model, item, asked.model)
    items, values = top_n.nearest_items(cosines, allowed, item, asked.top)
    print(f"like {movies.name(item)}")
    _deliver(asked, [output.rows_of(movies.name(item), items, values, movies, "similarity")], "similarity")


def _deliver(asked: Namespace, lists: list[output.Rows], column: str) -> None:
    rows = [row for one in lists for row in one]
    if asked.out is not None:
        columns = ["user", "rank", *COLUMNS, column, *(["why"] if len(lists) == 1 else [])]
        output.write(asked.out, rows, columns)
        print(f"{len(rows):,} rows for {len(lists):,} in {asked.out}")
        return
    for one in lists:
        if len(lists) > 1:
            print(f"user {one[0]['user']}" if one else "")
        print(output.text(one, column))


if __name__ == "__main__":
    run(main)
