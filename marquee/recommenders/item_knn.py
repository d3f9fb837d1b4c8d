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
from marquee.data.ratings import Ratings, binary_rows, columns_of, with_n_rows, with_other_rows
from marquee.recommenders.base import CSR_BYTES, Cost, DataShape, Recommender, TrainingData
from marquee.training.progress import Arrays, Progress

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SEARCH_AGAIN = 0.25  # the chance that an item is searched again whose users became twice as many
LARGE = 0.25  # of all positives: where these items have more, all items are searched again


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
    An update counts on: n_ij is in s_ij, and changes by the users whose histories changed, so the s_ij of
    neighbors are those of a fit on all ratings. A search for neighbors takes the time of the fit. It is made
    again for few items: the more of an item's users are new, the more likely (`SEARCH_AGAIN`).
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
        counts = shared._know(data.train)
        for shrinkage in dict.fromkeys(options.shrinkage for options in every):
            places = [place for place, options in enumerate(every) if options.shrinkage == shrinkage]
            most = max(every[place].n_neighbors for place in places)
            found, values = shared._neighbors(shrinkage, most, counts)
            for place in places:
                model, k = copy(shared), every[place].n_neighbors
                model.options = every[place]
                model.similarities = by_neighbor(found[:, :k], values[:, :k])
                yield place, model

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        o, counts = self.options, self._know(data.train)
        self.similarities = by_neighbor(*self._neighbors(o.shrinkage, o.n_neighbors, counts))

    def _know(self, train: Ratings) -> np.ndarray:
        """Set the users' histories and the items' popularity; return [n_items], the users of each item."""
        counts = np.bincount(train.item, minlength=self.n_items)
        self.popularity = (counts / self.n_users).astype(np.float32)
        self._fold_users(train)
        return counts

    def _neighbors(
        self, shrinkage: float, k: int, counts: np.ndarray, items: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search for the `k` nearest of `items`, ascending, or of all."""
        from marquee.kernels.cooccurrence import nearest_neighbors

        x, every, k = self.histories, np.arange(self.n_items), min(k, self.n_items)
        rows = x.T.tocsr() if items is None else columns_of(x, items)
        chosen = every if items is None else items
        return nearest_neighbors(chosen, rows.indptr, rows.indices, x.indptr, x.indices, counts, shrinkage, k)

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        before, users = with_n_rows(self.histories, self.n_users), data.changes.users
        old = before[users]
        new = data.changes.of_histories(old)
        self.histories = with_other_rows(before, users, new)
        counts = np.bincount(self.histories.indices, minlength=self.n_items)
        counts_before = counts - data.changes.growth(self.n_items)
        self.popularity = (counts / self.n_users).astype(np.float32)
        near = self.similarities.T.tocsr()  # row i: its neighbors
        growth = np.abs(counts - counts_before) / np.maximum(counts_before, 1)
        again = rng.random(self.n_items) < SEARCH_AGAIN * growth
        k = min(self.options.n_neighbors, self.n_items)
        again |= (np.diff(near.indptr) < k) & (growth > 0)
        if counts[again].sum() > LARGE * counts.sum():
            self.similarities = by_neighbor(*self._neighbors(self.options.shrinkage, k, counts))
            return
        items = np.flatnonzero(again)
        near.data = self._counted_on(near, old, new, counts_before, counts)
        found = by_item(*self._neighbors(self.options.shrinkage, k, counts, items), self.n_items)
        self.similarities = with_other_rows(near, items, found).T.tocsr()
        self.similarities.eliminate_zeros()

    def _counted_on(
        self, near: csr_matrix, old: csr_matrix, new: csr_matrix, before: np.ndarray, counts: np.ndarray
    ) -> np.ndarray:
        """Return float32 s_ij of the pairs in `near`, for the n_i `before` that are `counts` now.

        n_ij is known from the s_ij before, and changes by the users whose `old` histories are `new` ones.
        """
        from scipy.sparse import csr_matrix

        from marquee.kernels.cooccurrence import count_changes

        back, histories = self.similarities, (old.indptr, old.indices, new.indptr, new.indices)
        change, turned = count_changes(*histories, near.indptr, near.indices, back.indptr, back.indices)
        change += csr_matrix((turned, back.indices, back.indptr), back.shape).T.tocsr().data
        i, j = np.repeat(np.arange(self.n_items), np.diff(near.indptr)), near.indices
        shrinkage = np.float32(self.options.shrinkage)

        def weights(counts: np.ndarray) -> np.ndarray:
            lengths = np.sqrt(counts.astype(np.float32))
            return lengths[i] * lengths[j] + shrinkage

        together = (np.rint(near.data * weights(before)) + change).astype(np.float32)
        return np.divide(together, weights(counts), out=np.zeros_like(together), where=together > 0)

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


def by_item(found: np.ndarray, values: np.ndarray, n_items: int) -> csr_matrix:
    """Return [n, n_items] from what `nearest_neighbors` returned: s_ij in the row of i and column j."""
    from scipy.sparse import csr_matrix

    near = found >= 0
    offsets = np.concatenate([[0], np.cumsum(near.sum(1))])
    return csr_matrix((values[near], found[near], offsets), (len(found), n_items))


def by_neighbor(found: np.ndarray, values: np.ndarray) -> csr_matrix:
    """Return [n_items, n_items] of all items: s_ij in row j and column i."""
    return by_item(found, values, len(found)).T.tocsr()
