"""The mean of the weights over steps, and that a killed fit with one ends as an undisturbed one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from marquee.training.loop import train_epochs
from marquee.training.networks.trainer import WARM_UP, TorchTrainer
from marquee.training.progress import FitProgress
from tests.crash import CrashingProgress, Killed


def training(ema_decay: float = 0.9, seen: list[float] | None = None) -> TorchTrainer:
    """One weight, pulled to each of ten numbers; `seen` gets it before each step."""
    module = torch.nn.ParameterDict({"w": torch.nn.Parameter(torch.zeros(1))})

    def loss(module, target, regularization):
        if seen is not None:
            seen.append(module["w"].item())
        return ((module["w"] - target).square().mean(),)

    numbers = torch.arange(10.0)
    return TorchTrainer(
        module, lambda: (numbers,), loss, np.random.default_rng(0), 3, 0.1, ema_decay=ema_decay
    )


def test_the_mean_follows_its_recursion_and_training_goes_on_from_the_weights_themselves():
    seen, plain = [], training(0)
    trained = training(0.9, seen)
    for one in (plain, plain, *[trained] * 60):
        one.train_epoch()
    mean = 0.0
    for step, w in enumerate([*seen[1:], trained.network["w"].item()], start=1):
        mean += max(0.1, WARM_UP / (WARM_UP + step)) * (w - mean)
    assert trained.weights()["w"][0] == pytest.approx(mean, abs=1e-5)
    assert plain.weights()["w"][0] == pytest.approx(seen[8], abs=1e-7), "two epochs of four steps"


def test_a_killed_fit_with_a_mean_ends_with_the_same_bytes(tmp_path):
    path = tmp_path / "fit.safetensors"

    def fit(progress):
        one = training()
        train_epochs(one, 5, 9, None, progress)
        return one.weights()["w"]

    whole = fit(FitProgress(show=False))
    with pytest.raises(Killed):
        fit(CrashingProgress(path, 2))
    np.testing.assert_array_equal(fit(FitProgress(checkpoint=path, show=False)), whole)
