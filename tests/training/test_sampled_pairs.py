"""The sampled losses of neural models: stored and resampled negatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from marquee.data.ratings import Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.errors import MarqueeError
from marquee.rng import KeyedRandom, named_rng
from marquee.training.networks.losses import logistic_loss
from marquee.training.sampled_pairs import epoch_tensors, negatives_per_positive

TRAIN = add_negatives(
    Ratings.of([0, 0, 1], [3, 1, 0]), 6, NegativeOptions(per_positive=2), KeyedRandom(0, "negatives")
)
CPU = torch.device("cpu")


def test_the_positive_stands_before_the_stored_negatives():
    users, items = epoch_tensors(TRAIN, 6, 2, False, named_rng(0, "epoch"), CPU)()
    assert users.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(items, np.column_stack([TRAIN.item, TRAIN.negatives]))


def test_under_resample_each_epoch_samples_as_many_as_asked_and_none_of_the_users_own():
    tensors = epoch_tensors(TRAIN, 6, 50, True, named_rng(0, "epoch"), CPU)
    (_, first), (_, second) = tensors(), tensors()
    assert first.shape == second.shape == (3, 51)
    assert not torch.equal(first, second)
    assert set(first[:2, 1:].flatten().tolist()) == {0, 2, 4, 5}
    assert set(first[2, 1:].tolist()) == {1, 2, 3, 4, 5}


def test_the_number_is_the_stored_one_unless_another_is_wanted():
    assert negatives_per_positive(TRAIN, "m", None, resample=False) == 2
    assert negatives_per_positive(TRAIN, "m", 8, resample=True) == 8
    with pytest.raises(MarqueeError, match="negatives_per_positive of m is 8, but 2 are stored"):
        negatives_per_positive(TRAIN, "m", 8, resample=False)
    with pytest.raises(MarqueeError, match="give its block `train_data: negatives`"):
        negatives_per_positive(Ratings.of([0], [0]), "m", None, resample=True)


def test_the_loss_is_the_mean_over_positives_and_negatives():
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
    chance = 1 / (1 + np.exp(-logits.numpy().astype(np.float64)))
    expected = -np.concatenate([np.log(chance[:, 0]), np.log(1 - chance[:, 1:]).ravel()]).mean()
    assert float(logistic_loss(logits)) == pytest.approx(expected, rel=1e-6)
