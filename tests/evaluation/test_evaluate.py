from __future__ import annotations

import zipfile
from dataclasses import dataclass

import numpy as np
import pytest

from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import Candidates, sample_candidates
from marquee.errors import MarqueeError
from marquee.evaluation import evaluate
from marquee.evaluation.evaluate import (
    ValidationUsers,
    evaluate_ranking,
    evaluate_rating,
    validation_ndcg,
)
from marquee.evaluation.metrics import target_metrics
from marquee.rng import KeyedRandom

KS = (5, 10)
NOTHING = Ratings.empty()


@dataclass
class Table:
    """A model that has an answer written down for every pair."""

    table: np.ndarray

    def scores(self, users):
        return self.table[users]

    def predict(self, users, items):
        return self.table[users, items]


def dataset(seed: int = 0, n_users: int = 60, n_items: int = 40, levels: int = 6):
    """Scores with many ties, what each user has seen, and one to four relevant items for most users."""
    rng = np.random.default_rng(seed)
    catalogue = Catalogue(n_users, n_items, rng.random((n_items, 5)) < 0.3, tuple("abcde"))
    seen, relevant = [], []
    for user in range(n_users):
        order = rng.permutation(n_items)
        seen += [(user, item) for item in order[:8]]
        relevant += [(user, item) for item in order[8 : 8 + rng.integers(0, 5)]]
    pairs = (Ratings.of(*np.array(part).T) for part in (seen, relevant))
    return Table(rng.integers(0, levels, (n_users, n_items)).astype(np.float32)), *pairs, catalogue


def sampled(seen: Ratings, relevant: Ratings, catalogue: Catalogue, count: int = 20) -> Candidates:
    return sample_candidates([seen], relevant, catalogue.n_users, catalogue.n_items, count, KeyedRandom(9))


def test_ranking_equals_the_definitions_in_plain_python(monkeypatch):
    monkeypatch.setattr("marquee.evaluation.topk.BLOCK_BYTES", 40 * 4 * 7)  # seven users at a time
    model, seen, relevant, catalogue = dataset()
    candidates = sampled(seen, relevant, catalogue)
    found = evaluate_ranking(model, seen, relevant, candidates, catalogue, KS, seen)
    users = sorted(set(relevant.user.tolist()))
    assert found.per_user["user"].tolist() == found.lists["user"].tolist() == users
    for row, user in enumerate(users):
        scores = model.table[user].tolist()
        wanted = set(relevant.item[relevant.user == user].tolist())
        known = set(seen.item[seen.user == user].tolist())
        ranked = sorted(set(range(40)) - known, key=lambda item: (-scores[item], item))
        assert found.lists["item"][row].tolist() == ranked[:10]
        assert found.lists["score"][row].tolist() == [scores[item] for item in ranked[:10]]
        assert found.per_user["recall@10"][row] == len(wanted & set(ranked[:10])) / len(wanted)
        pool = candidates.items[candidates.offsets[user] : candidates.offsets[user + 1]]
        assert len(pool) == 20
        above = np.array([[sum(scores[c] > scores[t] for c in pool)] for t in wanted])
        level = np.array([[sum(scores[c] == scores[t] for c in pool)] for t in wanted])
        for name, values in target_metrics(above, level, KS).items():
            assert found.per_user[f"sampled_{name}"][row] == pytest.approx(values.mean())


def test_ranking_with_ties_equals_trec_eval():
    from pytrec_eval import RelevanceEvaluator

    model, seen, relevant, catalogue = dataset(seed=4, n_users=200)
    seen = Ratings.of([*seen.user, *[0] * 40], [*seen.item, *range(40)])  # user 0 is left without a list
    found = evaluate_ranking(model, seen, relevant, None, catalogue, KS, seen)
    truth: dict = {}
    run: dict = {f"{user}": {} for user in range(200)}
    for user, item in zip(relevant.user, relevant.item, strict=True):
        truth.setdefault(f"{user}", {})[f"{99 - item}"] = 1
    for user, item in zip(*np.nonzero(seen.matrix(200, 40).toarray() == 0), strict=True):
        run[f"{user}"][f"{99 - item}"] = float(
            model.table[user, item]
        )  # of equals trec_eval takes the later name
    theirs = RelevanceEvaluator(truth, {"ndcg_cut.5,10", "P.5,10", "recall.5,10", "success.5,10"}).evaluate(
        run
    )
    assert "0" in truth
    for name, their_name in {
        "ndcg": "ndcg_cut",
        "precision": "P",
        "recall": "recall",
        "hit": "success",
    }.items():
        for k in KS:
            expected = [theirs.get(f"{u}", {}).get(f"{their_name}_{k}", 0) for u in found.per_user["user"]]
            np.testing.assert_allclose(found.per_user[f"{name}@{k}"], expected, rtol=0, atol=1e-8)


