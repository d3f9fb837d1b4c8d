"""A project of a few movies in which `marquee recommend` runs within this process: no stage, no second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from marquee import recommenders
from marquee.cli.main import main
from marquee.data.identity import identity_of
from marquee.data.ratings import Catalogue, Ratings
from marquee.io import write_json, write_parquet
from marquee.movielens.fingerprint import fingerprint
from marquee.movielens.schema import Scale, build_dataset
from marquee.recommenders.base import TrainingData

ROOT = Path(__file__).parents[2]
FILMS = [
    *(
        "Heat (1995)",
        "Fargo (1996)",
        "Toy Story (1995)",
        "Die Hard (1988)",
        "Star Trek III: The Search (1984)",
    ),
    *("Star Wars: Episode IV - A New Hope (1977)", "Beverly Hills Cop III (1994)", "Shanghai Triad (1995)"),
    *(
        "Seven (Se7en) (1995)",
        "Alien (1979)",
        "Amélie (Fabuleux destin d'Amélie Poulain, Le) (2001)",
        "M (1931)",
    ),
]


def build(
    folder: Path,
    titles: Sequence[str | None] = FILMS,
    users: Sequence[Any] = tuple(range(1, 11)),
    imdb: Sequence[int | None] = (),
    tags: Sequence[Sequence[str]] = (),
    demographics: bool = True,
) -> Path:
    """Write a project whose `users` rated half of `titles`, with `bias` and `ease` trained."""
    n, rng = len(titles), np.random.default_rng(0)
    user, movie = np.nonzero(rng.random((len(users), n)) < 0.5)
    user, movie = np.append(user, [0] * n), np.append(movie, range(n))  # the first user rated all of them
    rows = pa.table(
        {
            "user": pa.chunked_array([[users[one] for one in user]]),
            "movie": pa.chunked_array([pa.array(movie + 1)]),
            "rating": pa.chunked_array([pa.array(rng.integers(1, 6, len(user)).astype(np.float32))]),
            "timestamp": pa.chunked_array([pa.array(np.arange(len(user)) + 1)]),
        }
    )
    listed = {"movie": pa.array(range(1, n + 1)), "title": pa.array(titles, pa.string())}
    if imdb:
        listed["imdb_id"] = pa.array(imdb, pa.int32())
    if tags:
        listed["tags"] = pa.array(tags, pa.list_(pa.string()))
    known = {"user": users, "age": [30] * len(users), "gender": ["F"] * len(users)} if demographics else None
    found = build_dataset(rows, pa.table(listed), known and pa.table(known), Scale(1, 5, 1), {})
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text("utf-8"), "utf-8")
    sizes = {"n_users": len(users), "scale": [1, 5, 1], "name": "custom"}
    sizes["fingerprint"] = fingerprint(found.movies, found.users)
    tables = {
        "ratings": found.ratings,
        "movies": found.movies.replace_schema_metadata({"catalogue": json.dumps(sizes)}),
        "users": found.users,
    }
    for name, table in tables.items():
        write_parquet(folder / f"data/{name}.parquet", table)
    write_json(folder / "data/dataset.json", {"name": "custom", **found.card})
    ratings = Ratings.from_table(found.ratings)
    liked = ratings.take(ratings.rating >= 4)
    parts = {"rating": ratings, "ranking": Ratings.of(liked.user, liked.item)}
    for task, train in parts.items():
        write_parquet(folder / f"data/{task}/train.parquet", train.to_table())
        write_parquet(folder / f"data/{task}/fold_in.parquet", Ratings.empty().to_table())
    shape = Catalogue.of(len(users), n)
    for name, task in (("bias", "rating"), ("ease", "ranking")):
        params = yaml.safe_load((folder / "params.yaml").read_text("utf-8"))
        block = params["models"][name]
        options = {
            key: value for key, value in block.items() if key not in ("task", "train_data", "algorithm")
        }
        model = recommenders.create(name, task, options, name)
        model.fit(TrainingData(parts[task], Ratings.empty(), shape), np.random.default_rng(0))
        identity = identity_of(folder / "data/movies.parquet")
        fitted = {"data": identity, "train_data": block["train_data"], "seed": params["seed"]}
        recommenders.store(model, folder / "models" / name, fitted)
    return folder


def recommend(capsys, *words: str, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """The rows that `marquee recommend` gives and what it says on stderr; no traceback, in any case."""
    assert main(["recommend", *words, "--json"]) == code
    out, err = capsys.readouterr()
    if code:
        assert len(err.splitlines()) == 1, err
    return json.loads(out) if out else [], err
