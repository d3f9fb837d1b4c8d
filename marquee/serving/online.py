"""A model between two fits: the ratings that it has learned since, and the folder that it is stored in.

A server holds an `OnlineModel`, collects `Given` ratings, and calls `learn` in a thread of its own: the model
that it answers from is never changed, so it answers until the new one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee import recommenders
from marquee.data.changes import Changes, UpdateData, changed, last_of_each_pair
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.errors import MarqueeError
from marquee.io import as_array, atomic_folder, read_parquet, sha256, write_parquet
from marquee.recommenders.base import Recommender
from marquee.rng import named_rng
from marquee.training.progress import Arrays

if TYPE_CHECKING:
    from marquee.config import CustomColumns
    from marquee.movielens.schema import Scale

Checkpoint = tuple[Arrays, Mapping[str, Any]]


@dataclass(frozen=True)
class Given:
    """Ratings [n] by the release's own ids, in any order; `source` says where they come from."""

    users: Sequence[Any]
    movies: Sequence[Any]
    ratings: np.ndarray
    timestamps: np.ndarray
    source: Mapping[str, Any] = field(default_factory=dict)


def read_given(path: Path, columns: CustomColumns, scale: Scale, max_bad_rows: int = 0) -> Given:
    """Read a CSV or Parquet file with a row for each rating, whose columns are called as `columns` says.

    Raises MarqueeError, as `ingest` does, for a file that does not read and for ratings off the `scale`.
    """
    from marquee.movielens.csv_reader import BadRows
    from marquee.movielens.named_columns import read_columns

    names = {name: getattr(columns, name) for name in ("user", "movie", "rating", "timestamp")}
    table = read_columns(path, names, BadRows(max_bad_rows), scale, None)
    users, movies = (table[name].to_pylist() for name in ("user", "movie"))
    ratings, times = (
        as_array(table[name]) if name in table.column_names else np.full(len(table), default)
        for name, default in (("rating", 1.0), ("timestamp", 0))
    )
    return Given(users, movies, ratings, times, {"file": path.name, "sha256": sha256(path)})


@dataclass(frozen=True)
class Positives:
    """State what a ranking model learns from: ratings of `threshold` or more, each with its weight."""

    threshold: float
    weigh: Callable[[np.ndarray], np.ndarray] = np.ones_like


@dataclass(frozen=True)
class OnlineModel:
    """A model, and what it takes to learn on.

    model       what answers
    train       the ratings that it knows: those of its fit and those that it has learned
    catalogue   of the fit
    user_ids    the release's ids: row u is user u; new users come last
    movie_ids   row i is item i
    positives   None for a rating model
    checkpoint  of a model that learns by steps (`UpdateData`)
    seed        of the fit
    learned     all ratings given since the fit, on the scale, each pair's last one
    updates     what was learned, a block of JSON for each `learn`
    """

    model: Recommender
    train: Ratings
    catalogue: Catalogue
    user_ids: Sequence[Any]
    movie_ids: Sequence[Any]
    positives: Positives | None = None
    checkpoint: Checkpoint | None = None
    seed: int = 0
    learned: Ratings = field(default_factory=Ratings.empty)
    updates: tuple[Mapping[str, Any], ...] = ()

    def learn(self, given: Given) -> OnlineModel:
        """Return the model that has learned `given`, too; this one stays as it is and goes on answering.

        New users are learned, movies that the fit does not know are counted and left out. Of a pair that is
        rated again the last rating counts, see `marquee.data.changes.changed`.
        Raises MarqueeError where no rating is of a known movie, and where the algorithm has no update.
        """
        item = np.array([self._items.get(str(one), -1) for one in given.movies], np.int32)
        known = np.flatnonzero(item >= 0)
        if not len(known):
            raise MarqueeError(
                f"none of the {len(item):,} ratings is of a movie of this data: give the release's movie ids"
            )
        users = [given.users[row] for row in known.tolist()]
        place = dict(self._users)
        for one in users:
            place.setdefault(str(one), len(place))
        new = list({str(one): one for one in users if str(one) not in self._users}.values())
        user = [place[str(one)] for one in users]
        ratings = Ratings.of(user, item[known], given.ratings[known], given.timestamps[known])
        changes = self.changes(self.train, ratings)
        rng = named_rng(self.seed, f"update {len(self.updates)}")
        about = {
            **given.source,
            "ratings": len(known),
            "learned": len(changes.added),
            "withdrawn": len(changes.removed),
            "users": len(changes.users),
            "new_users": len(new),
            "movies": len(changes.items),
            "of_unknown_movies": len(item) - len(known),
        }
        return replace(
            self,
            model=self.model.update(UpdateData(changes, self.catalogue, self.checkpoint), rng),
            train=changes.after,
            user_ids=[*self.user_ids, *new],
            learned=last_of_each_pair(concat(self.learned, ratings)),
            updates=(*self.updates, about),
        )

    def changes(self, before: Ratings, given: Ratings) -> Changes:
        """Return what `given` ratings make of training rows, `before`."""
        if self.positives is None:
            return changed(before, given)
        return changed(before, given, self.positives.threshold, self.positives.weigh)

    def with_learned(
        self, users: np.ndarray, train: Ratings, held_out: Ratings, rated: Ratings
    ) -> tuple[Ratings, Ratings, Ratings]:
        """Return `users`' rows of three tables, the last of all ratings, with what was learned since the fit.

        A user who was held out of training whole is folded in from both.
        """
        own = self.learned.take(np.isin(self.learned.user, users))
        away = np.isin(own.user, held_out.user)
        learned, folded = own.take(~away), own.take(away)
        train, held_out = (
            self.changes(part, new).after for part, new in ((train, learned), (held_out, folded))
        )
        return train, held_out, changed(rated, own).after

    @cached_property
    def _items(self) -> dict[str, int]:
        return {str(one): item for item, one in enumerate(self.movie_ids)}

    @cached_property
    def _users(self) -> dict[str, int]:
        return {str(one): user for user, one in enumerate(self.user_ids)}

    def store(self, folder: Path, n_known: int) -> None:
        """Write the model as `recommenders.store` does, and beside it what it learned and who is new.

        n_known  users of the data set
        """
        import pyarrow as pa

        new = list(self.user_ids[n_known:])
        with atomic_folder(folder) as partial:
            recommenders.store(self.model, partial, {**self.model.fitted, "updates": [*self.updates]})
            write_parquet(partial / "learned.parquet", self.learned.to_table())
            ids = pa.array(new) if new else pa.array([], pa.string())
            write_parquet(partial / "new_users.parquet", pa.table({"user_id": ids}))


def load_updates(folder: Path, fit: OnlineModel) -> OnlineModel:
    """Return the model that `OnlineModel.store` wrote to `folder`. `fit` is the model that it was made from.

    Raises MarqueeError for a folder without such a model, and for one that was made from another fit.
    """
    model = recommenders.load(folder)
    if "updates" not in model.fitted:
        raise MarqueeError(f"{folder} holds no updated model: make one with `marquee update`")
    if model.fitted.get("fit") != fit.model.fitted.get("fit"):
        raise MarqueeError(
            f"{folder} was updated from another fit than the one in models/: "
            "run `marquee update` again, with --fresh"
        )
    learned = Ratings.read(folder / "learned.parquet")
    new = read_parquet(folder / "new_users.parquet")["user_id"].to_pylist()
    return replace(
        fit,
        model=model,
        train=fit.changes(fit.train, learned).after,
        user_ids=[*fit.user_ids, *new],
        learned=learned,
        updates=tuple(model.fitted["updates"]),
    )
