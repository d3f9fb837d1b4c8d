from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marquee.evaluation.metrics import list_metrics, pooled_errors, rating_errors, target_metrics

KS = (1, 3, 10)
NAMES = ("hit", "precision", "recall", "ndcg", "map", "mrr")


def plain(hits: list[bool], n_relevant: int, k: int) -> dict[str, float]:
    """The definitions of docs/reference/metrics.md for one user, word by word."""
    ranks = [rank for rank, hit in enumerate(hits[:k], 1) if hit]
    best = min(k, n_relevant)
    return {
        "hit": float(bool(ranks)),
        "precision": len(ranks) / k,
        "recall": len(ranks) / n_relevant,
        "ndcg": sum(1 / log2(r + 1) for r in ranks) / sum(1 / log2(r + 1) for r in range(1, best + 1)),
        "map": sum(nth / rank for nth, rank in enumerate(ranks, 1)) / best,
        "mrr": 1 / ranks[0] if ranks else 0.0,
    }


@st.composite
def lists(draw):
    """Hits of some lists of ten, and at least as many relevant items as hits."""
    hits = draw(arrays(bool, (draw(st.integers(1, 5)), 10)))
    missed = draw(arrays(np.int64, len(hits), elements=st.integers(0, 12)))
    return hits, np.maximum(hits.sum(1) + missed, 1)


def random_lists(rng: np.random.Generator, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    hits = rng.random((n, 10)) < rng.random((n, 1)) / 2
    return hits, np.maximum(hits.sum(1) + rng.integers(0, 15, n), 1)


def test_a_list_worked_out_by_hand():
    hits = np.array([[False, True, True, False]])
    found = list_metrics(hits, np.array([3]), [2, 4])
    ideal = 1 + 1 / log2(3) + 1 / 2
    assert found["hit@2"] == 1
    assert found["precision@4"] == 2 / 4
    assert found["recall@4"] == 2 / 3
    assert found["mrr@4"] == 1 / 2
    assert found["map@2"] == (1 / 2) / 2
    assert found["map@4"] == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert found["ndcg@4"] == pytest.approx((1 / log2(3) + 1 / 2) / ideal)


@given(lists())
def test_every_metric_equals_its_definition_in_plain_python(case):
    hits, n_relevant = case
    found = list_metrics(hits, n_relevant, KS)
    for user in range(len(hits)):
        for k in KS:
            for name, value in plain(hits[user].tolist(), int(n_relevant[user]), k).items():
                assert found[f"{name}@{k}"][user] == pytest.approx(value, abs=1e-12)


def test_lists_equal_trec_eval():
    from pytrec_eval import RelevanceEvaluator

    hits, n_relevant = random_lists(np.random.default_rng(0))
    hits[:5] = False
    truth, run = {}, {}
    for user, row in enumerate(hits):
        relevant = [f"{rank}" for rank in np.flatnonzero(row)]
        relevant += [f"missed{i}" for i in range(n_relevant[user] - len(relevant))]
        truth[f"{user}"] = dict.fromkeys(relevant, 1)
        run[f"{user}"] = {f"{rank}": float(-rank) for rank in range(10)} if user else {}  # user 0: no list
    measures = {
        f"{name}.{','.join(map(str, KS))}" for name in ("success", "P", "recall", "ndcg_cut", "map_cut")
    }
    theirs = RelevanceEvaluator(truth, measures | {"recip_rank"}).evaluate(run)
    ours = list_metrics(hits, n_relevant, KS)
    named = {"hit": "success", "precision": "P", "recall": "recall", "ndcg": "ndcg_cut", "map": "map_cut"}
    for k in KS:
        for name, their_name in named.items():
            expected = np.array(
                [theirs.get(f"{u}", {}).get(f"{their_name}_{k}", 0) for u in range(len(hits))]
            )
            if name == "map":  # trec_eval divides by all relevant items, also those that no list of k holds
                expected *= n_relevant / np.minimum(n_relevant, k)
            np.testing.assert_allclose(ours[f"{name}@{k}"], expected, rtol=0, atol=1e-8)
    expected = np.array([theirs.get(f"{u}", {}).get("recip_rank", 0) for u in range(len(hits))])
    np.testing.assert_allclose(ours["mrr@10"], expected, rtol=0, atol=1e-8)


def test_lists_equal_scikit_learn():
    from sklearn.metrics import ndcg_score

    hits, n_relevant = random_lists(np.random.default_rng(1))
    relevance = np.zeros((len(hits), 30))  # columns in rank order; what was missed stands after the list
    relevance[:, :10] = hits
    for user, missed in enumerate(n_relevant - hits.sum(1)):
        relevance[user, 10 : 10 + missed] = 1
    score = np.tile(-np.arange(30.0), (len(hits), 1))
    for k in KS:
        theirs = [ndcg_score(relevance[[u]], score[[u]], k=k) for u in range(len(hits))]
        ours = list_metrics(hits, n_relevant, KS)[f"ndcg@{k}"]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-8)


@given(lists())
def test_every_metric_is_between_nothing_and_one(case):
    for column in list_metrics(*case, KS).values():
        assert ((column >= 0) & (column <= 1 + 1e-12)).all()


