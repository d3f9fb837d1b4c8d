"""Item-based nearest neighbours: what is had by the people who have what you have."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.config import option
from marquee.data.ratings import Catalogue, Ratings
from marquee.recommenders.base import CSR_BYTES, Arrays, Cost, DataShape, Progress, Recommender

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Options:
    n_neighbors: int = option(100, low=1)  # k: items that speak for each item; fewer is more personal
    shrinkage: float = option(0.0, low=0)  # h: pulls similarities of items that few have towards 0


class Model(Recommender):
    """Top-N by items (Sarwar et al. 2001; Deshpande and Karypis 2004), for positives:

        s_ij = n_ij / (√(n_i n_j) + h),   score(u, i) = Σ of s_ij over j that u has, among the k nearest of i

    with n_ij the number of people who have both: the cosine of two columns, shrunk. Items that no item of the
    user speaks for come after all others, the more popular first: score = share of the users who have it - 1.
    A score is a function of the history alone: folding in a training user's own history is exact.
    Time: Σ_u n_u² additions and n_items² comparisons. Memory: 8 k n_items bytes kept, three times that while
    fitting; nothing grows with the square of the catalogue. The same bytes for any number of threads.
    """

    tasks = frozenset({"ranking"})
    similarities: csr_matrix  # float32 [n_items, n_items]: row j has s_ij in the column of i it speaks for
    popularity: np.ndarray  # float32 [n_items]: share of the users who have an item
    histories: csr_matrix  # float32 [n_users, n_items]

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        near = 8 * min(options.n_neighbors, shape.items) * shape.items
        return Cost(
            model_bytes=near + 4 * shape.train + 8 * (shape.users + shape.items),
            training_bytes={
                "neighbours as found and as spoken for": 3 * near,
                "X by user and by item": 2 * CSR_BYTES * shape.train,
            },
            reduce_with=("n_neighbors",),
        )

    def fit(
        self,
        train: Ratings,
        validation: Ratings,
        catalogue: Catalogue,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        from scipy.sparse import csr_matrix

        from marquee.kernels.cooccurrence import nearest_neighbors

        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        counts = np.bincount(train.item, minlength=self.n_items)
        self.popularity = (counts / self.n_users).astype(np.float32)
        x = self.histories = train.matrix(self.n_users, self.n_items, binary=True)
        by_item = x.T.tocsr()
        found, values = nearest_neighbors(
            by_item.indptr,
            by_item.indices,
            x.indptr,
            x.indices,
            self.options.shrinkage,
            min(self.options.n_neighbors, self.n_items),
        )
        offsets = np.concatenate([[0], np.cumsum((found >= 0).sum(1))])
        shape = (self.n_items, self.n_items)
        spoken = csr_matrix((values[found >= 0], found[found >= 0], offsets), shape)  # row i: by whom
        self.similarities = spoken.T.tocsr()
        return self

    def scores(self, users: np.ndarray) -> np.ndarray:
        from marquee.kernels.cooccurrence import add_up

        x, s = self.histories[users], self.similarities
        return add_up(x.indptr, x.indices, s.indptr, s.indices, s.data, self.popularity - 1)

    def fold_in(self, histories: Ratings) -> Recommender:
        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        view.histories = histories.matrix(view.n_users, self.n_items, binary=True)
        return view

    def explain(self, history: Ratings, items: np.ndarray) -> np.ndarray:
        """The s_ij: they add up to the score, and are all 0 where that is popularity."""
        return self.similarities[history.item][:, items].toarray()

    def item_embeddings(self, items: np.ndarray) -> np.ndarray:
        """What speaks for each item, with 1 for itself: alike are items with the same neighbours, or near."""
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
        items, offsets = arrays["items"], arrays["offsets"]
        ones = np.ones(len(items), np.float32)
        model.histories = csr_matrix((ones, items, offsets), shape=(len(offsets) - 1, n_items))
        return model
