"""Data sets for a notebook: MovieLens releases, files and DataFrames."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.api import frames
from marquee.config import UNRATED, CustomColumns
from marquee.data.ratings import Catalogue, Ratings, lowest_positive
from marquee.errors import MarqueeError, did_you_mean
from marquee.io import atomic_folder, parquet_files
from marquee.movielens import schema
from marquee.movielens.download import fetch_release
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import RELEASES, SIMULATED, release
from marquee.rng import KeyedRandom, named_rng
from marquee.serving.catalogue import MovieCatalogue
from marquee.simulator.options import SimulatorOptions
from marquee.simulator.simulate import simulate

if TYPE_CHECKING:
    import pandas as pd

    from marquee.api.split import Part

SEED = 2024  # that of params.yaml, so that both give the same splits and models


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """Hold ratings with their movies and users, under the ids of their source.

    name      a release's, or what `load` was given
    tables    the same in the pipeline's schema, with ids from 0
    implicit  whether every row is a positive, because the source has no ratings, or counts instead
    """

    name: str
    tables: schema.Dataset
    implicit: bool = False

    def __repr__(self) -> str:
        card, times = self.card, "without times"
        if card["first_timestamp"] is not None:
            first, last = (datetime.fromtimestamp(card[f"{end}_timestamp"], UTC) for end in ("first", "last"))
            times = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        what = "positives" if self.implicit else f"ratings ({self.scale})"
        twice = card["dropped"].get("duplicates", 0)
        return (
            f"Dataset {self.name!r}: {card['ratings']:,} {what} of {card['items']:,} movies by "
            f"{card['users']:,} users, {times}" + (f", {twice:,} earlier duplicates dropped" if twice else "")
        )

    @property
    def card(self) -> dict[str, Any]:
        """Return counts that describe the data set."""
        return self.tables.card

    @property
    def scale(self) -> schema.Scale:
        return schema.Scale(**self.card["scale"])

    @cached_property
    def ratings(self) -> pd.DataFrame:
        """user_id, movie_id, rating, timestamp; a row for each rating."""
        return self.frame(self.rows)

    @cached_property
    def movies(self) -> pd.DataFrame:
        """movie_id, title, year, genres; a row for each rated movie."""
        return self.tables.movies.drop(["item"]).to_pandas().astype({"year": "Int64"})

    @cached_property
    def users(self) -> pd.DataFrame:
        """user_id, and what the release tells of its users."""
        return self.tables.users.drop(["user"]).to_pandas()

    @cached_property
    def rows(self) -> Ratings:
        """The ratings as arrays, with users and items from 0."""
        return Ratings.from_table(self.tables.ratings)

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue.from_genres(len(self.tables.users), self.tables.movies["genres"])

    @cached_property
    def user_ids(self) -> np.ndarray:
        return self.tables.users["user_id"].to_numpy()

    @cached_property
    def movie_ids(self) -> np.ndarray:
        return self.tables.movies["movie_id"].to_numpy()

    @cached_property
    def titles(self) -> MovieCatalogue:
        return MovieCatalogue.from_table(self.tables.movies)

    def frame(self, rows: Ratings) -> pd.DataFrame:
        """Return `rows` as a DataFrame, under the ids of the source."""
        import pandas as pd

        columns = {"user_id": self.user_ids[rows.user], "movie_id": self.movie_ids[rows.item]}
        columns["rating"] = rows.rating
        if self.card["first_timestamp"] is not None:
            columns["timestamp"] = rows.timestamp.astype("datetime64[s]")
        return pd.DataFrame(columns)

    def random(self, seed: int, purpose: str) -> KeyedRandom:
        """Return the randomness of one purpose, which depends on the ids of the source."""
        return KeyedRandom(seed, purpose, self.user_ids, self.movie_ids)

    def lowest_positive(self, threshold: float | str | None = "auto") -> float:
        """Return `threshold`, or for "auto" the rating 0.75 of the way up the scale: 4 on 1 to 5."""
        return lowest_positive(threshold, self.scale.low, self.scale.high, self.scale.step, self.implicit)

    def positives(self, threshold: float | str = "auto") -> Part:
        """Return all ratings of at least `threshold` as one training part, for a final fit on all data."""
        from marquee.api.split import whole_part

        return whole_part(self, self.lowest_positive(threshold), SEED)

    @classmethod
    def from_frame(
        cls,
        ratings: pd.DataFrame,
        movies: pd.DataFrame | None = None,
        *,
        name: str = "frame",
        user: str = "auto",
        movie: str = "auto",
        rating: str | None = "auto",
        timestamp: str | None = "auto",
        title: str | None = "auto",
        genres: str | None = "auto",
        implicit: bool = False,
    ) -> Dataset:
        """Return the data set of a DataFrame with a row for each rating.

        movies         a DataFrame with a row for each movie; None: titles and genres may be in `ratings`
        user, ...      the columns' names; "auto" finds userId, user_id, item, ... by itself. None: there is
                       no such column. Without ratings every row is a positive
        implicit       whether `rating` counts, such as plays or hours: every row is then a positive, and its
                       count a weight where a model takes one

        Ids are whole numbers or text. Of a pair rated twice the later row stays; counts are added up. Raises
        MarqueeError for a column that is missing, and for a cell without a value or of another kind, with the
        first such row.
        """
        asked = {"user": user, "movie": movie, "rating": rating, "timestamp": timestamp}
        columns = frames.find_columns(list(ratings.columns), asked, "the ratings")
        described = {"movie": movie, "title": title, "genres": genres}
        if movies is None:
            movies = ratings.drop_duplicates(columns["movie"])
            described["movie"] = columns["movie"]
        implicit = implicit or "rating" not in columns
        rows = frames.rating_rows(ratings, columns, implicit)
        listed = frames.movie_rows(movies, frames.find_columns(list(movies.columns), described, "the movies"))
        rows, listed = frames.same_ids(rows, listed)
        scale = schema.Scale.of(np.unique(rows["rating"].to_numpy()))
        return cls(name, schema.build_dataset(rows, listed, None, scale, {}, implicit), implicit)


def load(
    data: str | Path | pd.DataFrame, movies: pd.DataFrame | None = None, *, source: str = "", **columns: Any
) -> Dataset:
    """Return a data set.

    data     the name of a release ("ml-100k", "ml-1m", ...; "synthetic-100k" is simulated), a CSV or Parquet
             file or a folder with ratings.csv and movies.csv, or a DataFrame
    movies   a DataFrame with titles and genres beside a DataFrame of ratings
    source   of a release: "official", "kaggle", an http(s) address, a folder or a zip. Without one the files
             of the last call are used, or the official ones. They are kept in ~/.cache/marquee
    columns  the columns' names, as in `Dataset.from_frame`

    Raises MarqueeError with what is wrong and what to do.
    """
    if not isinstance(data, str | Path):
        return Dataset.from_frame(data, movies, **columns)
    if movies is not None:
        raise MarqueeError(
            "movies= belongs to a DataFrame of ratings: put movies.csv beside the file instead"
        )
    name = str(data)
    if name in RELEASES and name != "custom":
        if columns:
            raise MarqueeError(f"{name} has columns of its own: leave out {', '.join(columns)}")
        data = _simulated() if name == SIMULATED else _release(name, source)
        return Dataset(name, data, name in UNRATED)
    if not Path(name).expanduser().exists():
        known = [one for one in RELEASES if one != "custom"]
        raise MarqueeError(f"{name!r} is neither a file nor a release{did_you_mean(name, known)}")
    return Dataset.from_frame(*_frames(Path(name).expanduser()), name=Path(name).name, **columns)


def _release(name: str, source: str) -> schema.Dataset:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marquee"
    wanted, kept = release(name), cache / name
    if source or not kept.is_dir():
        with atomic_folder(kept) as folder:
            fetch_release(wanted, source or "official", folder, scratch=cache / "download")
    scale = schema.Scale(*wanted.scale) if wanted.scale else None
    return read_release(kept, wanted.layout, scale, CustomColumns(), implicit=name in UNRATED)


def _simulated() -> schema.Dataset:
    options = SimulatorOptions()
    with TemporaryDirectory() as folder:
        simulate(options, Path(folder), named_rng(SEED, "simulate"))
        return read_release(Path(folder), options.layout, schema.Scale(*options.scale), CustomColumns())


def _frames(path: Path) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Read a file of ratings, or ratings and movies of a folder; in a CSV, cells stay text for now."""
    import pandas as pd

    def read(stem: Path) -> pd.DataFrame | None:
        csv, parquet = (stem if stem.suffix else stem.with_suffix(end) for end in (".csv", ".parquet"))
        try:
            if csv.is_file() and csv.suffix != ".parquet":
                return pd.read_csv(csv, dtype=str)
            return pd.read_parquet(parquet_files(parquet)) if parquet.exists() else None
        except (ValueError, OSError) as error:  # bytes that are no UTF-8, or no table
            raise MarqueeError(f"{stem} is not readable ({error}): save it as CSV in UTF-8") from None

    ratings = read(path / "ratings" if path.is_dir() else path)
    if ratings is None:
        raise MarqueeError(f"{path} has no ratings.csv or ratings.parquet: put one there, or name a file")
    return ratings, read(path / "movies") if path.is_dir() else None
