"""Item-based nearest neighbors: what is rated by the users who rated what you rated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.config import option
from marquee.config.search import Choice, Range
from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings, binary_rows
from marquee.recommenders.base import CSR_BYTES, Cost, DataShape, Recommender, TrainingData
from marquee.training.progress import Arrays, Progress

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Options:
    n_neighbors: int = option(100, low=1)  # k: items that count for each item; fewer is more personal
    shrinkage: float = option(0.0, low=0)  # h: lowers the similarities of items with few ratings


SPACE = {
    "n_neighbors": Range(5, 500, log=True),
    "shrinkage": Choice((0.0, 10.0, 30.0, 100.0, 300.0, 1000.0)),  # one search for neighbors serves many k
}


class Model(Recommender):
    """Top-N by items (Sarwar et al. 2001; Deshpande and Karypis 2004), for positives:

        s_ij = n_ij / (√(n_i n_j) + h),   score(u, i) = Σ of s_ij over u's items j among the k nearest of i

    with n_ij the number of users of both: the cosine of two columns, shrunk. An item without a neighbor in
    the user's history comes after all others, the more popular first: score = fraction of its users - 1.
    A score is a function of the history alone: folding in a training user's own history is exact.
    Time: Σ_u n_u² additions and n_items² comparisons. Memory: 8 k n_items bytes, three times that while
    fitting; nothing grows with the square of the catalogue. The same bytes for any number of threads.
    """

    tasks = frozenset({"ranking"})
    similarities: csr_matrix  # float32 [n_items, n_items]: s_ij in row j and column i, if j is near i
    popularity: np.ndarray  # float32 [n_items]: fraction of the users who rated an item
    histories: csr_matrix  # float32 [n_users, n_items]

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        near = 8 * min(options.n_neighbors, shape.items) * shape.items
        return Cost(
            model_bytes=near + 4 * shape.train + 8 * shape.rows,
            training_bytes={
                "neighbors by item and by neighbor": 3 * near,
                "X by user and by item": 2 * CSR_BYTES * shape.train,
            },
            reduce_with=("n_neighbors",),
        )

    @classmethod
    def fit_each(cls, every: Sequence[Options], data: TrainingData) -> Iterator[tuple[int, Self]]:
        """Search once for each shrinkage, for the largest k; a smaller k takes the first neighbors."""
        shared = cls(every[0])
        shared.n_users, shared.n_items = data.catalogue.n_users, data.catalogue.n_items
        shared._know(data.train)
        for shrinkage in dict.fromkeys(options.shrinkage for options in every):
            places = [place for place, options in enumerate(every) if options.shrinkage == shrinkage]
            found, values = shared._neighbors(shrinkage, max(every[place].n_neighbors for place in places))
            for place in places:
                model, k = copy(shared), every[place].n_neighbors
                model.options = every[place]
                model.similarities = by_neighbor(found[:, :k], values[:, :k])
                yield place, model

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        self._count(data.train)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        self._count(data.changes.after)

    def _count(self, train: Ratings) -> None:
        self._know(train)
        self.similarities = by_neighbor(*self._neighbors(self.options.shrinkage, self.options.n_neighbors))

    def _know(self, train: Ratings) -> None:
        """Set the users' histories and the items' popularity."""
        counts = np.bincount(train.item, minlength=self.n_items)
        self.popularity = (counts / self.n_users).astype(np.float32)
        self._fold_users(train)

    def _neighbors(self, shrinkage: float, k: int) -> tuple[np.ndarray, np.ndarray]:
        from marquee.kernels.cooccurrence import nearest_neighbors

        x, by_item = self.histories, self.histories.T.tocsr()
        k = min(k, self.n_items)
        return nearest_neighbors(by_item.indptr, by_item.indices, x.indptr, x.indices, shrinkage, k)

    def scores(self, users: np.ndarray) -> np.ndarray:
        from marquee.kernels.cooccurrence import add_up

        x, s = self.histories[users], self.similarities
        return add_up(x.indptr, x.indices, s.indptr, s.indices, s.data, self.popularity - 1)

    def _fold_users(self, histories: Ratings) -> None:
        self.histories = histories.matrix(self.n_users, self.n_items, binary=True)

    def explain(self, history: Ratings, items: np.ndarray) -> np.ndarray:
        """Return the s_ij: they add up to the score, and are all 0 where that is popularity."""
        return self.similarities[history.item][:, items].toarray()

    def item_embeddings(self, items: np.ndarray) -> np.ndarray:
        """Return each item's neighbors, with 1 for itself: similar items have the same neighbors."""
        vectors = self.similarities[:, items].T.toarray()  # (n, n_items)
        vectors[np.arange(len(items)), items] = vectors.any(axis=1)
        return vectors

    def report_counts(self) -> dict[str, int]:
        modelled = len(np.unique(self.similarities.indices))
        return {"modelled_items": modelled, "fallback_items": self.n_items - modelled}

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        arrays = {
            "similarities": self.similarities.data,
            "targets": self.similarities.indices.astype(np.int32),
            "sources": self.similarities.indptr.astype(np.int64),
            "popularity": self.popularity,
            "offsets": self.histories.indptr.astype(np.int64),
            "items": self.histories.indices.astype(np.int32),
        }
        return arrays, {}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        from scipy.sparse import csr_matrix

        model = cls(options)
        model.popularity = arrays["popularity"]
        n_items = len(model.popularity)
        parts = (arrays["similarities"], arrays["targets"], arrays["sources"])
        model.similarities = csr_matrix(parts, shape=(n_items, n_items))
        model.histories = binary_rows(arrays["offsets"], arrays["items"], n_items)
        return model


def by_neighbor(found: np.ndarray, values: np.ndarray) -> csr_matrix:
    """Return [n_items, n_items] from what `nearest_neighbors` returned: s_ij in row j and column i."""
    from scipy.sparse import csr_matrix

    near, n_items = found >= 0, len(found)
    offsets = np.concatenate([[0], np.cumsum(near.sum(1))])
    return csr_matrix((values[near], found[near], offsets), (n_items, n_items)).T.tocsr()
