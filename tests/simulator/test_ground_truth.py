"""What the ground truth and simple models predict of simulated data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.splits import Split, SplitOptions, split
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng


def divided(ratings: Ratings, **options) -> tuple[Split, Catalogue]:
    parts = split(ratings, SplitOptions(**options), KeyedRandom(1, "split"))
    return parts, Catalogue.of(943, 1682)


def fitted(algorithm: str, task: str, parts: Split, catalogue: Catalogue):
    model = recommenders.create(algorithm, task, {}, "models.it")
    rng = named_rng(1, "train")
    return model.fit(TrainingData(parts.train, parts.validation, catalogue), rng)


def test_the_truth_predicts_held_out_ratings_better_than_biases_do(simulated):
    parts, catalogue = divided(simulated.ratings, split="random_per_user")
    pairs = parts.test.user, parts.test.item

    def rmse(predicted: np.ndarray) -> float:
        return float(np.sqrt(((predicted - parts.test.rating) ** 2).mean()))

    mean, bias = parts.train.rating.mean(), fitted("bias", "rating", parts, catalogue).predict(*pairs)
    assert rmse(mean) == pytest.approx(1.12, abs=0.02)
    assert rmse(bias) == pytest.approx(0.94, abs=0.02)
    assert rmse(simulated.truth.expected_ratings(*pairs)) == pytest.approx(0.85, abs=0.02)


def test_ease_beats_popularity_and_the_truth_beats_both(simulated):
    parts, catalogue = divided(simulated.ratings, split="leave_last_out", positive_threshold=4.0)

    def hits(scores: Callable[[np.ndarray], np.ndarray]) -> float:
        ranked = np.array(scores(np.arange(943, dtype=np.int32)))
        for seen in (parts.train, parts.validation):
            ranked[seen.user, seen.item] = -np.inf
        target = ranked[parts.test.user, parts.test.item]
        return float(((ranked[parts.test.user] > target[:, None]).sum(1) < 20).mean())

    popularity, ease = (
        hits(fitted(algorithm, "ranking", parts, catalogue).scores) for algorithm in ("popularity", "ease")
    )
    truth = hits(lambda users: simulated.truth.scores(users, 4.0))
    assert popularity + 0.03 < ease < truth