def test_a_figure_is_the_mean_of_its_column_over_the_test_users():
    model, seen, relevant, catalogue = dataset()
    found = evaluate_ranking(model, seen, relevant, sampled(seen, relevant, catalogue), catalogue, KS, seen)
    for name, column in found.per_user.items():
        assert name == "user" or found.metrics[name] == pytest.approx(np.nanmean(column))
    assert found.metrics.keys() - found.per_user.keys() == {"coverage@5", "coverage@10"}
    assert found.counts["test_users"] == len(np.unique(relevant.user)) < 60
    assert found.counts["relevant_pairs"] == len(relevant)


def test_lists_become_a_table_with_a_row_for_each_user():
    model, relevant = Table(np.array([[1, 3, 2], [3, 1, 2]])), Ratings.of([0, 1], [0, 0])
    found = evaluate_ranking(model, NOTHING, relevant, None, Catalogue.of(2, 3), [2], relevant)
    assert found.lists_table().to_pydict() == {
        "user": [0, 1],
        "item": [[1, 2], [0, 2]],
        "score": [[3, 2], [3, 2]],
    }


def test_the_order_of_rows_is_irrelevant():
    model, seen, relevant, catalogue = dataset()
    rng = np.random.default_rng(1)
    shuffled = (part.take(rng.permutation(len(part))) for part in (seen, relevant))
    one = evaluate_ranking(model, seen, relevant, None, catalogue, KS, seen)
    other = evaluate_ranking(model, *shuffled, None, catalogue, KS, seen)
    assert one.metrics == other.metrics


def test_the_truth_as_scores_gets_all_there_is_to_get():
    _, seen, relevant, catalogue = dataset()
    truth = Table(relevant.matrix(60, 40, binary=True).toarray())
    found = evaluate_ranking(truth, seen, relevant, sampled(seen, relevant, catalogue), catalogue, KS, seen)
    for name in ("hit", "recall", "ndcg", "map", "mrr", "sampled_hit", "sampled_ndcg"):
        assert found.metrics[f"{name}@10"] == pytest.approx(1)


def test_a_constant_scorer_finds_k_of_n_when_every_item_is_the_target_once():
    everyone = np.arange(40)
    constant, relevant = Table(np.full((40, 40), 3.0)), Ratings.of(everyone, everyone)
    catalogue = Catalogue.of(40, 40)
    candidates = sampled(NOTHING, relevant, catalogue, 24)
    found = evaluate_ranking(constant, NOTHING, relevant, candidates, catalogue, KS, relevant)
    for k in KS:
        assert found.metrics[f"hit@{k}"] == k / 40
        assert found.metrics[f"sampled_hit@{k}"] == pytest.approx(k / 25)


def test_shuffled_labels_give_chance():
    n_users, n_items = 2000, 200
    rng = np.random.default_rng(5)
    catalogue, users = Catalogue.of(n_users, n_items), np.arange(n_users)
    model = Table(rng.random((n_users, n_items), np.float32))
    liked = Ratings.of(users, model.table.argmax(1))
    shuffled = Ratings.of(users, rng.permutation(liked.item))
    skill, chance = (
        evaluate_ranking(model, NOTHING, r, sampled(NOTHING, r, catalogue, 99), catalogue, KS, liked).metrics
        for r in (liked, shuffled)
    )
    assert skill["hit@10"] == skill["sampled_hit@10"] == 1
    for name, p in (("hit@10", 10 / 200), ("sampled_hit@10", 10 / 100)):  # within 4 standard errors
        assert abs(chance[name] - p) < 4 * (p * (1 - p) / n_users) ** 0.5


