"""Random walks on the graph of users and movies: where three steps from a movie lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marquee.config import option
from marquee.data.ratings import Ratings, binary_rows, csr_arrays
from marquee.recommenders.base import Cost, DataShape, Recommender, TrainingData
from marquee.training.progress import Progress


@dataclass(frozen=True)
class Options:
    penalty: float = option(0.5, low=0, high=1)  # β: lowers popular movies; 0 leaves the walk alone


class Model(Recommender):
    """RP3β (Paudel, Christoffel, Newell and Bernstein 2017), for positives X:

        score(u, i) = Σ over u's movies j of w_ji,   w_ji = Σ_v X_vj X_vi / (n_j n_v n_i^β)

    A walker goes from movie j to one of its n_j users v, and from v to one of their n_v movies i. A score is
    a function of the history alone: folding in a training user's own history is exact.
    Time: Σ_u n_u² additions. Memory: 4 n_items² bytes kept, three times that while fitting.
    """

    tasks = frozenset({"ranking"})
    arrays = ("weights", "offsets", "items")
    weights: np.ndarray  # float32 [n_items, n_items]: w
    offsets: np.ndarray  # int64 [n_users + 1]: user u's movies are items[offsets[u]:offsets[u + 1]]
    items: np.ndarray  # int32 [n_positives]

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        square = 4 * shape.items**2
        return Cost(
            model_bytes=square + 4 * shape.train + 8 * shape.users, training_bytes={"walks": 5 * square}
        )

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        x = data.train.matrix(self.n_users, self.n_items, binary=True)  # [n_users, n_items]
        n_v = np.maximum(np.diff(x.indptr), 1)
        n_i = np.maximum(np.bincount(x.indices, minlength=self.n_items), 1)
        leaving = x.multiply((1 / n_v[:, None]).astype(np.float32)).tocsr()  # [n_users, n_items]
        self.weights = (x.T @ leaving).toarray()  # [n_items, n_items]
        self.weights /= n_i[:, None]
        self.weights /= n_i**self.options.penalty
        self._fold_users(data.train)

    def _fold_users(self, histories: Ratings) -> None:
        matrix = histories.matrix(self.n_users, self.n_items, binary=True)
        self.offsets, self.items, _ = csr_arrays(matrix)

    def scores(self, users: np.ndarray) -> np.ndarray:
        return binary_rows(self.offsets, self.items, self.n_items)[users] @ self.weights

    def explain(self, history: Ratings, items: np.ndarray) -> np.ndarray:
        """Return the w_ji, which add up to the score."""
        return self.weights[history.item][:, items]

    def item_embeddings(self, items: np.ndarray) -> np.ndarray:
        """Return each movie's column of weights: similar movies are reached from the same movies."""
        return self.weights[:, items].T
