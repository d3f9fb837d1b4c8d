"""Positives with their sampled negatives, the pairs that a network learns to rank from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from marquee.data.ratings import Ratings
from marquee.data.sampling import NegativeSampler
from marquee.errors import MarqueeError
from marquee.rng import KeyedRandom

if TYPE_CHECKING:
    import torch


def negatives_per_positive(train: Ratings, algorithm: str, wanted: int | None, resample: bool) -> int:
    """Return how many a step sees with each positive: `wanted`, or as many as are stored.

    Raises MarqueeError where none are stored, or where another number is wanted and none are resampled.
    """
    if train.negatives is None:
        raise MarqueeError(
            f"{algorithm} learns from sampled negatives, but its training data has none: "
            "give its block `train_data: negatives`"
        )
    return count_negatives(train.negatives.shape[1], algorithm, wanted, resample)


def count_negatives(stored: int, algorithm: str, wanted: int | None, resample: bool) -> int:
    """Return `wanted`, or `stored`. Raises MarqueeError for another number that is not resampled."""
    if wanted not in (None, stored) and not resample:
        raise MarqueeError(
            f"negatives_per_positive of {algorithm} is {wanted}, but {stored} are stored: "
            "set resample_negatives to true, or negatives.per_positive to the same number"
        )
    return wanted or stored


def epoch_tensors(
    train: Ratings,
    n_items: int,
    per_positive: int,
    resample: bool,
    rng: np.random.Generator,
    device: torch.device,
) -> Callable[[], tuple[torch.Tensor, ...]]:
    """Return a function that returns an epoch's tensors: users [n] and their items [n, 1 + per_positive].

    The positive comes first. The negatives are the stored ones or, with `resample`, `per_positive` new ones
    from `rng`, by the distribution that `train.sampling` states.
    """
    import torch

    stored = np.empty((len(train), 0), np.int32) if train.negatives is None else train.negatives
    how = json.loads(train.sampling)
    sampler = NegativeSampler(train, n_items, how["sampling"], how["alpha"]) if resample else None
    users = torch.tensor(train.user, device=device)

    def tensors() -> tuple[torch.Tensor, ...]:
        negatives = (
            stored if sampler is None else sampler.draw(KeyedRandom(int(rng.integers(1 << 63))), per_positive)
        )
        items = np.column_stack([train.item, negatives])
        return users, torch.from_numpy(items).to(device)

    return tensors
