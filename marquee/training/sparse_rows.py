"""Half a sweep of alternating least squares: every row of a sparse matrix, solved where it is held.

Each row is solved on its own, and what crosses rows is left to the caller, who gets all minima in order. So
neither threads nor the blocks that an engine works on show in the result.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from marquee.data.ratings import csr_arrays
from marquee.engine import map_blocks, on_spark, share

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from marquee.kernels.least_squares import Rotated

BLOCKS = 64  # of a small matrix on an engine of many machines, and
SMALLEST, LARGEST = 1 << 12, 1 << 18  # the entries of a block


class SparseRows:
    """Hold the rows of a sparse matrix for any number of solves; see `solve_rows` for the objective.

    matrix    float32 CSR [n_rows, n_columns]: the targets; or, if `weighted`, the weights of targets of 1
    penalty   float64 [n_rows, 1 + lead]
    """

    def __init__(self, matrix: csr_matrix, penalty: np.ndarray, weighted: bool = False) -> None:
        offsets, columns, values = csr_arrays(matrix)
        self.penalty, self.blocks = penalty, even_blocks(offsets)
        targets, weights = (None, values) if weighted else (values, None)
        if weighted and (values == 1).all():
            weights = None  # a loop of its own: without weights it takes less time
        self.held = share(offsets=offsets, columns=columns, targets=targets, weights=weights, penalty=penalty)

    def solve(
        self,
        features: np.ndarray | Rotated,
        prior: np.ndarray,
        everywhere: float = 0.0,
        shift: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the best rows, float32 [n_rows, dim], and their minima, float64 [n_rows]."""
        from marquee.kernels.least_squares import Rotated

        if not isinstance(features, Rotated):
            features = Rotated.of(features, self.penalty.shape[1] - 1)
        sweep = {"features": features.for_rows(), "prior": prior, "everywhere": everywhere, "shift": shift}
        if len(self.blocks) == 1:
            return tuple(map_blocks(solve_block, self.blocks, self.held, sweep)[0])
        rows = np.empty((len(self.penalty), prior.shape[1]), np.float32)
        minima = np.empty(len(rows))

        def take(k: int, solved: tuple[np.ndarray, np.ndarray]) -> None:
            block = slice(*self.blocks[k])
            rows[block], minima[block] = solved

        map_blocks(solve_block, self.blocks, self.held, sweep, take=take)
        return rows, minima

    def close(self) -> None:
        """Free the executors; a solve after that sends the rows again."""
        self.held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def even_blocks(offsets: np.ndarray) -> list[tuple[int, int]]:
    """Return the first row of each block and the one after its last: on threads all rows are one block.

    The kernel has threads of its own. On Spark a block has about as many entries as any other.
    """
    n_rows, n = len(offsets) - 1, int(offsets[-1])
    if not on_spark():
        return [(0, n_rows)]
    step = min(max(n // BLOCKS, SMALLEST), LARGEST)
    cuts = np.searchsorted(offsets, np.arange(step, n, step)).clip(0, n_rows)
    bounds = np.unique(np.concatenate([[0], cuts, [n_rows]])).tolist()
    return list(pairwise(bounds))


def solve_block(
    first: int,
    stop: int,
    offsets: np.ndarray,
    columns: np.ndarray,
    targets: np.ndarray | None,
    weights: np.ndarray | None,
    penalty: np.ndarray,
    features: Rotated,
    prior: np.ndarray,
    everywhere: float,
    shift: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Solve for the rows from `first` to before `stop` of the whole matrix that the arrays describe."""
    from marquee.kernels.least_squares import solve_rows

    own = slice(int(offsets[first]), int(offsets[stop]))
    return solve_rows(
        offsets[first : stop + 1] - offsets[first],
        columns[own],
        np.ones(own.stop - own.start, np.float32) if targets is None else targets[own],
        features,
        penalty[first:stop],
        prior if len(prior) == 1 else prior[first:stop],
        everywhere,
        shift,
        None if weights is None else weights[own],
    )
