"""EASE: a linear item-to-item model with a closed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.config import option
from marquee.config.search import Range
from marquee.data.changes import UpdateData
from marquee.data.ratings import Ratings, binary_rows, with_n_rows, with_other_rows
from marquee.errors import MarqueeError
from marquee.parallel import parallel_blocks, single_threaded_blas
from marquee.recommenders.base import CSR_BYTES, Cost, DataShape, Recommender, TrainingData
from marquee.training.progress import Arrays, Progress

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEGLIGIBLE = 1e-12  # of the largest possible eigenvalue, the number of positives: float64 has 16 digits
STRIP = 256  # rows of the inverse that become weights at a time
ROWS = 64  # users whose scores are computed at a time
LARGE_RANK = 0.5  # of the items: from here on the inverse of the new matrix takes less time than its update
ROUNDING = 1e-5  # the largest relative error of P that the rounding of float32 weights may leave


@dataclass(frozen=True)
class Options:
    regularization: float = option(300.0, above=0)  # λ; more makes all weights between items smaller
    max_memory_gib: float = option(4.0, above=0)  # GiB for the system of equations; limits the items in it

    def max_items(self) -> int:
        """Return how many items fit into `max_memory_gib`."""
        return max(1, int(np.sqrt(self.max_memory_gib * 2**30 / 8)))


SPACE = {"regularization": Range(10, 10_000, log=True)}


class Model(Recommender):
    """Embarrassingly shallow autoencoder (Steck 2019).

    With X the binary matrix (n_users, n_modelled), B minimizes ‖X - XB‖² + λ‖B‖² under diag(B) = 0:

        P = (XᵀX + λI)⁻¹,   B_ij = -P_ij / P_jj for i ≠ j,   scores = X B

    Solved in float64 in place, stored as float32; n_modelled³ operations, the same bytes for any number of
    threads. Memory: 8 n_modelled² bytes for P while fitting, 4 n_modelled² afterwards. Where 8 n_items² bytes
    exceed `max_memory_gib`, only the most popular items are modelled. The others follow them in every list,
    the more popular first: score = the user's lowest - 1 + the fraction of users who rated the item.
    A score is a function of the history alone: folding in a training user's own history is exact.
    An update of m users changes XᵀX, and so P, by a matrix of rank 2 m at most (`low_rank_update`):
    n_modelled² m operations. Where all items are modelled, it gives the weights of a fit on all ratings, up
    to rounding. Elsewhere the modelled items stay those of the fit.
    """

    tasks = frozenset({"ranking"})
    weights: np.ndarray  # float32 [n_modelled, n_modelled]: B
    modelled: np.ndarray  # int32 [n_modelled]: items, ascending
    popularity: np.ndarray  # float32 [n_items]: fraction of the users who rated an item
    histories: csr_matrix  # float32 [n_users, n_modelled]: X

    @classmethod
    def cost(cls, options: Options, shape: DataShape) -> Cost:
        n = min(shape.items, options.max_items())
        return Cost(
            model_bytes=4 * n**2 + 4 * (n + shape.items) + 4 * shape.train + 8 * shape.users,
            training_bytes={"P": 8 * n**2, "X by user and by item": 2 * CSR_BYTES * shape.train},
            reduce_with=("max_memory_gib",),
        )

    @classmethod
    def fit_each(cls, every: Sequence[Options], data: TrainingData) -> Iterator[tuple[int, Self]]:
        """Count XᵀX once, and solve in float32: half the time of `fit`, in no more memory."""
        shared = cls(every[0])
        shared.n_users, shared.n_items = data.catalogue.n_users, data.catalogue.n_items
        shared._choose_items(data.train)
        counts = count_pairs(shared.histories, np.float32)
        memory = np.empty_like(counts)
        for place, options in enumerate(every):
            model = copy(shared)
            model.options = options
            np.copyto(memory, counts)
            model.weights = weights_between(shared.histories, options.regularization, memory)
            yield place, model

    def _fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress) -> None:
        self._choose_items(data.train)
        if (n := len(self.modelled)) < self.n_items:
            print(
                f"ease: max_memory_gib is {self.options.max_memory_gib:g}, enough for {n:,} of "
                f"{self.n_items:,} items: the less popular ones are ranked by popularity, after these"
            )
        counts = count_pairs(self.histories, np.float64)
        self.weights = weights_between(self.histories, self.options.regularization, counts)

    def _choose_items(self, train: Ratings) -> None:
        """Set the items that are modelled, the histories of these, and the popularity of all."""
        counts = self._count(train)
        by_popularity = np.argsort(-counts, kind="stable")  # ties by item
        self.modelled = np.sort(by_popularity[: self.options.max_items()]).astype(np.int32)
        self._fold_users(train)

    def _count(self, train: Ratings) -> np.ndarray:
        """Set the popularity; return int64 [n_items]: the users who rated an item."""
        counts = np.bincount(train.item, minlength=self.n_items)
        self.popularity = (counts / self.n_users).astype(np.float32)
        return counts

    def _update(self, data: UpdateData, rng: np.random.Generator) -> None:
        changes, before = data.changes, with_n_rows(self.histories, self.n_users)
        counts = self._count(changes.after)
        new = changes.by_user(self.n_items)[:, self.modelled]
        new.data[:] = 1
        self.histories = with_other_rows(before, changes.users, new)
        gained = new - before[changes.users]
        penalty = self.options.regularization
        rounding = np.finfo(np.float32).eps * counts.max() / penalty
        if 2 * len(changes.users) > LARGE_RANK * len(self.modelled) or rounding > ROUNDING:
            counted = count_pairs(self.histories, np.float64)
            self.weights = weights_between(self.histories, penalty, counted)
        else:
            self.weights = low_rank_update(self.weights, before, new, gained, penalty)

    def _fold_users(self, histories: Ratings) -> None:
        item = self._places()[histories.item]
        known = item >= 0
        positives = Ratings.of(histories.user[known], item[known])
        self.histories = positives.matrix(self.n_users, len(self.modelled), binary=True)

    def _places(self) -> np.ndarray:
        """Return int32 [n_items]: each item's row and column of the weights, -1 if it is not modelled."""
        places = np.full(self.n_items, -1, np.int32)
        places[self.modelled] = np.arange(len(self.modelled))
        return places

    def scores(self, users: np.ndarray) -> np.ndarray:
        known = self.histories[users] @ self.weights  # (n, n_modelled)
        if len(self.modelled) == self.n_items:
            return known
        scores = np.tile(self.popularity, (len(users), 1))  # (n, n_items)
        scores += known.min(1, keepdims=True) - 1
        scores[:, self.modelled] = known
        return scores

    def explain(self, history: Ratings, items: np.ndarray) -> np.ndarray:
        """Return X_uj B_ji: they add up to the score of a modelled item, and are 0 for any other."""
        places = self._places()
        rows, columns = places[history.item], places[items]
        known = (rows >= 0)[:, None] & (columns >= 0)  # (len(history), len(items))
        return np.where(known, self.weights[np.ix_(rows, columns)], np.float32(0))

    def item_embeddings(self, items: np.ndarray) -> np.ndarray:
        places = self._places()[items]
        vectors = self.weights.T[places]  # the weights that each item is predicted with
        vectors[places < 0] = 0
        return vectors

    def report_counts(self) -> dict[str, int]:
        return {"modelled_items": len(self.modelled), "fallback_items": self.n_items - len(self.modelled)}

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        arrays = {
            "weights": self.weights,
            "modelled": self.modelled,
            "popularity": self.popularity,
            "offsets": self.histories.indptr.astype(np.int64),
            "items": self.histories.indices.astype(np.int32),
        }
        return arrays, {}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, metadata: Mapping[str, Any]) -> Self:
        model = cls(options)
        model.weights, model.modelled = arrays["weights"], arrays["modelled"]
        model.popularity = arrays["popularity"]
        model.histories = binary_rows(arrays["offsets"], arrays["items"], len(model.modelled))
        return model


