"""Score any system's fit by Marquee's own evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import marquee_adapter
from bench.sizes import ratings, shape
from marquee.data.ratings import Ratings
from marquee.evaluation.evaluate import validation_ndcg
from marquee.evaluation.metrics import pooled_errors, rating_errors

SOME = 20_000  # users that are enough to choose settings by
PAIRS = 1 << 18  # that are predicted at a time


class Products:
    """A peer's model: scores are products of rows, with biases as columns of them."""

    def __init__(self, folder: Path) -> None:
        self.users, self.items = (np.load(folder / f"{name}.npy") for name in ("users", "items"))

    def scores(self, users: np.ndarray) -> np.ndarray:
        return self.users[users] @ self.items.T  # (n, n_items)

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nk->n", self.users[users], self.items[items])


def score(
    metric: str, folder: Path, out: Path, seen: Sequence[str], held_out: str, some: bool = False
) -> float:
    """Compute `metric` of the model in `out` on the rows `held_out` of `folder`.

    "ndcg@10" ranks the whole catalogue without the rows `seen`; "rmse" is of predictions clipped to the
    scale. `some` takes the pairs of SOME users, evenly spaced.
    """
    model = marquee_adapter.load(out) if (out / "model.safetensors").exists() else Products(out)
    wanted = ratings(folder, [held_out])
    if metric == "rmse":
        return _rmse(model, wanted)
    n_users, n_items = shape(folder)
    if some and n_users > SOME:
        users = np.unique(np.linspace(0, n_users - 1, SOME).astype(np.int32))
        wanted = wanted.take(np.isin(wanted.user, users))
    return validation_ndcg(model, ratings(folder, seen), wanted, n_items)


def _rmse(model: Products | marquee_adapter.Recommender, wanted: Ratings) -> float:
    blocks = [slice(first, first + PAIRS) for first in range(0, len(wanted), PAIRS)]
    predicted = np.concatenate([model.predict(wanted.user[b], wanted.item[b]) for b in blocks])
    if not np.isfinite(predicted).all():
        return float("nan")
    scale = float(wanted.rating.min()), float(wanted.rating.max())
    return pooled_errors(rating_errors(wanted.user, wanted.rating, predicted, *scale))["rmse"]