def test_each_of_several_targets_is_ranked_among_the_candidates_alone():
    model, relevant = Table(np.array([[9, 8, 7, 6, 5]])), Ratings.of([0, 0], [0, 3])
    candidates = Candidates(np.array([0, 2]), np.array([1, 4], np.int32))
    found = evaluate_ranking(model, NOTHING, relevant, candidates, Catalogue.of(1, 5), [1], relevant)
    assert found.metrics["sampled_hit@1"] == 1 / 2  # item 3 stands behind item 1, not behind item 0


def test_a_candidate_that_is_the_target_counts_in_the_midrank_figure_only():
    """Of items that score 9, 8 and 7 the first is the target and a candidate: rank 1, or 1.5 with itself."""
    model, relevant = Table(np.array([[9, 8, 7]])), Ratings.of([0], [0])
    candidates = Candidates(np.array([0, 2]), np.array([0, 1], np.int32))
    given = (model, NOTHING, relevant, candidates, Catalogue.of(1, 3), [1, 2], relevant)
    found = evaluate_ranking(*given, variants=("midrank",)).metrics
    assert (found["sampled_hit@1"], found["sampled_midrank_hit@1"]) == (1, 0)
    assert found["sampled_midrank_ndcg@2"] == pytest.approx(1 / np.log2(2.5))
    assert "sampled_midrank_hit@1" not in evaluate_ranking(*given).metrics


def test_capped_recall_divides_by_the_places_where_more_is_relevant_than_they_hold():
    model, relevant = Table(np.array([[9, 8, 7, 6, 5]])), Ratings.of([0, 0, 0], [0, 2, 4])
    given = (model, NOTHING, relevant, None, Catalogue.of(1, 5), [2, 4], relevant)
    found = evaluate_ranking(*given, variants=("capped_recall",)).metrics
    assert (found["recall@2"], found["capped_recall@2"]) == (1 / 3, 1 / 2)
    assert found["recall@4"] == found["capped_recall@4"] == 2 / 3


def test_candidates_are_ranked_even_where_the_user_has_seen_them():
    model, relevant, seen = Table(np.array([[9, 8, 7]])), Ratings.of([0], [1]), Ratings.of([0], [0])
    candidates = Candidates(np.array([0, 1]), np.array([0], np.int32))
    found = evaluate_ranking(model, seen, relevant, candidates, Catalogue.of(1, 3), [1], seen)
    assert found.metrics["hit@1"] == 1
    assert found.metrics["sampled_hit@1"] == 0


def test_a_user_with_nothing_to_be_listed_counts_nothing_and_is_counted():
    model, relevant = Table(np.array([[0, 0, 1], [0, 0, 0]])), Ratings.of([0, 1], [2, 0])
    seen = Ratings.of([1, 1, 1], [0, 1, 2])
    candidates = Candidates(np.array([0, 1, 1]), np.array([1], np.int32))
    found = evaluate_ranking(model, seen, relevant, candidates, Catalogue.of(2, 3), [1], seen)
    assert found.lists["item"].tolist() == [[2], [-1]]
    assert found.per_user["hit@1"].tolist() == found.per_user["sampled_hit@1"].tolist() == [1, 0]
    assert found.metrics["hit@1"] == 1 / 2
    assert found.counts["users_without_list"] == found.counts["users_without_candidates"] == 1


def test_users_and_items_that_training_lacks_are_counted():
    model, relevant = Table(np.zeros((3, 3))), Ratings.of([0, 0, 2], [0, 1, 0])
    found = evaluate_ranking(model, NOTHING, relevant, None, Catalogue.of(3, 3), [1], Ratings.of([0], [0]))
    assert found.counts["users_without_train"] == 1
    assert found.counts["cold_relevant_pairs"] == 2


def test_a_score_that_is_not_a_number_fails():
    model, seen, relevant, catalogue = dataset()
    model.table[relevant.user[0], 3] = np.nan
    with pytest.raises(MarqueeError, match=f"test_evaluate gives user {relevant.user[0]} a score"):
        evaluate_ranking(model, seen, relevant, None, catalogue, KS, seen)


def test_lists_longer_than_the_catalogue_fail():
    model, seen, relevant, catalogue = dataset()
    with pytest.raises(MarqueeError, match=r"evaluate\.ks asks for lists of 41 items"):
        evaluate_ranking(model, seen, relevant, None, catalogue, [5, 41], seen)


