"""The metrics of other libraries, by the formulas that each of them uses.

Two libraries give one name to different formulas, and the same lists then get different figures. A variant
states where one departs from ours (docs/reference/metric-variants.md has the table and the sources).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Variant:
    """State how a library computes its figures for a list of length k of a user with n relevant items.

    version    the library's, whose output a test reproduces
    names      our metric -> the library's name, with {k}
    recall     hits over n ("relevant") or over min(k, n) ("possible")
    precision  hits over k, over the length of the list ("listed"), or pooled: Σ hits / Σ min(k, n)
    ndcg       the ideal list has min(k, n) hits ("possible") or k
    weight     of a rank: 1 / log2(rank + 1), or "clipped": 1 / max(log2 rank, 1)
    average    the sum of precisions over min(k, n) ("possible"), n ("relevant"), the hits in the list
               ("found") or min(n, length of the list) ("listed")
    absent     users without a list count 0, or are left out
    """

    version: str
    names: dict[str, str]
    recall: Literal["relevant", "possible"] = "relevant"
    precision: Literal["k", "listed", "pooled"] = "k"
    ndcg: Literal["possible", "k"] = "possible"
    weight: Literal["shifted", "clipped"] = "shifted"
    average: Literal["possible", "relevant", "found", "listed"] = "possible"
    absent: Literal["zero", "left out"] = "zero"
    remarks: tuple[str, ...] = field(default=())

    def figures(
        self, hits: np.ndarray, n_relevant: np.ndarray, lengths: np.ndarray, k: int
    ) -> dict[str, float]:
        """Return the library's names and figures.

        hits        bool [n_users, >= k]: is the item at this rank relevant
        n_relevant  int [n_users], at least 1
        lengths     int [n_users]: how many items the user's list has, 0 without one
        """
        gain = hits[:, :k].astype(np.float64)
        rank, length = np.arange(1, gain.shape[1] + 1), np.minimum(lengths, k)
        found, possible = gain.sum(1), np.minimum(n_relevant, k)
        weight = 1 / (np.log2(rank + 1) if self.weight == "shifted" else np.maximum(np.log2(rank), 1))
        ideal = weight.cumsum()
        precisions = (gain * gain.cumsum(1) / rank).sum(1)
        over = {"possible": possible, "relevant": n_relevant, "found": found, "k": k}
        over["listed"] = np.minimum(n_relevant, length)
        columns = {
            "hit": found > 0,
            "precision": _divide(found, length if self.precision == "listed" else k),
            "recall": found / over[self.recall],
            "ndcg": gain @ weight / (ideal[possible - 1] if self.ndcg == "possible" else ideal[-1]),
            "map": _divide(precisions, over[self.average]),
            "mrr": (gain / rank).max(1),
        }
        present = lengths > 0 if self.absent == "left out" else np.full(len(hits), True)
        figures = {name: float(np.mean(values[present])) for name, values in columns.items()}
        if self.precision == "pooled":
            figures["precision"] = float(found.sum() / possible.sum())
        return {theirs.format(k=k): figures[ours] for ours, theirs in self.names.items()}


def _divide(values: np.ndarray, by: np.ndarray | int) -> np.ndarray:
    """Return the quotient, 0 where `by` is 0."""
    return np.divide(values, by, out=np.zeros(len(values)), where=np.asarray(by) > 0)


VARIANTS = {
    "recbole": Variant(
        "1.2.1",
        {
            "recall": "recall@{k}",
            "mrr": "mrr@{k}",
            "ndcg": "ndcg@{k}",
            "hit": "hit@{k}",
            "precision": "precision@{k}",
            "map": "map@{k}",
        },
    ),
    "lenskit": Variant(
        "2025.8.1",
        {
            "hit": "Hit@{k}",
            "precision": "Precision@{k}",
            "recall": "Recall@{k}",
            "ndcg": "NDCG@{k}",
            "map": "AveragePrecision@{k}",
            "mrr": "RecipRank@{k}",
        },
        recall="possible",
        precision="listed",
        weight="clipped",
        average="listed",
        absent="left out",
    ),
    "rectools": Variant(
        "0.19.0",
        {
            "hit": "HitRate@{k}",
            "precision": "Precision@{k}",
            "recall": "Recall@{k}",
            "ndcg": "NDCG@{k}",
            "map": "MAP@{k}",
            "mrr": "MRR@{k}",
        },
        ndcg="k",
        average="relevant",
    ),
    "ranx": Variant(
        "0.3.21",
        {
            "hit": "hit_rate@{k}",
            "precision": "precision@{k}",
            "recall": "recall@{k}",
            "ndcg": "ndcg@{k}",
            "map": "map@{k}",
            "mrr": "mrr@{k}",
        },
        average="relevant",
    ),
    "torchmetrics": Variant(
        "1.9.0",
        {
            "hit": "RetrievalHitRate(top_k={k})",
            "precision": "RetrievalPrecision(top_k={k})",
            "recall": "RetrievalRecall(top_k={k})",
            "ndcg": "RetrievalNormalizedDCG(top_k={k})",
            "map": "RetrievalMAP(top_k={k})",
            "mrr": "RetrievalMRR(top_k={k})",
        },
        average="found",
        remarks=(
            "torchmetrics must be given the scores of all items, or it counts listed ones as all relevant",
        ),
    ),
    "implicit": Variant(
        "0.7.3",
        {"precision": "precision", "ndcg": "ndcg", "map": "map"},
        precision="pooled",
    ),
}
