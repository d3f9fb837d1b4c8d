"""What `update` must do, on every case of `cases.py`: it learns what came after the fit, and nothing else."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from marquee.data.changes import Changes, UpdateData, changed
from marquee.data.ratings import Ratings, concat
from marquee.errors import MarqueeError
from marquee.recommenders import item_knn
from marquee.recommenders.base import Recommender
from marquee.training.progress import Arrays
from tests.recommenders.cases import CASES
from tests.recommenders.test_contract import CATALOGUE, N_ITEMS, N_USERS, as_bytes, checkerboard, fitted

DECLINED = {"random_walk"}
LEARNING = [name for name in CASES if CASES[name][0] not in DECLINED]
RANKING = [name for name in LEARNING if CASES[name][1] == "ranking"]
EXACT = ["popularity", "bias", "bias_damped"]
FACTORS = [name for name in LEARNING if CASES[name][0] in ("als", "ials", "sgd_mf", "mf_bce")]
TRAIN = checkerboard()


def later(n_users: int = 4, seed: int = 1) -> Ratings:
    """A few even users and two new ones, 60 and 61, rate even items that they did not rate before."""
    rng = np.random.default_rng(seed)
    had = set(zip(TRAIN.user.tolist(), TRAIN.item.tolist(), strict=True))
    rows = [
        (user, item)
        for user in [*range(0, 2 * n_users, 2), 60, 61]
        for item in range(0, N_ITEMS, 2)
        if (user, item) not in had and rng.random() < 0.4
    ]
    user, item = zip(*rows, strict=True)
    return Ratings.of(user, item, rng.choice([4, 5], len(user)), 1 + np.arange(len(user)))


def data_of(changes: Changes, checkpoint: tuple[Arrays, Any] | None = None) -> UpdateData:
    return UpdateData(changes, CATALOGUE, checkpoint)


def updated(model: Recommender, given: Ratings, before: Ratings = TRAIN) -> Recommender:
    return model.update(data_of(changed(sampled(model, before), given)))


def sampled(model: Recommender, train: Ratings) -> Ratings:
    """`train` as a stage reads it: positives with the law of their negatives, where a model needs them."""
    how = '{"sampling": "uniform", "alpha": 0.75}' if model.uses_negatives else ""
    return Ratings(train.user, train.item, train.rating, train.timestamp, sampling=how)


@pytest.mark.parametrize("name", CASES)
def test_an_update_with_nothing_is_the_same_model(models, name):
    for given in (Ratings.empty(), TRAIN.take(np.arange(9))):  # what is known already is nothing, too
        assert as_bytes(updated(models[name], given)) == as_bytes(models[name])


@pytest.mark.parametrize("name", sorted(DECLINED))
def test_an_algorithm_without_an_update_says_so_in_a_line(models, name):
    with pytest.raises(MarqueeError, match="has no update: run `dvc repro`"):
        updated(models[name], later())


@pytest.mark.parametrize("name", EXACT)
def test_counts_are_those_of_a_fit_on_everything(models, name):
    changes = changed(TRAIN, later())
    again = fitted(name, changes.after, n_users=N_USERS + 2)
    assert as_bytes(updated(models[name], later())) == as_bytes(again)


@pytest.mark.parametrize("name", ["item_knn", "item_knn_few"])
def test_similarities_of_pairs_that_stay_neighbors_are_those_of_a_fit(models, name):
    """Of ratings that come and others that are withdrawn; the neighbors of all are searched on request."""
    given = concat(later(2), Ratings.of([0, 0, 2], [0, 2, 4], 1))
    changes = changed(TRAIN, given, positive_threshold=2)
    assert min(len(changes.removed), len(changes.added)) > 0
    model = models[name].update(data_of(changes))
    again = fitted(name, changes.after, n_users=N_USERS + 2)
    own, wanted = model.similarities.toarray(), again.similarities.toarray()
    both = (own > 0) & (wanted > 0)
    np.testing.assert_array_equal(own[both], wanted[both])
    assert both.sum() > 0.9 * (wanted > 0).sum()
    for array in ("popularity", "histories"):
        left, right = (getattr(one, array) for one in (model, again))
        assert (left != right).sum() == 0


def test_an_item_that_had_no_users_and_one_of_many_new_users_is_searched_again(models, monkeypatch):
    given = later()
    again = fitted("item_knn", changed(TRAIN, given).after, n_users=N_USERS + 2)
    monkeypatch.setattr(item_knn, "LARGE", 0.0)
    assert as_bytes(updated(models["item_knn"], given)) == as_bytes(again)
    monkeypatch.setattr(item_knn, "LARGE", 2.0)
    monkeypatch.setattr(item_knn, "SEARCH_AGAIN", 1e9)
    changes = changed(TRAIN, given)
    model = models["item_knn"].update(data_of(changes))
    rows = np.intersect1d(changes.items, np.arange(N_ITEMS))
    own, wanted = (one.similarities[:, rows].toarray() for one in (model, again))
    np.testing.assert_array_equal(own, wanted)


def test_ease_is_that_of_a_fit_on_everything(models):
    """Ratings that are withdrawn, of a user who had them, included; by a low rank and by a new inverse."""
    for given in (later(2), later(20)):
        model, before = models["ease"], TRAIN
        for half in (given.take(np.arange(0, len(given), 2)), given.take(np.arange(1, len(given), 2))):
            model = updated(model, half, before)
            before = changed(before, half).after
        again = fitted("ease", before, n_users=N_USERS + 2)
        np.testing.assert_allclose(model.weights, again.weights, atol=2e-6)
    users, items = TRAIN.user[:3], TRAIN.item[:3]
    withdrawn = changed(TRAIN, Ratings.of(users, items, 1), positive_threshold=4)
    model = models["ease"].update(data_of(withdrawn))
    np.testing.assert_allclose(
        model.weights, fitted("ease", TRAIN.take(np.arange(3, len(TRAIN)))).weights, atol=2e-6
    )


@pytest.mark.parametrize("name", RANKING)
def test_new_users_and_old_ones_get_what_they_like_now(models, name):
    model = updated(models[name], later())
    assert model.n_users == N_USERS + 2
    everyone = np.arange(N_USERS + 2, dtype=np.int32)
    scores = model.scores(everyone)
    assert np.isfinite(scores).all()
    if name in ("popularity", "popular_recent"):
        return
    after = changed(TRAIN, later()).after
    scores[after.user, after.item] = -np.inf
    scores[:, 38] = -np.inf
    assert np.mean([np.argsort(-scores[user])[:5] % 2 == 0 for user in (60, 61)]) >= 0.9


@pytest.mark.parametrize("name", RANKING)
def test_a_user_who_likes_nothing_any_more_is_no_special_case(models, name):
    withdrawn = changed(sampled(models[name], TRAIN), Ratings.of([59], [1], 1), positive_threshold=4)
    model = models[name].update(data_of(withdrawn))
    assert np.isfinite(model.scores(np.arange(N_USERS, dtype=np.int32))).all()


@pytest.mark.parametrize("name", LEARNING)
def test_the_model_that_is_updated_stays_as_it_is(models, name):
    before = as_bytes(models[name])
    one, other = updated(models[name], later()), updated(models[name], later())
    assert as_bytes(models[name]) == before
    assert as_bytes(one) == as_bytes(other), "the same ratings give the same bytes"
    assert as_bytes(one) != before


@pytest.mark.parametrize("name", FACTORS)
def test_pairs_of_others_keep_their_scores(models, name):
    changes = changed(TRAIN, later())
    users = np.setdiff1d(np.arange(N_USERS), changes.users).astype(np.int32)
    items = np.setdiff1d(np.arange(N_ITEMS), changes.items)
    old, new = (m.scores(users)[:, items] for m in (models[name], updated(models[name], later())))
    np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", [name for name in LEARNING if name not in EXACT])
def test_two_halves_are_nearly_one(models, name):
    given = later()
    half = len(given) // 2
    first, second = given.take(np.arange(half)), given.take(np.arange(half, len(given)))
    model = updated(updated(models[name], first), second, changed(TRAIN, first).after)
    whole = updated(models[name], given)
    everyone = np.arange(N_USERS + 2, dtype=np.int32)
    one, two = whole.scores(everyone), model.scores(everyone)
    old = models[name].scores(everyone[:N_USERS])
    assert np.abs(one - two).mean() < 0.1 * np.ptp(old)
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("name", LEARNING)
def test_an_update_takes_no_more_memory_than_a_fit(name):
    options = CASES[name][2] | ({"epochs": 1} if "epochs" in CASES[name][2] else {})
    model, changes = fitted(name, options=options), changed(TRAIN, later())
    updated(model, later())  # compiles, and imports

    def peak(work: Callable[[], object]) -> int:
        tracemalloc.start()
        work()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    fit = peak(lambda: fitted(name, changes.after, options=options, n_users=N_USERS + 2))
    assert peak(lambda: updated(model, later())) < 1.2 * fit + (1 << 18)


def test_of_a_pair_that_is_rated_again_the_last_rating_counts():
    before = Ratings.of([0, 0, 1], [1, 2, 1], [3, 4, 5], [10, 11, 12])
    given = Ratings.of([1, 0, 0, 2], [1, 2, 2, 0], [5, 1, 2, 4], [20, 22, 21, 23])
    changes = changed(before, given)
    assert changes.after.user.tolist() == [0, 0, 1, 2]
    assert changes.after.item.tolist() == [1, 2, 1, 0]
    assert changes.after.rating.tolist() == [3, 1, 5, 4]
    assert (changes.users.tolist(), changes.items.tolist()) == ([0, 2], [0, 2])
    assert changes.removed.rating.tolist() == [4]


def test_of_positives_a_low_rating_withdraws_one_and_a_second_like_counts_once():
    before = Ratings.of([0, 0, 1], [1, 2, 1])
    given = Ratings.of([0, 0, 1, 1], [1, 2, 3, 4], [5, 2, 1, 4], [1, 2, 3, 4])
    changes = changed(before, given, positive_threshold=4)
    pairs = list(zip(changes.after.user.tolist(), changes.after.item.tolist(), strict=True))
    assert pairs == [(0, 1), (1, 1), (1, 4)]
    assert (changes.after.rating == 1).all()
    assert changes.users.tolist() == [0, 1]


def test_changes_are_those_of_a_dictionary():
    """Against the plain way, on random tables."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        n, m = rng.integers(0, 30, 2)
        cells = np.sort(rng.choice(60, n, replace=False))
        before = Ratings.of(cells // 6, cells % 6, rng.integers(1, 6, n))
        given = Ratings.of(
            rng.integers(0, 12, m), rng.integers(0, 6, m), rng.integers(1, 6, m), rng.integers(0, 9, m)
        )
        known = {(u, i): r for u, i, r in zip(before.user, before.item, before.rating, strict=True)}
        for row in np.argsort(given.timestamp, kind="stable"):
            known[given.user[row], given.item[row]] = given.rating[row]
        changes = changed(before, given)
        after = changes.after
        assert dict(zip(zip(after.user, after.item, strict=True), after.rating, strict=True)) == known
        assert (np.diff(after.user) >= 0).all()
        rest = concat(changes.after, changes.removed)
        assert len(rest) == len(concat(before, changes.added))