def count_pairs(positives: csr_matrix, dtype: type[np.floating]) -> np.ndarray:
    """Return XᵀX [n_items²], the lower triangle, for the binary `positives` [n_users, n_items]."""
    from marquee.kernels.cooccurrence import count_together

    n, by_item = positives.shape[1], positives.T.tocsr()
    counts = np.empty(n * n, dtype)
    rows = counts.reshape(n, n)
    count_together(by_item.indptr, by_item.indices, positives.indptr, positives.indices, rows)
    return counts


def weights_between(positives: csr_matrix, regularization: float, memory: np.ndarray) -> np.ndarray:
    """Return B, float32 [n_items, n_items], in the `memory` of what `count_pairs` returned for `positives`.

    B overwrites P, strip by strip from the top. B_ij needs P_ij or P_ji, whichever is below the diagonal, and
    a number half as wide never reaches a row that is still needed. In float64 the other half of the memory is
    freed. Raises MarqueeError for a `regularization` so small that the inverse would be rounding errors.
    """
    from marquee.kernels.inverse import invert

    if regularization < (least := NEGLIGIBLE * positives.nnz):
        raise MarqueeError(
            f"regularization of ease is {regularization:g}, too small for {positives.nnz:,} positives: "
            f"set it to at least {least:.1g}"
        )
    n = positives.shape[1]
    inverse, packed = memory.reshape(n, n), memory.view(np.float32)
    inverse[np.diag_indices(n)] += regularization
    invert(inverse)
    diagonal = np.diagonal(inverse).copy()
    for first in range(0, n, STRIP):
        last = min(first + STRIP, n)
        square = np.tril(inverse[first:last, first:last])
        square += np.tril(square, -1).T
        left, right = inverse[first:last, :first], inverse[last:, first:last].T
        strip = np.concatenate([left, square, right], axis=1) / -diagonal  # (last - first, n)
        strip[np.arange(last - first), np.arange(first, last)] = 0
        packed[first * n : last * n] = strip.ravel()
    del inverse, packed, left, square, right
    if memory.dtype == np.float64:
        memory.resize((n * n + 1) // 2, refcheck=False)
    return memory.view(np.float32)[: n * n].reshape(n, n)


def low_rank_update(
    weights: np.ndarray, positives: csr_matrix, rows: csr_matrix, gained: csr_matrix, regularization: float
) -> np.ndarray:
    """Return B, float32 [n, n], after m users' rows x of X became rows y: 4 n (n + 8 m) bytes more.

    weights       B of the binary `positives` X [n_users, n]
    rows, gained  y and y - x, [m, n]; the row x of a new user is 0

    The model keeps B and not P = (XᵀX + λI)⁻¹, but has all of it: B_ij = -P_ij / P_jj, and P (XᵀX + λI) = I
    says that

        1 / P_jj = λ + (XᵀX)_jj - (XᵀX B)_jj

    which takes Σ_u n_u² additions. With V the rows of both, XᵀX grows by Vᵀ C V, C = [[0, I], [I, -I]], and

        P' = P - (V P)ᵀ (C⁻¹ + V P Vᵀ)⁻¹ (V P)      (Woodbury 1950), where row v of V P is (v - v B) ∘ diag P.
    """
    from scipy.sparse import vstack

    from marquee.kernels.cooccurrence import sums_together

    by_item, (m, n) = positives.T.tocsr(), rows.shape
    sides = by_item.indptr, by_item.indices, positives.indptr, positives.indices
    turned, v = np.empty_like(weights), vstack([rows, gained], format="csr")

    def turn(strip: slice) -> None:
        turned[strip] = weights[:, strip].T

    parallel_blocks(turn, n, STRIP)
    diagonal = 1 / (regularization + np.diff(by_item.indptr) - sums_together(*sides, turned))  # of P
    scale, products = diagonal.astype(np.float32), np.empty((2 * m, n), np.float32)

    def multiply(block: slice) -> None:
        products[block] = (v[block].toarray() - v[block] @ weights) * scale

    parallel_blocks(multiply, 2 * m, ROWS)
    system = (v @ products.T).astype(np.float64)  # (2 m, 2 m)
    system += np.kron([[1, 1], [1, 0]], np.eye(m))
    with single_threaded_blas():
        inverse = np.linalg.inv(system).astype(np.float32)
    solved, updated = np.empty_like(products), np.empty_like(weights)

    def solve(strip: slice) -> None:
        np.matmul(inverse, products[:, strip], out=solved[:, strip])

    parallel_blocks(solve, n, STRIP)
    left = diagonal - np.einsum("rn,rn->n", solved, products, dtype=np.float64)  # the diagonal of P'

    def work(strip: slice) -> None:  # what P loses is symmetric: half of it is computed, and turned
        lost = products[:, strip].T @ solved[:, : strip.stop]  # (STRIP, strip.stop)
        updated[strip, : strip.stop] = lost
        updated[: strip.start, strip] = lost[:, : strip.start].T

    def scale_back(strip: slice) -> None:
        updated[strip] += weights[strip] * scale
        updated[strip] /= left.astype(np.float32)
        updated[np.arange(strip.start, strip.stop), np.arange(strip.start, strip.stop)] = 0

    parallel_blocks(work, n, STRIP)
    parallel_blocks(scale_back, n, STRIP)
    return updated
