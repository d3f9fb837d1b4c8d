"""Learn what visitors rated: the process that `marquee serve --learn-every` starts.

    python -m marquee.cli.learning < JSON

The JSON names the database `feedback`, the `models` and a `folder`, where each model that has learned is
stored under its name. A line on stderr says why one has not. The exit code is 1 where none has.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from marquee import recommenders
from marquee.cli import online_models, project
from marquee.data.identity import identity_of
from marquee.errors import explain
from marquee.io import read_parquet
from marquee.movielens.feedback import visitor_id
from marquee.movielens.schema import Scale
from marquee.serving.catalogue import MovieCatalogue
from marquee.serving.online import Given
from marquee.terminal import say

NICE = 10  # requests go first


def main() -> int:
    with suppress(AttributeError, OSError):
        os.nice(NICE)
    asked = json.load(sys.stdin)
    failed = 0
    try:
        given = ratings_of_visitors(asked["feedback"])
        if given is None:
            return 0
        for name in asked["models"]:
            try:
                learn(name, given, Path(asked["folder"]))
            except Exception as error:
                failed += 1
                say(f"{name} learned nothing: {explain(error) or repr(error)}")
    except Exception as error:
        say(explain(error) or repr(error))
        return 1
    return int(0 < failed == len(asked["models"]))


def learn(name: str, given: Given, folder: Path) -> None:
    """Store the model `name` with all of `given` learned since its fit."""
    model = online_models.fitted_model(name)
    online_models.require_memory(name)
    learned = model.learn(given).model
    recommenders.store(learned, folder / name, learned.fitted)


def ratings_of_visitors(url: str) -> Given | None:
    """Return each visitor's last rating of each movie of this data; None where there is none."""
    from marquee.server.feedback import Feedback

    store = Feedback(url)
    rows = store.latest()
    store.close()
    whole = pa.types.is_integer(read_parquet(Path("data/users.parquet"), ["user_id"])["user_id"].type)
    return as_given(rows, identity_of()["name"], project.movies(), project.scale()[0], whole)


def as_given(
    rows: Sequence[Mapping[str, Any]], name: str, movies: MovieCatalogue, scale: Scale, whole: bool
) -> Given | None:
    """Return those `rows` of a `Feedback` that `ingest` would take, by the ids that it gives to visitors."""
    places = {str(movie): item for item, movie in enumerate(movies.ids)}
    kept = [
        row
        for row in rows
        if row["dataset"] == name
        and (item := places.get(row["movie"])) is not None
        and movies.name(item) == row["title"]
        and scale.allows(row["rating"])
    ]
    if not kept:
        return None
    return Given(
        [visitor_id(row["visitor"], whole) for row in kept],
        [row["movie"] for row in kept],
        np.array([row["rating"] for row in kept], np.float32),
        np.array([row["time"] for row in kept], np.int64),
    )


if __name__ == "__main__":
    raise SystemExit(main())
