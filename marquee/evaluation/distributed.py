"""Rank and predict where the engine computes: here in one block, or on executors in many.

Executors take scores that are products of factors. What else scores does so here, on the driver's threads.
"""

from __future__ import annotations

import numpy as np

from marquee.engine import Shared, map_blocks, on_spark
from marquee.evaluation.inner_product import USERS, FactorScores, ItemTiles
from marquee.evaluation.topk import Scores, require_length
from marquee.evaluation.user_blocks import (
    Ranked,
    RankedUsers,
    RankingOptions,
    ndcg_of_rows,
    ndcg_of_users,
    rank_rows,
    rank_users,
)
from marquee.parallel import row_blocks


def rank(block: RankedUsers, scores: Scores, options: RankingOptions) -> Ranked:
    """Return what `rank_users` does."""
    if not (on_spark() and isinstance(scores, FactorScores)):
        return rank_users(block, scores, options)
    require_length(max(options.ks), len(options.values.novelty))
    scores.check(block.users, options.name)
    common = {"block": block, "scores": scores, "options": options}
    common["tiles"] = ItemTiles.of(scores, block.users)
    parts = map_blocks(rank_rows, row_blocks(len(block.users), USERS), common)
    items, values = (np.concatenate([part[nth] for part in parts]) for nth in (0, 1))
    return items, values, {name: np.concatenate([part[2][name] for part in parts]) for name in parts[0][2]}


def ndcg(block: RankedUsers, held: Shared, scores: Scores, n_items: int, k: int, name: str) -> np.ndarray:
    """Return what `ndcg_of_users` does; `held` shares `block`, over all epochs of a fit."""
    if not (on_spark() and isinstance(scores, FactorScores)):
        return ndcg_of_users(block, scores, n_items, k, name)
    scores.check(block.users, name)
    common = {"scores": scores, "n_items": n_items, "k": k, "name": name}
    common["tiles"] = ItemTiles.of(scores, block.users)
    return np.concatenate(map_blocks(ndcg_of_rows, row_blocks(len(block.users), USERS), held, common))


def predictions(scores: FactorScores, users: np.ndarray, items: np.ndarray, step: int) -> np.ndarray:
    """Return `FactorScores.predict` of each pair, float32 [n], `step` pairs at a time, on executors."""
    common = {"scores": scores, "users": users, "items": items}
    return np.concatenate(map_blocks(predict_rows, row_blocks(len(users), step), common))


def predict_rows(
    first: int, stop: int, scores: FactorScores, users: np.ndarray, items: np.ndarray
) -> np.ndarray:
    return scores.predict(users[first:stop], items[first:stop])
