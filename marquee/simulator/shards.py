"""Draw users in blocks, each a function of the seed and the block's number: any worker can write any shard.

`simulate` draws a data set from one stream, so it is made in one piece. Here the movies are drawn once, as
`simulate` draws them, and every block of users from a generator of its own, given the movies. The number of
workers and of shards therefore shows in no rating, and a larger population begins with the smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from marquee.engine import map_blocks
from marquee.io import as_column, atomic_file, atomic_folder
from marquee.rng import named_rng
from marquee.simulator.ground_truth import GroundTruth
from marquee.simulator.names import Film, films
from marquee.simulator.options import (
    GENRES,
    TASTES,
    USER_BIAS,
    SimulatorOptions,
    draw_ground_truth,
    user_moods,
)
from marquee.simulator.selection import choose
from marquee.simulator.simulate import (
    EAGERNESS,
    HALF,
    WHOLE,
    activity_scale,
    cuts_of,
    moments,
    opinions,
    wanted_ratings,
)
from marquee.simulator.writers import Columns, write_movies

USERS = 4096  # in a block: some 650,000 ratings at ML-32M's 159 a user
BLOCKS = 8  # in a shard


@dataclass(frozen=True)
class Population:
    """Hold what all blocks of users share: the law of the movies, and how much users rate.

    options  the data set whose movies and whose users' habits these are
    n_users  how many users there are; `options.users` only decides how well movies are known
    truth    the ground truth of the movies, its cuts known; the arrays of users have no rows
    scale    ratings of a user beyond the minimum, in units of their eagerness
    blocks   blocks of users in a shard
    """

    seed: int
    options: SimulatorOptions
    n_users: int
    truth: GroundTruth
    scale: float
    blocks: int = BLOCKS

    @property
    def n_shards(self) -> int:
        return -(-self.n_users // (USERS * self.blocks))

    def users(self, shard: int) -> range:
        """Return the users of a shard."""
        first = shard * USERS * self.blocks
        return range(first, min(first + USERS * self.blocks, self.n_users))

    def block(self, number: int) -> Columns:
        """Draw all ratings of the users from USERS * number on; `user` counts from the first of all users."""
        user, movie, opinion, timestamp = self._drawn(number)
        star = np.searchsorted(self.truth.cuts, opinion).astype(np.int8)
        order = np.lexsort((movie, user))
        return Columns(user[order], movie[order], star[order], timestamp[order], self.truth.stars)

    def _drawn(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        from scipy.special import gammaincinv

        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))
        first = number * USERS
        n = min(USERS, self.n_users - first)
        factors, bias = rng.standard_normal((USERS, TASTES.shape[1]))[:n], rng.normal(0, USER_BIAS, USERS)[:n]
        eager, coin = gammaincinv(EAGERNESS, rng.random(USERS))[:n], rng.random(USERS)[:n]
        counts = (wanted_ratings(self.options, eager, self.scale) + coin).astype(np.int64)
        counts = counts.clip(max=self.options.movies)
        users = {
            "user_factors": factors,
            "user_bias": bias,
            "user_moods": user_moods(factors, self.options.focus),
        }
        truth = replace(self.truth, **{name: array.astype(np.float32) for name, array in users.items()})
        movie = choose(truth, counts, rng)
        user = np.repeat(np.arange(n, dtype=np.int32), counts)
        opinion = opinions(truth, user, movie, rng)
        return user + np.int32(first), movie, opinion, moments(counts, rng)


def population(options: SimulatorOptions, n_users: int, seed: int) -> tuple[Population, list[Film]]:
    """Draw the movies of `options` and calibrate users; return the population and its films.

    The cuts are those at which the first block gives each star as often as MovieLens does. Memory: some 400
    bytes a user of `options`, however large `n_users` is.
    """
    from scipy.special import gammaincinv

    rng = named_rng(seed, "simulate")
    truth, genres = draw_ground_truth(options, rng)
    names = ("user_factors", "user_bias", "user_moods")
    truth = replace(truth, **{name: getattr(truth, name)[:0] for name in names})
    eager = gammaincinv(EAGERNESS, (np.arange(options.users) + 0.5) / options.users)
    found = Population(seed, options, n_users, truth, activity_scale(options, eager))
    opinion = found._drawn(0)[2]
    cuts = cuts_of(opinion, HALF if options.half_stars else WHOLE)
    return replace(found, truth=replace(truth, cuts=cuts)), films(genres, tuple(GENRES), rng)


def write_shards(
    folder: Path, options: SimulatorOptions, n_users: int, seed: int, blocks: int = BLOCKS
) -> int:
    """Write `ratings.parquet/part-*.parquet` and `movies.csv` into `folder`; return the number of ratings.

    The engine's workers write the parts, so on a cluster they all need to reach `folder`. A dataset of the
    name `custom` reads the files. Memory: some 150 MB a worker, however many users there are.
    """
    found, shown = population(options, n_users, seed)
    people = replace(found, blocks=blocks)
    with atomic_folder(folder) as fresh:
        (fresh / "ratings.parquet").mkdir()
        write_movies(fresh / "movies.csv", shown)
        shards = [(number,) for number in range(people.n_shards)]
        shared = {"people": people, "folder": str(fresh / "ratings.parquet")}
        return sum(map_blocks(write_shard, shards, shared))


def write_shard(shard: int, people: Population, folder: str) -> int:
    """Write one shard as `part-<shard>.parquet`, a row group for each block, and return its ratings.

    The columns are those of MovieLens: userId and movieId (from 1), rating, timestamp.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = ("userId", "movieId")
    schema = pa.schema(
        [*((name, pa.int32()) for name in ids), ("rating", pa.float32()), ("timestamp", pa.int64())]
    )
    users, n = people.users(shard), 0
    with (
        atomic_file(Path(folder) / f"part-{shard:05}.parquet") as partial,
        pq.ParquetWriter(
            partial,
            schema,
            compression="lz4",
            use_dictionary=["rating"],
            use_byte_stream_split=[*ids, "timestamp"],
        ) as file,
    ):
        for first in range(users.start, users.stop, USERS):
            drawn = people.block(first // USERS)
            columns = drawn.user + 1, drawn.movie + 1, people.truth.stars[drawn.star], drawn.timestamp
            file.write_table(pa.table([as_column(values) for values in columns], schema=schema))
            n += len(drawn)
    return n