@given(st.integers(1, 20))
def test_the_best_list_gets_all_there_is_to_get(n_relevant):
    hits = np.arange(10)[None] < n_relevant
    found = list_metrics(hits, np.array([n_relevant]), KS)
    for k in KS:
        assert found[f"ndcg@{k}"] == pytest.approx(1)
        assert found[f"map@{k}"] == found[f"mrr@{k}"] == found[f"hit@{k}"] == 1
        assert found[f"precision@{k}"] == min(n_relevant, k) / k
        assert found[f"recall@{k}"] == min(n_relevant, k) / n_relevant


@given(lists(), st.integers(0, 8))
def test_a_relevant_item_moved_up_never_hurts(case, rank):
    hits, n_relevant = case
    moved = hits.copy()
    moved[:, rank] |= hits[:, rank + 1]
    moved[:, rank + 1] &= hits[:, rank]
    before, after = (list_metrics(h, n_relevant, KS) for h in (hits, moved))
    for name, column in before.items():
        assert (after[name] >= column - 1e-12).all()


@given(lists(), st.randoms(use_true_random=False))
def test_the_order_of_users_is_irrelevant(case, random):
    hits, n_relevant = case
    order = random.sample(range(len(hits)), len(hits))
    before, after = list_metrics(hits, n_relevant, KS), list_metrics(hits[order], n_relevant[order], KS)
    for name, column in before.items():
        assert (after[name] == column[order]).all()


def test_an_empty_list_counts_nothing():
    found = list_metrics(np.zeros((1, 10), bool), np.array([4]), KS)
    assert {f"{name}@{k}" for name in NAMES for k in KS} == set(found)
    assert all(column == 0 for column in found.values())


def test_a_user_without_a_relevant_item_is_no_test_user():
    with pytest.raises(ValueError, match="no test user"):
        list_metrics(np.zeros((2, 3), bool), np.array([1, 0]), [3])


def test_a_target_without_ties_is_scored_by_its_rank():
    greater, equal = np.arange(12), np.zeros(12, int)
    expected, middle = (target_metrics(greater, equal, [10], ties) for ties in ("expected", "middle"))
    assert (expected["hit@10"] == ([1] * 10 + [0] * 2)).all()
    np.testing.assert_allclose(expected["ndcg@10"][:10], 1 / np.log2(np.arange(2, 12)))
    for name in expected:
        np.testing.assert_allclose(middle[name], expected[name], atol=1e-12)


@given(st.integers(0, 30), st.integers(0, 30))
def test_tied_targets_get_the_mean_over_all_their_ranks(greater, equal):
    found = target_metrics(np.array([greater]), np.array([equal]), KS)
    ranks = range(greater + 1, greater + equal + 2)
    for k in KS:
        assert found[f"hit@{k}"] == pytest.approx(np.mean([r <= k for r in ranks]))
        assert found[f"ndcg@{k}"] == pytest.approx(np.mean([(r <= k) / log2(r + 1) for r in ranks]))


def test_tied_targets_equal_scikit_learn_which_averages_over_ties():
    from sklearn.metrics import ndcg_score

    rng = np.random.default_rng(2)
    score = rng.integers(0, 8, (100, 40))
    relevance = np.eye(40)[rng.integers(0, 40, 100)]
    own = (score * relevance).sum(1, keepdims=True)
    ours = target_metrics((score > own).sum(1), (score == own).sum(1) - 1, KS)
    for k in KS:
        theirs = [ndcg_score(relevance[[u]], score[[u]], k=k) for u in range(100)]
        np.testing.assert_allclose(ours[f"ndcg@{k}"], theirs, rtol=0, atol=1e-8)


@pytest.mark.parametrize("k", [1, 5, 10, 100])
def test_a_constant_scorer_finds_k_of_n_targets(k):
    assert target_metrics(np.array([0]), np.array([99]), [k])[f"hit@{k}"] == k / 100


def test_the_middle_of_a_tie_is_one_rank():
    found = target_metrics(np.array([0, 9, 0]), np.array([18, 1, 19]), [10], "middle")
    assert (found["hit@10"] == [1, 0, 0]).all()
    assert found["ndcg@10"][0] == 1 / log2(11)


def test_rating_errors_are_summed_per_user_and_pooled_over_pairs():
    user, rating = np.array([4, 1, 4], np.int32), np.array([5, 3, 1], np.float32)
    errors = rating_errors(user, rating, np.array([4.0, 3.5, 3.0]), 1, 5)
    assert errors["user"].tolist() == [1, 4]
    assert errors["user"].dtype == np.int32
    assert errors["n"].tolist() == [1, 2]
    assert errors["squared_error"].tolist() == [0.25, 5]
    assert errors["absolute_error"].tolist() == [0.5, 3]
    assert pooled_errors(errors) == pytest.approx(
        {"mse": 5.25 / 3, "rmse": (5.25 / 3) ** 0.5, "mae": 3.5 / 3}
    )


def test_a_prediction_off_the_scale_is_clipped_to_it():
    errors = rating_errors(np.array([0, 0]), np.array([5.0, 1.0]), np.array([9.0, -2.0]), 0.5, 5)
    assert errors["absolute_error"] == 0.5


def test_no_pairs_have_no_error():
    nothing = np.array([], np.int32)
    assert pooled_errors(rating_errors(nothing, nothing, nothing, 1, 5)) == {}
