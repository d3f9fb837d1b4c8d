"""Lists and explanations on checkerboard data: even users rate even movies, odd users odd ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.errors import MarqueeError
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.serving import explain, top_n

N_USERS, N_ITEMS = 40, 60
OPTIONS = {
    "ease": {"regularization": 1},
    "mf_bce": {"dim": 2, "epochs": 25, "learning_rate": 0.02, "batch_size": 64},
    "bias": {},
    "popularity": {},
}
ALL = np.ones(N_ITEMS, bool)


@pytest.fixture(scope="module")
def train() -> Ratings:
    user, item = np.nonzero(np.add.outer(np.arange(N_USERS), np.arange(N_ITEMS)) % 2 == 0)
    kept = named_rng(0, "checkerboard").random(len(user)) < 0.6
    return Ratings.of(user[kept], item[kept], 4 + (user[kept] + item[kept]) // 2 % 2)


@pytest.fixture(scope="module")
def models(train):
    out = {}
    for name, options in OPTIONS.items():
        task = "rating" if name == "bias" else "ranking"
        rows = train if task == "rating" else Ratings.of(train.user, train.item)
        if name == "mf_bce":
            rows = add_negatives(rows, N_ITEMS, NegativeOptions(), KeyedRandom(0, "negatives"))
        model = recommenders.create(name, task, options, "models.m")
        catalogue = Catalogue.of(N_USERS, N_ITEMS)
        out[name] = model.fit(TrainingData(rows, Ratings.empty(), catalogue), named_rng(0, "m"))
    return out


def of_user(train: Ratings, user: int) -> Ratings:
    mine = train.take(train.user == user)
    return Ratings.of(np.zeros(len(mine)), mine.item)


def test_a_list_has_no_movie_that_the_person_rated_and_none_that_is_not_allowed(models, train):
    users = np.array([3, 8], np.int32)
    held = Ratings.empty()
    audience = top_n.known_users(models["ease"], ["a", "b"], users, train, held, train)
    allowed = np.arange(N_ITEMS) < 30
    items, values = top_n.top_lists(audience, allowed, 10, "ease")
    for user, row in zip(users, items, strict=True):
        listed = row[row >= 0]
        assert (listed < 30).all()
        assert not np.isin(listed, train.item[train.user == user]).any()
        scores = models["ease"].scores(np.array([user], np.int32))[0]
        np.testing.assert_array_equal(values[list(users).index(user)][row >= 0], scores[listed])
        assert len(listed) == 10 or set(listed) | set(train.item[train.user == user]) >= set(range(30))
    assert (items[0][:4] % 2 == 1).all()
    assert (items[1][:4] % 2 == 0).all()


def test_asking_for_more_than_there_are_gives_all_there_are(models, train):
    audience = top_n.new_user(models["ease"], np.array([0]), np.array([5]), 4)
    items, _ = top_n.top_lists(audience, np.arange(N_ITEMS) < 3, 10, "ease")
    assert sorted(items[0].tolist()) == [-1, 1, 2]


def test_where_no_movie_is_allowed_every_list_is_empty(models, train):
    audience = top_n.known_users(models["ease"], ["a", "b"], np.array([3, 8]), train, train, train)
    items, values = top_n.top_lists(audience, np.zeros(N_ITEMS, bool), 10, "ease")
    assert items.shape == values.shape == (2, 0)


@pytest.mark.parametrize("name", ["ease", "mf_bce"])
def test_a_new_user_gets_movies_of_their_own_kind_explained_by_their_ratings(models, name):
    """Movie 4 is of the other kind: it adds less to the list than the odd ones add."""
    audience = top_n.new_user(models[name], np.array([1, 3, 5, 4]), np.array([5, 5, 4, 4]), 4)
    items, _ = top_n.top_lists(audience, ALL, 5, name)
    assert (items[0] % 2 == 1).all()
    rows, effects = explain.rating_effects(models[name], audience.history, items[0])
    assert audience.history.item[rows[np.argmax(effects, axis=0)]].tolist() != [4] * 5
    assert (effects[:3].sum(0) > effects[3]).all()


def test_the_effects_of_ease_add_up_to_the_score(models, train):
    model, history = models["ease"], of_user(train, 7)
    items = np.arange(N_ITEMS)
    rows, effects = explain.rating_effects(model, history, items)
    assert len(rows) == len(history)
    np.testing.assert_allclose(effects.sum(0), model.scores(np.array([7], np.int32))[0], atol=1e-5)


def test_the_general_way_finds_what_ease_says_of_itself(models, train, monkeypatch):
    """EASE is linear, so leaving a rating out takes away exactly its part of the score."""
    model, history, items = models["ease"], of_user(train, 7), np.arange(N_ITEMS)
    _, exact = explain.rating_effects(model, history, items)
    monkeypatch.setattr(type(model), "explain", recommenders.base.Recommender.explain)
    rows, left_out = explain.rating_effects(model, history, items)
    np.testing.assert_allclose(left_out, exact[rows], atol=1e-5)


def test_an_effect_is_the_score_less_the_score_without_that_rating(models, train):
    model, history = models["mf_bce"], of_user(train, 7)
    rows, effects = explain.rating_effects(model, history, np.arange(5))
    j = 3
    without = history.take(np.arange(len(history)) != rows[j])
    both = [model.fold_in(h).scores(np.zeros(1, np.int32))[0, :5] for h in (history, without)]
    np.testing.assert_allclose(effects[j], both[0] - both[1], atol=1e-5)


def test_of_a_long_history_the_ratings_of_like_movies_are_probed(models, monkeypatch):
    """A user with 6 odd movies among 20 even ones is recommended an odd one."""
    monkeypatch.setattr(explain, "PROBED", 6)
    liked = np.concatenate([np.arange(1, 13, 2), np.arange(0, 40, 2)])
    history = Ratings.of(np.zeros(len(liked)), liked)
    rows, effects = explain.rating_effects(models["mf_bce"], history, np.array([21]))
    assert effects.shape == (6, 1)
    assert np.mean(history.item[rows] % 2) >= 5 / 6


@pytest.mark.parametrize("name", ["popularity", "bias"])
def test_a_model_without_personal_scores_explains_by_no_rating(models, name):
    audience = top_n.new_user(models[name], np.array([1, 3]), np.array([5, 5]), 4)
    rows, effects = explain.rating_effects(models[name], audience.history, np.arange(5))
    assert len(rows) == 0
    assert effects.shape == (0, 5)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_user_unknown_to_the_model_has_a_list_without_explanations(models, train, name):
    """User 8 has ratings, but none in what the model learned from."""
    users, kept = np.array([8], np.int32), train.take(train.user != 8)
    audience = top_n.known_users(models[name], [8], users, kept, Ratings.empty(), train)
    items, _ = top_n.top_lists(audience, ALL, 5, name)
    rows, effects = explain.rating_effects(models[name], audience.history, items[0])
    assert (len(rows), effects.shape) == (0, (0, 5))


def test_a_new_user_with_a_single_rating_has_it_as_the_explanation(models):
    audience = top_n.new_user(models["mf_bce"], np.array([1]), np.array([5]), 4)
    rows, effects = explain.rating_effects(models["mf_bce"], audience.history, np.array([3, 5]))
    assert rows.tolist() == [0]
    assert (effects > 0).all()


def test_a_ranking_model_knows_what_is_liked_only_and_lists_nothing_that_is_rated(models):
    audience = top_n.new_user(models["ease"], np.array([1, 3, 1]), np.array([5, 2, 4]), 4)
    assert audience.history.item.tolist() == [1]
    assert sorted(audience.rated.item.tolist()) == [1, 3]
    with pytest.raises(MarqueeError, match="none of your 1 ratings is at least 4"):
        top_n.new_user(models["ease"], np.array([1]), np.array([3]), 4)
    everything = top_n.new_user(models["ease"], np.array([1]), np.array([1]), 0)
    assert everything.history.item.tolist() == [1]


def test_whoever_was_held_out_whole_is_folded_in(models, train):
    """User 8 counts as held out; their list is then that of a new user with the same ratings."""
    model, users = models["mf_bce"], np.array([3, 8], np.int32)
    held, kept = train.take(train.user == 8), train.take(train.user != 8)
    audience = top_n.known_users(model, [3, 8], users, kept, held, train)
    scores = audience.scores(np.array([1, 0], np.int32))
    view = model.fold_in(Ratings.of(np.zeros(len(held)), held.item))
    np.testing.assert_allclose(scores[0], view.scores(np.zeros(1, np.int32))[0], atol=1e-5)
    np.testing.assert_allclose(scores[1], model.scores(users[:1])[0], atol=1e-5)
    assert np.bincount(audience.history.user).tolist() == np.bincount(train.user)[users].tolist()


@pytest.mark.parametrize("name", ["ease", "mf_bce"])
def test_movies_of_one_kind_are_similar(models, name):
    cosines = top_n.item_similarities(models[name], 3, name)
    items, values = top_n.nearest_items(cosines, ALL, 3, 10)
    assert 3 not in items
    assert (items % 2 == 1).all()
    assert (np.diff(values) <= 0).all()
    assert values[0] <= 1 + 1e-6


@pytest.mark.parametrize("name", ["popularity", "bias"])
def test_a_model_of_one_number_for_each_movie_finds_none_similar(models, name):
    with pytest.raises(MarqueeError, match="ask another model"):
        top_n.item_similarities(models[name], 3, name)


def test_users_are_found_by_the_number_of_the_release():
    assert top_n.user_indices(["30", "10"], [10, 20, 30]).tolist() == [2, 0]
    assert top_n.user_indices(["b"], ["a", "b"]).tolist() == [1]
    with pytest.raises(MarqueeError, match=r"user '40' is not in this data.* from 10 to 30"):
        top_n.user_indices(["10", "40"], [10, 20, 30])
    with pytest.raises(MarqueeError, match="no user is named"):
        top_n.user_indices([], [10])


def test_asking_does_not_change_the_model(models):
    before = {name: json.dumps([a.tolist() for a in m.state()[0].values()]) for name, m in models.items()}
    for model in models.values():
        audience = top_n.new_user(model, np.array([1, 3]), np.array([5, 5]), 4)
        explain.rating_effects(model, audience.history, np.arange(5))
    after = {name: json.dumps([a.tolist() for a in m.state()[0].values()]) for name, m in models.items()}
    assert after == before


@pytest.mark.parametrize(
    ("counts", "least"),
    [
        ([100] * 50, 20),
        ([100] * 50 + [3] * 100, 20),  # 300 of 5,300 ratings are of movies with few
        ([3] * 50, 3),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3),  # 1 + 2 of 55 ratings; with 3 more than a tenth
        ([0, 0, 5], 5),
        ([0], 20),
    ],
)
def test_the_least_number_of_ratings_hides_a_tenth_of_them_at_most(counts, least):
    counts = np.array(counts)
    found = top_n.default_min_ratings(counts)
    assert found == least
    assert counts[counts < found].sum() <= 0.1 * counts.sum()


def test_ids_may_hold_blanks_and_commas():
    ids = ["Lee, Ann", "Bo Ray", 3, "Lee"]
    for text, found in (
        ("Lee, Ann\nBo Ray\n", ["Lee, Ann", "Bo Ray"]),
        ("Lee, Ann,3 , Lee", ["Lee, Ann", "3", "Lee"]),
        ('"Lee, Ann"\n3 Lee\n3', ["Lee, Ann", "3", "Lee"]),
        ("4, 5", ["4", "5"]),
        (" \n,", []),
    ):
        assert top_n.user_labels(text, ids) == found
