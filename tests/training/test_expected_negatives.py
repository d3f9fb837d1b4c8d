"""Negatives in expectation weigh what sampled ones come to on average."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from marquee.data.ratings import Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.rng import KeyedRandom, named_rng
from marquee.training.networks.expected_negatives import ExpectedNegatives
from marquee.training.networks.layers import with_weights
from marquee.training.networks.matrix_factorization import MatrixFactorization

CPU = torch.device("cpu")
RATED = Ratings.of([0, 0, 2, 2, 2], [3, 1, 0, 1, 4])  # nobody rated 2 and 5, user 1 rated nothing
UNIFORM, POPULARITY = NegativeOptions(), NegativeOptions(sampling="popularity", alpha=0.5)


def expected(options: NegativeOptions, per_positive: int = 4, train: Ratings = RATED) -> ExpectedNegatives:
    stored = add_negatives(train, 6, options, KeyedRandom(0, "negatives"))
    return ExpectedNegatives(stored, 6, per_positive, CPU)


def test_labels_and_weights_of_a_user_over_the_catalogue():
    label, weight = expected(UNIFORM).of(torch.tensor([2, 0]))
    assert label.tolist() == [[1, 1, 0, 0, 1, 0], [0, 1, 0, 1, 0, 0]]
    assert weight[0].tolist() == [1, 1, 4, 4, 1, 4], "twelve samples over three items"
    assert weight[1].tolist() == [2, 1, 2, 1, 2, 2], "eight samples over four items"


@pytest.mark.parametrize("options", [UNIFORM, POPULARITY])
def test_a_weight_is_the_mean_count_of_the_samples(options):
    _, weight = expected(options, 3).of(torch.tensor([0, 2]))
    many = add_negatives(
        RATED, 6, NegativeOptions(30_000, options.sampling, options.alpha), KeyedRandom(1, "negatives")
    ).negatives
    for row, rows in enumerate((many[:2], many[2:])):
        counts = np.bincount(rows.ravel(), minlength=6) / 10_000
        negative = counts > 0
        np.testing.assert_allclose(weight[row].numpy()[negative], counts[negative], rtol=0.04)


def test_who_has_nothing_is_left_out_and_whom_popularity_leaves_nothing_gets_the_rest():
    assert expected(UNIFORM).users.tolist() == [0, 2]
    alone = Ratings.of([0, 0], [3, 1])
    _, weight = expected(POPULARITY, 4, alone).of(torch.tensor([0]))
    np.testing.assert_allclose(weight[0], [2, 1, 2, 1, 2, 2], rtol=1e-3)


def test_the_loss_of_a_step_is_the_weighted_mean_over_the_catalogue():
    rng, negatives, regularization = named_rng(0, "weights"), expected(UNIFORM), 0.1
    p, q, b = rng.normal(size=(3, 2)), rng.normal(size=(6, 2)), rng.normal(size=6)
    arrays = {"user.weight": p, "item.weight": q, "item_bias.weight": b[:, None]}
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    network = with_weights(lambda: MatrixFactorization(3, 6, 2), arrays)
    total = weights = 0.0
    for user, mine, weight in ((0, {1, 3}, 2), (2, {0, 1, 4}, 4)):
        for item in range(6):
            w, s = (
                (1, p[user] @ q[item] + b[item]) if item in mine else (weight, -p[user] @ q[item] - b[item])
            )
            total += w * (np.log1p(np.exp(-s)) + regularization / 2 * (p[user] @ p[user] + q[item] @ q[item]))
            weights += w
    (loss,) = negatives.loss(network, negatives.users, regularization)
    assert float(loss) == pytest.approx(total / weights, rel=1e-5)
