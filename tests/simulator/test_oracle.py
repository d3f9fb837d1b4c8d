from __future__ import annotations

import numpy as np
import pytest

from marquee.simulator.ground_truth import GroundTruth, Oracle


def ground_truth(rng: np.random.Generator) -> GroundTruth:
    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0, 1, shape).astype(np.float32)

    moods, movies = rng.dirichlet(np.ones(3), 20), rng.dirichlet(np.ones(40), 3)
    cuts, stars = np.array([-1, 0, 1], np.float32), np.arange(1, 5, dtype=np.float32)
    laws = moods.astype(np.float32), movies.astype(np.float32)
    return GroundTruth(
        normal(20, 4), normal(40, 4), normal(20), normal(40), np.array([0.9], np.float32), cuts, stars, *laws
    )


@pytest.mark.parametrize("positive_threshold", [0, 3, 9])
def test_an_oracle_ranks_and_predicts_by_the_ground_truth_of_the_releases_own_ids(positive_threshold):
    rng = np.random.default_rng(0)
    truth, users = ground_truth(rng), np.arange(12)
    user_ids, movie_ids = rng.permutation(20)[:12] + 1, rng.permutation(40)[:30] + 1
    oracle = Oracle(truth, user_ids, movie_ids, positive_threshold)
    whole = truth.scores(np.arange(20), positive_threshold)
    assert (oracle.scores(users) == whole[np.ix_(user_ids - 1, movie_ids - 1)]).all()
    items = rng.integers(0, 30, 12)
    expected = truth.expected_ratings(user_ids - 1, movie_ids[items] - 1)
    assert (oracle.predict(users, items) == expected).all()
