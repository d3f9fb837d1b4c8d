"""Lists and ranking metrics of a block of users: nothing in it depends on other users.

Any cut of the users into blocks gives the same bytes, so blocks may be worked on anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from marquee.data.user_items import UserItems
from marquee.evaluation.beyond_accuracy import ItemValues, list_columns
from marquee.evaluation.inner_product import FactorScores, ItemTiles
from marquee.evaluation.metrics import Columns, capped_recall, list_metrics, target_metrics
from marquee.evaluation.topk import Scores, top_k_for_users
from marquee.parallel import parallel_blocks

ROWS = 1 << 18  # pairs that are looked up at a time
USERS = 2048  # whose candidates are compared at a time
Ranked = tuple[np.ndarray, np.ndarray, Columns]  # items int32 [n, k], scores float32 [n, k], columns [n]


class RankedUsers(NamedTuple):
    """Hold the users of a block, and what their lists are compared with.

    users   int32 [n]: their rows of the scores, of `hidden` and of `known`
    wanted  the relevant items of each of the n
    pool    the candidates of each of the n; None: there are none for anyone
    hidden  what is not listed, by user
    known   the history, by user
    """

    users: np.ndarray
    wanted: UserItems
    pool: UserItems | None
    hidden: UserItems
    known: UserItems

    def part(self, first: int, stop: int) -> RankedUsers:
        """Return the users from the row `first` to before `stop`."""
        rows = slice(first, stop)
        pool = None if self.pool is None else self.pool.part(rows)
        return self._replace(users=self.users[rows], wanted=self.wanted.part(rows), pool=pool)


class RankingOptions(NamedTuple):
    """Hold what is the same for all users.

    values    of the items, for the metrics beyond accuracy
    ks        list lengths
    variants  further metrics, see `marquee.evaluation.evaluate.evaluate_ranking`
    name      of the model, for messages
    """

    values: ItemValues
    ks: tuple[int, ...]
    variants: tuple[str, ...]
    name: str


def rank_users(
    block: RankedUsers, scores: Scores, options: RankingOptions, tiles: ItemTiles | None = None
) -> Ranked:
    """List the best items of each user of `block`, and compute every ranking metric of each."""
    wanted, pool, ks = block.wanted, block.pool, options.ks
    asked = [wanted, pool] if pool else []
    n_items = len(options.values.novelty)
    items, values, found = top_k_for_users(
        scores, block.users, block.hidden, n_items, max(ks), options.name, asked, tiles=tiles
    )
    columns = list_metrics(hits(items, wanted), wanted.lengths, ks)
    if "capped_recall" in options.variants:
        columns |= capped_recall(columns, wanted.lengths, ks)
    if pool:
        columns |= _among(found[0], wanted, found[1], pool, ks, "midrank" in options.variants)
    columns |= list_columns(items, block.users, block.known, options.values, ks)
    return items, values, columns


def rank_rows(
    first: int,
    stop: int,
    block: RankedUsers,
    scores: FactorScores,
    options: RankingOptions,
    tiles: ItemTiles,
) -> Ranked:
    """Do `rank_users` for a part of a block."""
    return rank_users(block.part(first, stop), scores, options, tiles)


def ndcg_of_users(
    block: RankedUsers, scores: Scores, n_items: int, k: int, name: str, tiles: ItemTiles | None = None
) -> np.ndarray:
    """Return NDCG@k of each user of `block`, float64 [n]; among its pool, if it has one.

    A list stops early where k items score higher than all relevant ones: the user's NDCG is then 0.
    """
    wanted, pool, enough = block.wanted, block.pool, None
    if pool is not None:
        asked = [wanted, pool]
        _, _, found = top_k_for_users(scores, block.users, block.hidden, n_items, 1, name, asked, tiles=tiles)
        return _among(found[0], wanted, found[1], pool, [k], False)[f"sampled_ndcg@{k}"]
    if isinstance(scores, FactorScores):
        enough = np.maximum.reduceat(scores.of_pairs(block.users, wanted), wanted.offsets[:-1])
    items, _, _ = top_k_for_users(
        scores, block.users, block.hidden, n_items, k, name, enough=enough, tiles=tiles
    )
    return list_metrics(hits(items, wanted), wanted.lengths, [k])[f"ndcg@{k}"]


def ndcg_of_rows(
    first: int,
    stop: int,
    block: RankedUsers,
    scores: FactorScores,
    n_items: int,
    k: int,
    name: str,
    tiles: ItemTiles,
) -> np.ndarray:
    """Do `ndcg_of_users` for a part of a block."""
    return ndcg_of_users(block.part(first, stop), scores, n_items, k, name, tiles)


def _among(
    own: np.ndarray,
    targets: UserItems,
    theirs: np.ndarray,
    pool: UserItems,
    ks: Sequence[int],
    midrank: bool,
) -> Columns:
    """Rank each of a user's targets among the candidates; return means over targets, 0 without candidates.

    own, theirs  float32: the scores of `targets` and of `pool`, by row of users
    midrank      adds the metrics of ties in the middle, where a candidate may be the target itself
    """
    n_targets, n_candidates = targets.lengths, pool.lengths
    greater, equal, itself = np.empty((3, len(own)), np.int64)

    def work(rows: slice) -> None:
        n, m = n_targets[rows], n_candidates[rows]
        filled = np.arange(m.max(initial=0)) < m[:, None]
        scores = np.full(filled.shape, np.nan, np.float32)  # NaN is neither above nor level
        items = np.full(filled.shape, -1, np.int32)
        scores[filled], items[filled] = theirs[pool.span(rows)], pool.items[pool.span(rows)]
        user, span = np.repeat(np.arange(len(n)), n), targets.span(rows)
        same = items[user] == targets.items[span, None]
        scores, level = np.where(same, np.nan, scores[user]), own[span, None]
        itself[span] = np.count_nonzero(same, axis=1)
        greater[span] = np.count_nonzero(scores > level, axis=1)
        equal[span] = np.count_nonzero(scores == level, axis=1)

    parallel_blocks(work, len(n_targets), USERS)
    columns = {f"sampled_{x}": y for x, y in target_metrics(greater, equal, ks).items()}
    if midrank:
        given = target_metrics(greater, equal + itself, ks, "middle")
        columns |= {f"sampled_midrank_{name}": values for name, values in given.items()}
    owner = targets.owners()
    return {
        name: np.bincount(owner, values, len(n_targets)) / n_targets * (n_candidates > 0)
        for name, values in columns.items()
    }


def hits(items: np.ndarray, wanted: UserItems) -> np.ndarray:
    """Return bool [n, k]: is an item of lists [n, k] in that row of `wanted`."""
    hits, owner = np.zeros(items.shape, bool), wanted.owners()
    for first in range(0, len(owner), ROWS):
        row, item = owner[first : first + ROWS], wanted.items[first : first + ROWS]
        pair, rank = np.nonzero(items[row] == item[:, None])
        hits[row[pair], rank] = True
    return hits