def test_a_test_set_without_anything_relevant_fails():
    model, seen, _, catalogue = dataset()
    with pytest.raises(MarqueeError, match=r"tasks\.ranking\.positive_threshold"):
        evaluate_ranking(model, seen, NOTHING, None, catalogue, KS, seen)


def rated(seed: int = 0):
    """`dataset` with test ratings from 1 to 5 and predictions that run off the scale."""
    model, seen, test, catalogue = dataset(seed, levels=8)
    rng = np.random.default_rng(seed)
    return model, seen, Ratings.of(test.user, test.item, rng.integers(1, 6, len(test))), catalogue


def test_rating_errors_are_pooled_over_all_pairs(monkeypatch):
    monkeypatch.setattr(evaluate, "ROWS", 7)
    model, seen, test, catalogue = rated()
    found = evaluate_rating(model, seen, test, 1, 5, seen, 4, None, catalogue, KS)
    error = np.clip(model.table[test.user, test.item], 1, 5).astype(float) - test.rating
    assert found.metrics["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found.metrics["mse"] == pytest.approx((error**2).mean())
    assert found.metrics["mae"] == pytest.approx(abs(error).mean())
    assert found.per_user["n"].sum() == found.counts["test_pairs"] == len(test)
    assert found.metrics["rmse_warm"] == found.metrics["rmse"]
    assert "rmse_cold" not in found.metrics


def test_predictions_are_kept_in_the_order_and_with_the_values_of_the_evaluation():
    model, seen, test, catalogue = rated()
    found = evaluate_rating(model, seen, test, 1, 5, seen, 4, None, catalogue, KS)
    assert {name: column.dtype.name for name, column in found.pairs.items()} == {
        **dict.fromkeys(("user", "item"), "int32"),
        **dict.fromkeys(("rating", "predicted"), "float32"),
    }
    np.testing.assert_array_equal(found.pairs["item"], test.item)
    error = found.pairs["predicted"].astype(float) - found.pairs["rating"]
    assert np.sqrt((error**2).mean()) == pytest.approx(found.metrics["rmse"], rel=1e-6)
    assert evaluate_ranking(model, seen, test, None, catalogue, KS, seen).pairs == {}


def test_cold_pairs_are_predicted_and_reported_apart():
    model = Table(np.array([[3, 3, 3], [5, 5, 5], [1, 1, 1]]))
    train, test = Ratings.of([0, 1], [0, 1], 3), Ratings.of([0, 0, 2], [1, 2, 0], [4, 1, 1])
    found = evaluate_rating(model, train, test, 1, 5, train, 4, None, Catalogue.of(3, 3), [1])
    assert found.metrics["rmse_warm"] == 1
    assert found.metrics["rmse_cold"] == pytest.approx(2**0.5)
    assert (found.counts["warm_pairs"], found.counts["cold_pairs"]) == (1, 2)


def test_a_rating_model_gets_the_ranking_columns_of_its_scores():
    model, seen, test, catalogue = rated()
    relevant = test.take(test.rating >= 4)
    candidates = sampled(seen, relevant, catalogue)
    found = evaluate_rating(model, seen, test, 1, 5, seen, 4, candidates, catalogue, KS)
    ranking = evaluate_ranking(model, seen, relevant, candidates, catalogue, KS, seen)
    assert ranking.metrics.items() < found.metrics.items()
    assert ranking.counts.items() < found.counts.items()
    assert list(found.per_user)[4:] == list(ranking.per_user)[1:]
    for name, column in ranking.per_user.items():
        of_all = dict(zip(found.per_user["user"].tolist(), found.per_user[name].tolist(), strict=True))
        assert [of_all.pop(user) for user in ranking.per_user["user"].tolist()] == pytest.approx(
            column.tolist(), nan_ok=True
        )
        assert name == "user" or np.isnan(list(of_all.values())).all()


def test_without_a_relevant_rating_only_the_errors_are_given():
    model, seen, test, catalogue = rated()
    found = evaluate_rating(model, seen, test, 1, 5, seen, 6, None, catalogue, KS)
    assert {"rmse", "mae"} < found.metrics.keys()
    assert not any("@" in name for name in found.metrics)
    assert found.counts["test_users"] == found.lists_table().num_rows == 0


def test_a_prediction_that_is_not_a_number_fails():
    model, seen, test, catalogue = rated()
    model.table[test.user[2], test.item[2]] = np.nan
    pair = f"predicts nan for user {test.user[2]} and item {test.item[2]}"
    with pytest.raises(MarqueeError, match=pair):
        evaluate_rating(model, seen, test, 1, 5, seen, 4, None, catalogue, KS)


def test_a_rating_task_without_test_ratings_fails():
    model, seen, _, catalogue = rated()
    with pytest.raises(MarqueeError, match="no test ratings"):
        evaluate_rating(model, seen, NOTHING, 1, 5, seen, 4, None, catalogue, KS)


def test_the_figure_to_stop_at_is_that_of_the_evaluation():
    model, seen, relevant, catalogue = dataset()
    found = evaluate_ranking(model, seen, relevant, None, catalogue, KS, seen)
    assert validation_ndcg(model, seen, relevant, 40) == found.metrics["ndcg@10"]
    assert validation_ndcg(model, seen, relevant, 40, 5) == found.metrics["ndcg@5"]


def test_the_figure_among_candidates_is_that_of_the_evaluation():
    model, seen, relevant, catalogue = dataset()
    lists = [np.arange(user % 5, 40, 5) for user in range(catalogue.n_users)]
    candidates = Candidates(
        np.append(0, np.cumsum([*map(len, lists)])), np.concatenate(lists).astype(np.int32)
    )
    found = evaluate_ranking(model, seen, relevant, candidates, catalogue, KS, seen)
    by_user = ValidationUsers(seen, relevant, candidates).ndcg(model, 40)
    assert by_user.tolist() == found.per_user["sampled_ndcg@10"].tolist()


def test_a_catalogue_of_fewer_items_than_places_still_has_a_figure_to_stop_at():
    relevant = Ratings.of([0], [2])
    assert validation_ndcg(Table(np.array([[1, 2, 3]])), NOTHING, relevant, 3) == 1


@pytest.fixture(scope="module")
def ncf(movielens):
    """The split of He et al. (2017): training pairs, one target and 99 given candidates for each user."""
    path = movielens.parent / "reference" / "ncf-ml-1m.zip"
    if not path.is_file():
        pytest.skip(f"{path} with the files of He et al. is not there")
    with zipfile.ZipFile(path) as archive:
        member = {name.rpartition("/")[2]: name for name in archive.namelist()}

        def lines(name):
            return archive.read(member[f"ml-1m.{name}"]).decode().splitlines()

        train = np.loadtxt(lines("train.rating.no_timestamp"), np.int32)
        target = np.loadtxt(lines("test.rating"), np.int64)
        given = np.array([line.split("\t")[1:] for line in lines("test.negative")], np.int32)
    return Ratings.of(*train[:, :2].T), Ratings.of(*target[:, :2].T), given


def popular(train: Ratings) -> Table:
    return Table(np.broadcast_to(np.bincount(train.item, minlength=3706).astype(np.float32), (6040, 3706)))


def figures(model, ncf):
    train, target, given = ncf
    candidates = Candidates(99 * np.arange(6041), given.ravel())
    data = candidates, Catalogue.of(6040, 3706), [10], train
    return evaluate_ranking(model, train, target, *data, variants=("midrank",)).metrics


@pytest.mark.real
def test_popularity_on_the_ncf_files_as_papers_report_it_and_without_targets_among_candidates(ncf):
    found = figures(popular(ncf[0]), ncf)
    assert (ncf[2] == ncf[1].item[:, None]).any(1).sum() == 156
    for names, expected in (
        (("sampled_midrank_hit", "sampled_midrank_ndcg"), [0.4522, 0.2531]),
        (("sampled_hit", "sampled_ndcg"), [0.4535, 0.2543]),
        (("hit", "ndcg"), [0.0414, 0.0204]),
    ):
        assert [found[f"{name}@10"] for name in names] == pytest.approx(expected, abs=0.0005)


@pytest.mark.real
def test_random_scores_on_the_ncf_files_are_at_chance(ncf):
    model = Table(np.random.default_rng(0).random((6040, 3706), np.float32))
    found = figures(model, ncf)
    expected = [0.0965, 0.0434]
    drawn = [found["sampled_hit@10"], found["sampled_ndcg@10"]]
    assert drawn == pytest.approx(expected, abs=0.01)  # one sample; its standard error is 0.004
