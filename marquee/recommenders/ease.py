"""EASE: a linear item-to-item model with a closed form."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from marquee.foundation.cost import CSR, Cost, Sizes
from marquee.foundation.interactions import Catalogue, Ratings
from marquee.foundation.options import option
from marquee.foundation.threads import one_blas_thread
from marquee.recommenders.base import Arrays, Progress, Recommender

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Options:
    regularization: float = option(300.0, above=0)  # λ; more pulls all weights between items towards 0


class Model(Recommender):
    """Embarrassingly shallow autoencoder (Steck 2019).

    With X the binary matrix (n_users, n_items), B minimises ‖X - XB‖² + λ‖B‖² under diag(B) = 0:

        P = (XᵀX + λI)⁻¹,   B_ij = -P_ij / P_jj for i ≠ j,   scores = X B

    Solved in float64 on one thread (the same bytes whatever the machine's number), stored as float32.
    A score is a function of the history alone: folding in a training user's own history is exact.
    Memory: 8 n_items² bytes for P while fitting, 4 n_items² kept.
    """

    tasks = frozenset({"ranking"})
    weights: np.ndarray  # float32 [n_items, n_items]: B
    histories: csr_matrix  # float32 [n_users, n_items]: X

    @classmethod
    def cost(cls, options: Options, sizes: Sizes) -> Cost:
        square = sizes.items**2
        return Cost(
            kept=4 * square + 4 * sizes.train + 8 * sizes.users,
            work=square * sizes.items + sizes.train * sizes.history,  # the solve; XᵀX
            fitting={"P, its triangles and -P / diag(P) in float64": 32 * square, "X": CSR * sizes.train},
        )

    def fit(
        self,
        train: Ratings,
        validation: Ratings,
        catalogue: Catalogue,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        from scipy.linalg.lapack import dpotrf, dpotri

        self.n_users, self.n_items = catalogue.n_users, catalogue.n_items
        self.histories = train.matrix(self.n_users, self.n_items, binary=True)
        gram = (self.histories.T @ self.histories).toarray().astype(np.float64)
        gram[np.diag_indices(self.n_items)] += self.options.regularization
        with one_blas_thread():
            factor, _ = dpotrf(gram.T, lower=1, overwrite_a=1)  # positive definite, since λ > 0
            inverse, _ = dpotri(factor, lower=1, overwrite_c=1)
        upper = np.triu(inverse.T, 1)  # the other triangle is not filled
        diagonal = np.diagonal(inverse).copy()
        self.weights = (-(upper + upper.T) / diagonal).astype(np.float32)
        return self

    def scores(self, users: np.ndarray) -> np.ndarray:
        return self.histories[users] @ self.weights  # (n, n_items)

    def fold_in(self, histories: Ratings) -> Recommender:
        view = copy(self)
        view.n_users = int(histories.user.max(initial=-1)) + 1
        view.histories = histories.matrix(view.n_users, self.n_items, binary=True)
        return view

    def reasons(self, history: Ratings, items: np.ndarray) -> np.ndarray:
        return self.weights[np.ix_(history.item, items)]  # X_uj B_ji: they add up to the score

    def item_vectors(self) -> np.ndarray:
        return self.weights.T  # what speaks for each item

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        arrays = {
            "weights": self.weights,
            "offsets": self.histories.indptr.astype(np.int64),
            "items": self.histories.indices.astype(np.int32),
        }
        return arrays, {}

    @classmethod
    def from_state(cls, options: Any, arrays: Arrays, note: Mapping[str, Any]) -> Self:
        from scipy.sparse import csr_matrix

        model = cls(options)
        model.weights = arrays["weights"]
        items, offsets = arrays["items"], arrays["offsets"]
        shape = (len(offsets) - 1, len(model.weights))
        model.histories = csr_matrix((np.ones(len(items), np.float32), items, offsets), shape=shape)
        return model
