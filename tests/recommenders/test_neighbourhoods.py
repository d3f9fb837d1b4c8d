"""EASE and item-kNN as their docstrings have them, and what is ranked where they have nothing to say."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.data.ratings import Catalogue, Ratings
from marquee.errors import MarqueeError
from marquee.recommenders import ease, item_knn
from marquee.recommenders.base import TrainingData
from marquee.rng import named_rng

N_USERS, N_ITEMS = 50, 30
LEFT_OUT = 29  # an item that nobody has
EVERYONE = np.arange(N_USERS)


@pytest.fixture(scope="module")
def train() -> Ratings:
    """The lower the number of an item, the more have it."""
    chance = np.linspace(0.6, 0.05, N_ITEMS)
    user, item = np.nonzero(named_rng(1, "positives").random((N_USERS, N_ITEMS)) < chance)
    kept = item != LEFT_OUT
    return Ratings.of(user[kept], item[kept])


def fitted(module, train: Ratings, **options):
    model = module.Model(module.Options(**options))
    catalogue = Catalogue.of(N_USERS, N_ITEMS)
    return model.fit(TrainingData(train, Ratings.empty(), catalogue), named_rng(0, "fit"))


def room_for(n_items: int) -> float:
    return 8 * (n_items + 0.5) ** 2 / 2**30


def test_ease_is_its_closed_form(train):
    x = train.matrix(N_USERS, N_ITEMS, binary=True).toarray().astype(np.float64)
    p = np.linalg.inv(x.T @ x + 2 * np.eye(N_ITEMS))
    b = -p / np.diagonal(p)
    np.fill_diagonal(b, 0)
    model = fitted(ease, train, regularization=2)
    np.testing.assert_allclose(model.weights, b, atol=1e-6)
    np.testing.assert_allclose(model.scores(EVERYONE), x @ b, atol=1e-5)
    assert model.report_counts() == {"modelled_items": N_ITEMS, "fallback_items": 0}


def test_weights_are_written_over_the_inverse_strip_by_strip(train, monkeypatch):
    whole = fitted(ease, train, regularization=2).weights
    for strip in (1, 7, 29):
        monkeypatch.setattr(ease, "STRIP", strip)
        np.testing.assert_array_equal(fitted(ease, train, regularization=2).weights, whole)


def test_a_penalty_below_the_rounding_errors_of_the_inverse_is_refused(train):
    with pytest.raises(MarqueeError, match="regularization of ease is 1e-300, too small for"):
        fitted(ease, train, regularization=1e-300)
    assert np.isfinite(fitted(ease, train, regularization=1e-8).weights).all()


def test_with_little_memory_the_most_popular_are_in_the_model_and_the_rest_follow(train, capsys):
    model = fitted(ease, train, regularization=2, max_memory_gib=room_for(12))
    counts = np.bincount(train.item, minlength=N_ITEMS)
    ranked = np.argsort(-counts, kind="stable")
    assert sorted(ranked[:12]) == model.modelled.tolist()
    assert model.report_counts() == {"modelled_items": 12, "fallback_items": N_ITEMS - 12}
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "memory" in said
    assert "12 of 30 items" in said
    for scores in model.scores(EVERYONE):
        assert scores[ranked[12:]].max() < scores[ranked[:12]].min()
        assert np.argsort(-scores, kind="stable")[12:].tolist() == ranked[12:].tolist()


def test_a_model_of_some_items_is_the_model_of_a_catalogue_of_these(train):
    some = fitted(ease, train, regularization=2, max_memory_gib=room_for(12))
    place = np.full(N_ITEMS, -1)
    place[some.modelled] = np.arange(12)
    known = place[train.item] >= 0
    alone = ease.Model(ease.Options(regularization=2))
    theirs = Ratings.of(train.user[known], place[train.item[known]])
    alone.fit(TrainingData(theirs, Ratings.empty(), Catalogue.of(N_USERS, 12)), named_rng(0, "fit"))
    np.testing.assert_array_equal(some.weights, alone.weights)
    np.testing.assert_array_equal(some.scores(EVERYONE)[:, some.modelled], alone.scores(EVERYONE))


def test_an_item_out_of_the_model_is_like_no_other_and_no_reason_for_any(train):
    model = fitted(ease, train, regularization=2, max_memory_gib=room_for(12))
    out = np.setdiff1d(np.arange(N_ITEMS), model.modelled)
    assert not model.item_embeddings(out).any()
    assert model.item_embeddings(model.modelled).any(axis=1).all()
    history = train.take(train.user == 4)
    added = model.explain(history, np.arange(N_ITEMS))
    assert not added[:, out].any()
    assert not added[np.isin(history.item, out)].any()
    scores = model.scores(np.array([4]))[0]
    np.testing.assert_allclose(added.sum(0)[model.modelled], scores[model.modelled], atol=1e-5)


def test_item_knn_adds_the_similarities_of_each_items_nearest(train):
    x = train.matrix(N_USERS, N_ITEMS, binary=True).toarray().astype(np.float64)
    both, n = x.T @ x, x.sum(0)
    similar = both / (np.sqrt(np.outer(n, n)) + 4)
    np.fill_diagonal(similar, 0)
    for row in similar:
        row[np.argsort(-row, kind="stable")[6:]] = 0
    wanted = x @ similar.T
    scores = fitted(item_knn, train, n_neighbors=6, shrinkage=4).scores(EVERYONE)
    np.testing.assert_allclose(scores[wanted > 0], wanted[wanted > 0], atol=1e-5)


def test_what_no_neighbour_speaks_for_is_ranked_by_popularity_below_the_rest(train):
    model = fitted(item_knn, train, n_neighbors=2)
    popular = np.argsort(-np.bincount(train.item, minlength=N_ITEMS), kind="stable")
    nothing_known = model.fold_in(Ratings.of([1], [0])).scores(np.array([0]))[0]
    assert np.argsort(-nothing_known, kind="stable").tolist() == popular.tolist()
    scores = model.scores(EVERYONE)
    assert scores[:, LEFT_OUT].tolist() == [-1] * N_USERS
    assert (scores < 0).any(axis=1).all()
    assert model.report_counts()["fallback_items"] == 1


def test_what_each_positive_adds_makes_up_the_score_of_item_knn(train):
    model = fitted(item_knn, train, n_neighbors=6)
    added = model.explain(train.take(train.user == 4), np.arange(N_ITEMS))
    scores = model.scores(np.array([4]))[0]
    explained = scores > 0
    np.testing.assert_allclose(added.sum(0)[explained], scores[explained], atol=1e-5)
    assert not added[:, ~explained].any()


def test_models_that_share_work_are_those_of_separate_fits(train):
    data = TrainingData(train, Ratings.empty(), Catalogue.of(N_USERS, N_ITEMS))
    several = [item_knn.Options(k, h) for k, h in ((3, 0.0), (8, 10.0), (5, 0.0), (40, 10.0))]
    found = dict(item_knn.Model.fit_each(several, data))
    for place, options in enumerate(several):
        alone = item_knn.Model(options).fit(data)
        assert (found[place].scores(EVERYONE) == alone.scores(EVERYONE)).all()
    penalties = [ease.Options(regularization=penalty) for penalty in (1.0, 30.0)]
    for place, model in ease.Model.fit_each(penalties, data):  # each is valid until the next
        alone = ease.Model(penalties[place]).fit(data)
        np.testing.assert_allclose(model.scores(EVERYONE), alone.scores(EVERYONE), atol=1e-5)
