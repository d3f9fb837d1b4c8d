from __future__ import annotations

import numpy as np

from marquee.data.user_items import UserItems
from marquee.simulator.ground_truth import GroundTruth
from marquee.simulator.oracle import Oracle


def world(rng: np.random.Generator) -> GroundTruth:
    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0, 1, shape).astype(np.float32)

    moods, movies = rng.dirichlet(np.ones(3), 20), rng.dirichlet(np.ones(40), 3)
    cuts, stars = np.array([-1, 0, 1], np.float32), np.arange(1, 5, dtype=np.float32)
    laws = moods.astype(np.float32), movies.astype(np.float32)
    return GroundTruth(
        normal(20, 4), normal(40, 4), normal(20), normal(40), np.array([0.9], np.float32), cuts, stars, *laws
    )


def test_an_oracle_says_the_same_of_pairs_as_of_everything_and_stays_below_its_limit():
    rng = np.random.default_rng(0)
    truth, everyone = world(rng), np.arange(12)
    for positive_from in (0, 3, 9):
        oracle = Oracle(truth, rng.permutation(20)[:12] + 1, rng.permutation(40)[:30] + 1, positive_from)
        whole, bounded = oracle.scores(everyone), oracle.bounded()
        pairs = UserItems(np.arange(13) * 30, np.tile(np.arange(30, dtype=np.int32), 12))
        np.testing.assert_allclose(bounded.of_pairs(everyone, pairs), whole.ravel(), rtol=1e-5, atol=1e-9)
        assert (whole <= bounded.limit(everyone) * 1.0001).all()
