"""How large a run will be, from names and parameters alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from marquee import config
from marquee.errors import MarqueeError
from marquee.resources.pipeline_sizes import pipeline_sizes

PARAMS = config.read(Path(__file__).parents[2] / "params.yaml")


def of(name: str, card=None, **tasks):
    blocks = {task: replace(PARAMS.tasks[task], **tasks.get(task, {})) for task in config.TASKS}
    return pipeline_sizes(replace(PARAMS, dataset=config.DatasetOptions(name), tasks=blocks), card)


def test_a_release_is_known_before_it_is_downloaded():
    real = of("ml-32m")
    assert (real.users, real.items, real.ratings, real.simulated) == (200_948, 84_432, 32_000_204, False)


def test_a_simulated_dataset_is_as_large_as_asked():
    real = of("synthetic-100k")
    assert (real.users, real.items, real.ratings, real.simulated) == (943, 1682, 100_000, True)


def test_shares_of_the_ratings_and_a_user_s_last_positives():
    parts = of("synthetic-100k").parts
    assert (parts["rating"].train, parts["rating"].validation, parts["rating"].test) == (
        80_000,
        10_000,
        10_000,
    )
    assert parts["ranking"].train == 55_400 - 2 * 943  # 34.2 % and 21.2 % of the ratings are 4 and 5
    assert parts["ranking"].test == parts["ranking"].test_users == 943


@pytest.mark.parametrize(
    "split", ["random", "user_holdout", "k_fold", "file", "global_time", "sliding_window"]
)
def test_every_split_gives_all_rows_to_some_part(split):
    part = of("ml-1m", rating={"split": split, "fold": 5}).parts["rating"]
    assert part.train + part.validation + part.test + part.fold_in == pytest.approx(1_000_209, abs=2)
    assert part.test > 0


def test_what_ingest_counted_goes_before_what_is_published():
    card = {"name": "ml-1m", "users": 2, "items": 3, "ratings": 4}
    card["scale"] = {"low": 1.0, "high": 5.0, "step": 1.0}
    card["histogram"] = {"rating": [3.0, 4.0], "count": [1, 3]}
    real = of("ml-1m", card, ranking={"split": "random"})
    assert (real.users, real.items, real.ratings) == (2, 3, 4)
    part = real.parts["ranking"]
    assert part.train + part.validation + part.test == 3


def test_a_card_of_other_data_is_left_aside():
    assert of("ml-1m", {"name": "ml-100k", "ratings": 4}).ratings == 1_000_209


def test_ratings_of_one_s_own_have_to_be_counted_first():
    with pytest.raises(MarqueeError, match="dvc repro ingest"):
        of("custom")
