"""Steps that move a batch's rows alone: the compiled one, the one in torch, and torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from marquee.kernels.sparse_adam import Table, step
from marquee.training.loop import train_epochs
from marquee.training.progress import FitProgress
from marquee.training.sampled_loss import logistic_loss
from marquee.training.sparse_trainer import SparseTrainer, torch_step
from tests.crash import CrashingProgress, Killed

SHAPES = (st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(1, 4), st.integers(1, 20))


def random_weights(n_users: int, n_items: int, dim: int, real=torch.float32) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return [
        torch.randn(shape, generator=rng, dtype=real)
        for shape in ((n_users, dim), (n_items, dim), (n_items,))
    ]


def batches(n_users: int, n_items: int, n: int, width: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [
        (rng.integers(0, n_users, n, np.int32), rng.integers(0, n_items, (n, width), np.int32))
        for _ in range(4)
    ]


@settings(deadline=None, max_examples=40)
@given(*SHAPES, st.sampled_from([0, 0.01]), st.sampled_from([0, 0.3]), st.integers(0, 99))
def test_the_compiled_step_equals_the_one_in_torch(n_users, n_items, n, width, dim, decay, penalty, seed):
    weights = random_weights(n_users, n_items, dim)
    fast = [[w.clone(), torch.zeros_like(w), torch.zeros_like(w)] for w in weights]
    slow = [[tensor.clone() for tensor in three] for three in fast]
    tables = [
        Table.of(*(tensor.numpy().reshape(len(tensor), -1) for tensor in three), n * width) for three in fast
    ]
    for number, (user, item) in enumerate(batches(n_users, n_items, n, width, seed), start=1):
        constants = (0.01, number, decay, penalty)
        loss = step(user, item, *tables, *constants) / item.size
        twin = torch_step(torch.from_numpy(user), torch.from_numpy(item), slow, *constants)
        assert loss == pytest.approx(twin.item(), rel=1e-5, abs=1e-6)
    for one, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(one[0], other[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("penalty", [0, 0.3])
def test_the_steps_are_those_of_torchs_sparse_adam_on_the_stated_objective(penalty):
    """Whose rows rest where they do not occur: here some never do."""
    weights = random_weights(30, 40, 8, torch.float64)
    ours = [[w.clone(), torch.zeros_like(w), torch.zeros_like(w)] for w in weights]
    theirs = [torch.nn.Parameter(w.clone().view(len(w), -1)) for w in weights]
    adam = torch.optim.SparseAdam(theirs, lr=0.01)
    for number, (user, item) in enumerate(batches(20, 30, 6, 3, 0), start=1):
        users, items = torch.from_numpy(user).long(), torch.from_numpy(item).long()
        torch_step(users, items, ours, 0.01, number, 0, penalty)
        p, q, b = (F.embedding(i, w, sparse=True) for i, w in zip((users, items, items), theirs, strict=True))
        loss = logistic_loss((q @ p[..., None] + b)[..., 0])
        loss = loss + penalty / 2 / item.size * (3 * p.square().sum() + q.square().sum())
        adam.zero_grad()
        loss.backward()
        adam.step()
    for (rows, _, _), other, before in zip(ours, theirs, weights, strict=True):
        torch.testing.assert_close(rows.view(len(rows), -1), other.detach(), rtol=0, atol=1e-5)
        assert torch.equal(rows[30:], before[30:])
        assert not torch.equal(rows, before)


def training(ema_decay: float) -> SparseTrainer:
    user, item, bias = random_weights(5, 7, 3)
    module = torch.nn.ParameterDict(
        {name: torch.nn.Parameter(w) for name, w in (("user", user), ("item", item), ("bias", bias))}
    )
    batch = tuple(torch.from_numpy(array) for array in batches(5, 7, 10, 3, 0)[0])
    return SparseTrainer(module, lambda: batch, np.random.default_rng(0), 4, 0.1, 0, 0.1, ema_decay)


@pytest.mark.parametrize("ema_decay", [0, 0.9])
def test_a_killed_fit_ends_with_the_bytes_of_an_undisturbed_one(tmp_path, ema_decay):
    path = tmp_path / "fit.safetensors"

    def fit(progress):
        one = training(ema_decay)
        train_epochs(one, 5, 9, None, progress)
        return one.weights()

    whole = fit(FitProgress(show=False))
    with pytest.raises(Killed):
        fit(CrashingProgress(path, 2))
    for name, array in fit(FitProgress(checkpoint=path, show=False)).items():
        np.testing.assert_array_equal(array, whole[name])
