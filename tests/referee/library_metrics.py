"""Print what a library's own evaluation says of the sample: `python library_metrics.py recbole`.

The figures in library_metrics.json were made by this file in an environment for each library: lenskit
2025.8.1; rectools 0.19.0 and ranx 0.3.21; torchmetrics 1.9.0; implicit 0.7.3; recbole 1.2.1 (its metrics need
names that NumPy dropped; they are set below). None of them is needed to run the tests.
"""


# mypy: ignore-errors

from __future__ import annotations

import json
import sys
import types

import numpy as np
from sample import N_ITEMS, K, full_lists_only, rows


def relevant(tables):
    found = {}
    for user, item in tables["test"]:
        found.setdefault(user, []).append(item)
    return found


def listed(tables):
    found = {}
    for user, item, *_ in tables["lists"]:
        found.setdefault(user, []).append(item)
    return found


def recbole(tables):
    vars(np).update(float=float, int=int)
    board = types.ModuleType("torch.utils.tensorboard")
    board.SummaryWriter = object
    sys.modules[board.__name__] = board
    import torch
    from recbole.evaluator import metrics

    lists = listed(tables)
    matrix = []
    for user, wanted in relevant(tables).items():
        hits = [int(item in wanted) for item in lists.get(user, [])[:K]]
        matrix.append([*hits, *[0] * (K - len(hits)), len(wanted)])

    class Collected:
        def get(self, name):
            return torch.tensor(matrix)

    settings = {"topk": [K], "metric_decimal_place": 9}
    kinds = (metrics.Recall, metrics.MRR, metrics.NDCG, metrics.Hit, metrics.Precision, metrics.MAP)
    return {
        key: value for kind in kinds for key, value in kind(settings).calculate_metric(Collected()).items()
    }


def lenskit(tables):
    from lenskit.data import ItemList, ItemListCollection
    from lenskit.metrics import NDCG, Hit, Precision, Recall, RecipRank, RunAnalysis
    from lenskit.metrics.ranking._map import AveragePrecision

    def collection(lists, ordered):
        found = ItemListCollection(["user_id"])
        for user, items in lists.items():
            found.add(ItemList(item_ids=np.array(items), ordered=ordered), user_id=user)
        return found

    analysis = RunAnalysis()
    for kind in (Hit, Precision, Recall, NDCG, AveragePrecision, RecipRank):
        analysis.add_metric(kind(K))
    found = analysis.measure(collection(listed(tables), True), collection(relevant(tables), False))
    return found.list_summary()["mean"].to_dict()


def rectools(tables):
    import pandas as pd
    from rectools.metrics import MAP, MRR, NDCG, HitRate, Precision, Recall, calc_metrics

    lists = pd.DataFrame(tables["lists"], columns=["user_id", "item_id", "rank", "score"])
    test = pd.DataFrame(tables["test"], columns=["user_id", "item_id"])
    kinds = (HitRate, Precision, Recall, NDCG, MAP, MRR)
    return calc_metrics({f"{kind.__name__}@{K}": kind(k=K) for kind in kinds}, reco=lists, interactions=test)


def ranx(tables):
    from ranx import Qrels, Run, evaluate

    wanted = {str(user): {str(item): 1 for item in items} for user, items in relevant(tables).items()}
    lists: dict = {}
    for user, item, _, score in tables["lists"]:
        lists.setdefault(str(user), {})[str(item)] = score
    names = [f"{name}@{K}" for name in ("hit_rate", "precision", "recall", "ndcg", "map", "mrr")]
    return evaluate(Qrels(wanted), Run(lists), names, make_comparable=True)


def torchmetrics(tables):
    """Give it a score of every item; below a short list it would count items that nobody listed."""
    import torch
    from torchmetrics import retrieval

    tables = full_lists_only(tables)
    ranks = {(user, item): rank for user, item, rank, _ in tables["lists"]}
    pairs = [(user, item) for user in relevant(tables) for item in range(N_ITEMS)]
    scores = torch.tensor([1 / ranks[pair] if pair in ranks else -1.0 - pair[1] for pair in pairs])
    target = torch.tensor([pair in set(tables["test"]) for pair in pairs])
    index = torch.tensor([user for user, _ in pairs])
    kinds = ("HitRate", "Precision", "Recall", "NormalizedDCG", "MAP", "MRR")
    return {
        f"Retrieval{kind}(top_k={K})": getattr(retrieval, f"Retrieval{kind}")(top_k=K)(
            scores, target, indexes=index
        )
        for kind in kinds
    }


def implicit(tables):
    from implicit.evaluation import ranking_metrics_at_k
    from scipy.sparse import csr_matrix

    def matrix(pairs):
        user, item = np.array(pairs, np.int32).T
        found = csr_matrix((np.ones(len(user)), (user - 100, item)), shape=(60, N_ITEMS))
        found.indices, found.indptr = found.indices.astype(np.int32), found.indptr.astype(np.int32)
        return found

    class Model:
        def recommend(self, users, user_items, N=10, **_):
            ids = np.full((len(users), N), -1, np.int32)
            for row, user in enumerate(users):
                items = listed(tables).get(user + 100, [])[:N]
                ids[row, : len(items)] = items
            return ids, np.zeros(ids.shape)

    train, test = matrix(tables["train"]), matrix(tables["test"])
    found = ranking_metrics_at_k(Model(), train, test, K=K, show_progress=False, num_threads=1)
    return {name: found[name] for name in ("precision", "ndcg", "map")}


if __name__ == "__main__":
    figures = globals()[sys.argv[1]](rows())
    print(json.dumps({sys.argv[1]: {name: round(float(value), 9) for name, value in figures.items()}}))
