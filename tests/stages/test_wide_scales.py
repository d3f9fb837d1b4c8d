"""Ratings from 0 to 100 and from -10 to 10, with a threshold of one's own, in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marquee import config
from marquee.cli import use
from marquee.data.ratings import Ratings
from marquee.io import read_json
from stages import candidates, compare, evaluate, ingest, negatives, oracle, split, train

ROOT = Path(__file__).parents[2]


def prepared(folder: Path, low: int, high: int, threshold: int) -> config.Params:
    """Ingest random whole ratings between `low` and `high`, of 60 users and 40 movies."""
    rng = np.random.default_rng(0)
    user, movie = np.nonzero(rng.random((60, 40)) < 0.4)
    rating = rng.integers(low, high + 1, len(user))
    rows = [
        f"{u},{m},{r},{10**9 + 1000 * n}" for n, (u, m, r) in enumerate(zip(user, movie, rating, strict=True))
    ]
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows]) + "\n")
    settings = {"dataset.name": "custom", "tasks.ranking.positive_threshold": threshold}
    text, *_ = use.with_settings((ROOT / "params.yaml").read_text("utf-8"), settings)
    (folder / "params.yaml").write_text(text, "utf-8")
    params = config.read(folder / "params.yaml")
    ingest.main(params)
    return params


@pytest.mark.slow
def test_ratings_to_a_hundred_end_with_a_leaderboard_of_all_models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = prepared(tmp_path, 0, 100, 60)
    for task in config.TASKS:
        split.main(params, task)
        candidates.main(params, task)
    negatives.main(params)
    for name in params.models:
        train.main(params, name)
        evaluate.main(params, name)
    oracle.main(params)
    compare.main(params)
    found = read_json(Path("metrics/summary.json"))
    assert set(found) == set(params.models)
    for name, entry in params.models.items():
        value = found[name]["rmse" if entry.task == "rating" else "ndcg@10"]["value"]
        assert 15 < value < 45 if entry.task == "rating" else 0 <= value <= 1, name  # uniform ratings: 29.2


def test_a_threshold_of_zero_is_a_rating_like_any_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    split.main(prepared(tmp_path, -10, 10, 0), "ranking")
    whole = Ratings.read(Path("data/ratings.parquet"))
    parts = [Ratings.read(Path(f"data/ranking/{part}.parquet")) for part in ("train", "val", "test")]
    assert whole.rating.min() == -10
    assert sum(map(len, parts)) == np.count_nonzero(whole.rating >= 0)
    pairs = {pair for part in parts for pair in zip(part.user.tolist(), part.item.tolist(), strict=True)}
    kept = whole.take(whole.rating >= 0)
    assert pairs == set(zip(kept.user.tolist(), kept.item.tolist(), strict=True))
