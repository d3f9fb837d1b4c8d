"""Steps that move a batch's rows alone: the compiled one, and the module's own by autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee.training.loop import train_epochs
from marquee.training.networks.losses import pair_loss
from marquee.training.networks.matrix_factorization import MatrixFactorization
from marquee.training.networks.sparse_trainer import SparseTrainer
from marquee.training.progress import FitProgress
from tests.crash import CrashingProgress, Killed

SHAPES = (st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(1, 4), st.integers(1, 20))


def training(
    n_users: int = 5, n_items: int = 7, n: int = 10, width: int = 3, dim: int = 3, seed: int = 0, **options
) -> SparseTrainer:
    """Batches of four pairs, or what is left of them, in an order of their own."""
    rng = np.random.default_rng(seed)
    network = MatrixFactorization(n_users, n_items, dim, sparse=True)
    network.reset_parameters(1.0, rng)
    torch.nn.init.normal_(network.item_bias.weight, generator=torch.Generator().manual_seed(seed))
    users = torch.from_numpy(rng.integers(0, n_users, n, np.int32))
    items = torch.from_numpy(rng.integers(0, n_items, (n, width), np.int32))
    usual = {"weight_decay": 0.0, "regularization": 0.1, "ema_decay": 0.0}
    return SparseTrainer(network, lambda: (users, items), pair_loss, rng, 4, 0.01, **usual | options)


@settings(max_examples=40)
@given(*SHAPES, st.sampled_from([0, 0.01]), st.sampled_from([0, 0.3]), st.integers(0, 99))
def test_the_compiled_step_equals_the_modules(n_users, n_items, n, width, dim, decay, penalty, seed):
    """The module's loss by autograd with Adam's sparse update; an epoch's loss is the same, too."""
    shape = (n_users, n_items, n, width, dim, seed)
    fast, slow = (training(*shape, weight_decay=decay, regularization=penalty) for _ in range(2))
    slow.compiled = False
    for _ in range(2):
        losses = fast.train_epoch(), slow.train_epoch()
        assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], rel=1e-5, abs=1e-6)
    for name, array in slow.weights().items():
        np.testing.assert_allclose(fast.weights()[name], array, rtol=0, atol=1e-5)
        for moment in ("exp_avg", "exp_avg_sq"):
            moments = (one.optimizer_state()[0][f"{name}/{moment}"] for one in (fast, slow))
            np.testing.assert_allclose(*moments, rtol=0, atol=1e-5)


def test_rows_that_do_not_occur_rest_and_the_others_move():
    one = training(n_users=40, n_items=50)
    before, (users, items) = one.weights(), one.epoch_tensors()
    one.train_epoch()
    for name, rows in (("user", users), ("item", items), ("item_bias", items)):
        moved = (one.weights()[f"{name}.weight"] != before[f"{name}.weight"]).any(1)
        np.testing.assert_array_equal(np.flatnonzero(moved), np.unique(rows))


@pytest.mark.parametrize("ema_decay", [0, 0.9])
def test_a_killed_fit_ends_with_the_bytes_of_an_undisturbed_one(tmp_path, ema_decay):
    path = tmp_path / "fit.safetensors"

    def fit(progress):
        one = training(ema_decay=ema_decay)
        train_epochs(one, 5, 9, None, progress)
        return one.weights()

    whole = fit(FitProgress(show=False))
    with pytest.raises(Killed):
        fit(CrashingProgress(path, 2))
    for name, array in fit(FitProgress(checkpoint=path, show=False)).items():
        np.testing.assert_array_equal(array, whole[name])
