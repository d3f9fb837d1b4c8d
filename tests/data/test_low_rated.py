"""Rows below the threshold, which only `evaluate.mask: rated` reads, and the weights of counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marquee import config
from marquee.data.ratings import Ratings
from marquee.data.splits import SplitOptions, split
from marquee.data.time_cuts import BY_ONE_CUT, BY_TIME
from marquee.io import write_parquet
from stages import _inputs
from tests.data.test_splits import DRAWN, grid, in_order, rng, rows


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("seed", range(4))
def test_low_rated_rows_are_those_of_test_users_that_are_known_by_then(name, seed):
    """By a slow rule: in a split by time, rows not after the first test row, of the user or of all."""
    chance = np.random.default_rng(seed)
    user, item = np.nonzero(chance.random((40, 12)) < 0.7)
    ratings = in_order(user, item, chance.integers(1, 6, len(user)), chance.integers(0, 9, len(user)))
    options = SplitOptions(name, positive_threshold=3, validation=0.2, test=0.3)
    done = split(ratings, options, rng(seed))
    first: dict[int, float] = {}
    for user, time in zip(done.test.user.tolist(), done.test.timestamp.tolist(), strict=True):
        first[user] = min(time, first.get(user, np.inf))
    if name in BY_ONE_CUT:
        first = dict.fromkeys(first, min(first.values()))
    elif name not in BY_TIME:
        first = dict.fromkeys(first, np.inf)
    columns = (ratings.user.tolist(), ratings.item.tolist(), ratings.rating, ratings.timestamp)
    expected = [
        (u, i) for u, i, rating, t in zip(*columns, strict=True) if rating < 3 and t <= first.get(u, -1)
    ]
    assert rows(done.low_rated) == expected


def test_a_rating_task_has_no_low_rated_rows():
    assert len(split(grid(3, 5), SplitOptions("random_per_user"), rng()).low_rated) == 0


def test_rows_of_a_published_test_file_are_not_known():
    ratings = grid(2, 6)  # rated 1 2 3 4 5 1
    given_rows = np.array([0, 1, 2, 3, 6, 7, 8, 9]), np.array([4, 5, 10, 11])
    options = SplitOptions("file", positive_threshold=3, validation=0)
    assert rows(split(ratings, options, rng(), given_rows).low_rated) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_counts_become_weights_and_ratings_become_ones():
    ratings = Ratings.of(np.repeat([0, 1], 4), np.tile(np.arange(4), 2), [1, 2, 2, 6, 2, 2, 2, 350_000], 0)
    options = SplitOptions("leave_last_out", positive_threshold=1)
    counted = split(ratings, options, rng(), implicit=True)
    assert counted.train.rating.tolist() == pytest.approx([np.log2(1.5), 1, 1, 1], rel=1e-6)
    assert counted.test.rating.tolist() == pytest.approx([2, np.log2(175_001)], rel=1e-6)
    assert set(split(ratings, options, rng()).train.rating.tolist()) == {1}


@pytest.mark.parametrize(("mask", "expected"), [("positives", []), ("rated", [(0, 3), (2, 1)])])
def test_stages_read_low_rated_rows_under_that_mask_alone(tmp_path, monkeypatch, mask, expected):
    monkeypatch.chdir(tmp_path)
    table = Ratings.of([0, 2], [3, 1]).to_table().select(["user", "item"])
    write_parquet(tmp_path / "data/ranking/low_rated.parquet", table)
    params = config.read(Path(__file__).parents[2] / "params.yaml")
    masked = replace(params, evaluate=replace(params.evaluate, mask=mask))
    assert rows(_inputs.low_rated("ranking", masked)) == expected
