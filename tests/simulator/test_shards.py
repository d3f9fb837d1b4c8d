"""Shards of simulated users are the same whoever writes them, and rate as those drawn in one piece."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from marquee.config import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.simulator import shards
from marquee.simulator.shards import USERS, population, write_shards
from marquee.simulator.simulate import WHOLE, SimulatorOptions

FEW = SimulatorOptions(users=943, movies=120, ratings=30_000)


@pytest.fixture(scope="module")
def people() -> shards.Population:
    return population(FEW, USERS + 500, seed=1)[0]


def columns(drawn) -> tuple[np.ndarray, ...]:
    return drawn.user, drawn.movie, drawn.star, drawn.timestamp


def test_a_block_does_not_depend_on_how_many_users_follow(people):
    first, more = people.block(0), replace(people, n_users=10 * USERS).block(0)
    for one, other in zip(columns(first), columns(more), strict=True):
        np.testing.assert_array_equal(one, other)
    last, whole = people.block(1), replace(people, n_users=10 * USERS).block(1)
    assert last.user.max() == USERS + 499
    habits = np.bincount(whole.user - USERS)[:500]
    np.testing.assert_array_equal(np.bincount(last.user - USERS), habits)
    assert not np.array_equal(first.movie[:100], last.movie[:100])
    other = population(FEW, USERS, seed=2)[0].block(0)
    assert not np.array_equal(first.movie[:100], other.movie[:100])


def test_users_rate_as_in_a_data_set_of_one_piece(people):
    drawn = people.block(0)
    assert len(drawn) / USERS == pytest.approx(FEW.ratings / FEW.users, rel=0.03)
    assert np.bincount(drawn.user).min() >= FEW.min_ratings_per_user
    np.testing.assert_allclose(100 * np.bincount(drawn.star) / len(drawn), WHOLE, atol=0.1)
    pairs = drawn.user.astype(np.int64) * FEW.movies + drawn.movie
    assert (np.diff(pairs) > 0).all()


def test_the_written_parts_are_a_data_set_of_ones_own(tmp_path):
    n = write_shards(tmp_path / "raw", FEW, USERS + 500, seed=1, blocks=1)
    parts = sorted((tmp_path / "raw/ratings.parquet").iterdir())
    assert [part.name for part in parts] == ["part-00000.parquet", "part-00001.parquet"]
    assert n == sum(pq.read_metadata(part).num_rows for part in parts)
    found = read_release(tmp_path / "raw", "custom", None, CustomColumns())
    assert (found.card["ratings"], found.card["users"]) == (n, USERS + 500)
    assert not any(found.card["dropped"].values())
    assert found.movies["title"].null_count == 0


def written(folder: Path) -> dict[str, bytes]:
    write_shards(folder, FEW, 2 * USERS + 9, seed=3, blocks=1)
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()}


@pytest.mark.spark
def test_spark_writes_the_same_bytes(tmp_path, monkeypatch):
    here = written(tmp_path / "threads")
    monkeypatch.setenv("MARQUEE_ENGINE", "spark")
    monkeypatch.setenv("MARQUEE_SPARK_MASTER", "local[2]")
    assert written(tmp_path / "spark") == here
