"""Pack a model for the page: weights between movies, or factors with what folding in a visitor needs."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from marquee.config import Params
from marquee.errors import MarqueeError, did_you_mean
from marquee.parallel import single_threaded_blas

if TYPE_CHECKING:
    from marquee.recommenders.base import Recommender

STRIP = 256  # rows of the weights that are quantized at a time
SAMPLED = 8  # every so manieth row tells how many bytes a step costs
STEPS = 120  # quarters of an octave: the finest step is 2^-30, far below the rounding of float32
SPARE = 0.97  # of the bytes that may be used: the sample errs


@dataclass(frozen=True)
class Packed:
    """Hold the items that the page knows, int [n] ascending, and its model as JSON."""

    items: np.ndarray
    model: dict[str, Any]


def pack(model: Recommender, counts: np.ndarray, most: int, megabytes: float) -> Packed:
    """Return the `most` movies with the most ratings, or as many as fit, and the model of them.

    counts     int64 [n_items]: training ratings
    megabytes  of the compressed model, before base64 adds a third
    """
    return PACKERS[model.algorithm](model, counts, most, int(1e6 * megabytes))


def require_packable(params: Params) -> None:
    """Raise MarqueeError where `demo.model` is no model, or one whose new users are not linear algebra."""
    name = params.demo.model
    able = [one for one, entry in params.models.items() if entry.algorithm in PACKERS]
    ways = f"set it to {' or '.join(able)}" if able else "add one that does"
    if not name:
        return
    if name not in params.models:
        raise MarqueeError(
            f"demo.model is {name!r}, which is not under models{did_you_mean(name, params.models)}: "
            f"{ways}, or to '' for no page"
        )
    if name not in able:
        raise MarqueeError(
            f"demo.model is {name!r}, whose {params.models[name].algorithm} does not run in a browser "
            f"({' and '.join(PACKERS)} do): {ways}, or to '' for no page"
        )


def _pack_weights(model: Any, counts: np.ndarray, most: int, size: int) -> Packed:
    """Quantize EASE's weights, the finer the more often both movies are rated.

    P is symmetric, so that half of it is enough: B_ij = ρ_ij √P_ii / √P_jj with the partial correlation
    ρ_ij = -P_ij / √(P_ii P_jj). The page has the whole numbers q_ij = round(ρ_ij (n_i n_j)^¼ / step) for
    i > j, the step being the finest that fits. An error of a weight moves a list in proportion to how often
    its movies occur in lists and histories; so one step for all weights takes more bytes for lists that agree
    less, and the strongest weights of each movie alone agree least (docs/explanation/decisions.md).
    """
    items = _most_rated(model.modelled, counts, most)
    places = model._places()[items]
    weights = model.weights
    if len(items) < len(model.modelled):
        weights = weights[np.ix_(places, places)]
    scale = root_diagonal(weights)
    finer = np.maximum(counts[items], 1) ** 0.25
    n = len(items)

    def streams(step: float, rows: np.ndarray) -> tuple[bytes, bytes]:
        found, values, start = [], [], 0
        for first in range(0, len(rows), STRIP):
            strip = rows[first : first + STRIP]
            width = int(strip.max()) + 1
            block = weights[strip, :width] * (finer / scale / step)[strip, None]
            block *= (finer * scale)[:width]
            below = np.arange(width) < strip[:, None]
            whole = np.rint(block[below]).astype(np.int64)  # row by row: (1, 0), (2, 0), (2, 1), ...
            some = np.flatnonzero(whole)
            found.append(some + start)
            values.append(whole[some])
            start += len(whole)
        gaps = np.diff(np.concatenate([[-1], *found])) - 1
        numbers = np.concatenate(values) if values else np.empty(0, np.int64)
        zigzag = np.where(numbers > 0, 2 * numbers - 2, -2 * numbers - 1)
        return zlib.compress(varints(gaps)), zlib.compress(varints(zigzag))

    every = np.arange(n)
    low, high = 0, STEPS
    while low < high:
        middle = (low + high + 1) // 2
        estimate = SAMPLED * sum(map(len, streams(_step(middle), every[SAMPLED // 2 :: SAMPLED])))
        low, high = (middle, high) if estimate <= SPARE * size else (low, middle - 1)
    step = _step(low)
    gaps, values = streams(step, every)
    return Packed(
        items,
        {
            "kind": "weights",
            "gaps": _text(gaps),
            "values": _text(values),
            "rows": _text((step * scale / finer).astype("<f4").tobytes()),  # B_ij = q_ij rows_i columns_j
            "columns": _text((1 / (scale * finer)).astype("<f4").tobytes()),
        },
    )


def _pack_factors(model: Any, counts: np.ndarray, most: int, size: int) -> Packed:
    """Keep iALS's factors as they are, of as many movies as fit, and what all unrated movies add."""
    fitting = max(1, size // (4 * model.items.shape[1]))
    items = _most_rated(np.arange(len(counts)), counts, min(most, fitting))
    o, factors = model.options, model.items.astype(np.float64)
    with single_threaded_blas():
        unrated = o.unobserved_weight * (factors.T @ factors)
    return Packed(
        items,
        {
            "kind": "factors",
            "dim": o.dim,
            "factors": _text(model.items[items].astype("<f4").tobytes()),
            "unrated": _text(unrated.astype("<f8").tobytes()),
            "regularization": o.regularization,
            "exponent": o.frequency_exponent,
            "unrated_weight": o.unobserved_weight * len(counts),
        },
    )


Packer = Callable[[Any, np.ndarray, int, int], Packed]
PACKERS: dict[str, Packer] = {"ease": _pack_weights, "ials": _pack_factors}


def root_diagonal(weights: np.ndarray) -> np.ndarray:
    """Return float64 [n]: √P_jj of EASE's weights B [n, n], up to one factor for all movies.

    B_ij / B_ji = P_ii / P_jj tells the ratio of two; Prim's algorithm takes those of the strongest weights.
    """
    n = len(weights)
    logs, strongest, open_ = np.zeros(n), np.zeros(n), np.ones(n, bool)
    here = 0
    for _ in range(n):
        open_[here] = False
        out, back = weights[here].astype(np.float64), weights[:, here].astype(np.float64)
        strength = out * back  # ρ², so never negative but for rounding
        better = open_ & (strength > strongest)
        strongest[better] = strength[better]
        logs[better] = logs[here] - np.log(out[better] / back[better]) / 2
        here = int(np.argmax(np.where(open_, strongest, -1.0)))
    return np.exp(logs)


def varints(values: np.ndarray) -> bytes:
    """Return numbers from 0 in bytes of seven bits, the lowest first; the eighth says that one follows."""
    pieces, left = [], values.astype(np.int64)
    more = np.ones(len(left), bool)
    while more.any():
        rest = left >> 7
        pieces.append(np.where(more, (left & 127) | np.where(rest > 0, 128, 0), -1))
        more, left = more & (rest > 0), rest
    table = np.stack(pieces, 1) if pieces else np.empty((0, 1), np.int64)
    return table[table >= 0].astype(np.uint8).tobytes()


def _most_rated(items: np.ndarray, counts: np.ndarray, most: int) -> np.ndarray:
    return np.sort(items[np.argsort(-counts[items], kind="stable")[:most]])


def _step(number: int) -> float:
    return float(2.0 ** (-number / 4))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
