"""What every recommender must do. A new algorithm names itself in `cases.py` and gets all of it."""

from __future__ import annotations

import ast
import dataclasses
import json
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.errors import MarqueeError
from marquee.recommenders.base import DataShape, Recommender, TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.training.progress import FitProgress
from tests.recommenders.cases import CASES, HOW_TO

RATING = [name for name in CASES if CASES[name][1] == "rating"]
PERSONAL = [name for name in CASES if not name.startswith("popular") and name not in RATING]
RANDOM = [name for name in CASES if CASES[name][0] in ("mf_bce", "neural_mf", "sgd_mf", "autorec")]
SAMPLED = [name for name in RANDOM if name not in RATING]
N_USERS, N_ITEMS = 60, 40
GENRES = np.arange(N_ITEMS)[:, None] % 3 == np.arange(3)  # across the two colours
CATALOGUE = Catalogue(N_USERS, N_ITEMS, GENRES, ("Drama", "War", "Western"))
EVERYONE = np.arange(N_USERS, dtype=np.int32)


def checkerboard(seed: int = 0) -> Ratings:
    """Even users have half of the even items, odd users half of the odd ones: a checkerboard.

    User 58 and item 38 are left without a rating, user 59 has one. A user rates an item each day.
    """
    rng = named_rng(seed, "two camps")
    user, item = np.nonzero(np.add.outer(np.arange(N_USERS), np.arange(N_ITEMS)) % 2 == 0)
    kept = (rng.random(len(user)) < 0.5) & (user != 58) & (item != 38) & (user != 59)
    user, item = np.append(user[kept], 59), np.append(item[kept], 1)
    return Ratings.of(user, item, np.where(rng.random(len(user)) < 0.5, 5, 4), 86_400 * item)


def fitted(
    name: str,
    train: Ratings | None = None,
    seed: int = 0,
    progress: FitProgress | None = None,
    options: dict[str, Any] | None = None,
    validation: Ratings | None = None,
    n_users: int = N_USERS,
) -> Recommender:
    algorithm, task, usual, _ = CASES[name]
    model = recommenders.create(algorithm, task, usual if options is None else options, f"models.{name}")
    train = checkerboard() if train is None else train
    if name in SAMPLED:
        train = add_negatives(train, N_ITEMS, NegativeOptions(), KeyedRandom(seed, "negatives"))
    progress = progress or FitProgress(show=False)
    validation = Ratings.empty() if validation is None else validation
    catalogue = dataclasses.replace(CATALOGUE, n_users=n_users)
    return model.fit(TrainingData(train, validation, catalogue), named_rng(seed, "train"), progress)


@pytest.fixture(params=CASES)
def name(request) -> str:
    return request.param


@pytest.fixture
def model(models, name) -> Recommender:
    return models[name]


def test_every_algorithm_is_in_this_suite():
    assert {algorithm for algorithm, *_ in CASES.values()} == set(recommenders.algorithms())


def test_what_a_model_keeps_is_what_its_formula_says(model, name):
    """And a fit holds more than that, and has work to do."""
    stored = sum(array.nbytes for array in model.state()[0].values())
    cost = type(model).cost(
        model.options, DataShape(N_USERS, N_ITEMS, len(checkerboard()), 0, per_positive=4)
    )
    assert cost.model_bytes == pytest.approx(stored, rel=0.3, abs=2000)
    assert cost.peak_bytes >= cost.model_bytes
    assert cost.epochs == getattr(model.options, "epochs", 0)
    assert all(hasattr(model.options, option) for option in cost.reduce_with)


def test_the_line_that_the_how_to_adds_is_the_one_that_is_tested():
    page = (HOW_TO / "add-an-algorithm.md").read_text("utf-8")
    line = next(line for line in page.splitlines() if line.startswith('    "random_walk": '))
    assert ast.literal_eval(f"{{{line}}}") == {"random_walk": CASES["random_walk"]}


# An option is shown to matter by a pair of fits. `device` must not, `kernel` in the last bits at most,
# `patience` does by a validation alone.
OPTIONS = {
    (algorithm, field.name): field
    for algorithm in recommenders.algorithms()
    for field in dataclasses.fields(import_module(f"marquee.recommenders.{algorithm}").Options)
}


def case_of(algorithm: str, field: dataclasses.Field) -> str | None:
    """A case that sets an option to other than its default."""
    for name, (named, _, options, _) in CASES.items():
        if named == algorithm and field.name in options and options[field.name] != field.default:
            return name
    return None


@pytest.mark.parametrize(("algorithm", "option"), [key for key in OPTIONS if key[1] != "patience"])
def test_every_option_is_set_by_a_case_and_changes_the_model(algorithm, option):
    name = case_of(algorithm, OPTIONS[algorithm, option])
    assert name is not None, f"no case of CASES sets {option} of {algorithm} to other than its default"
    few = {"epochs": 3} if "epochs" in CASES[name][2] and option != "epochs" else {}
    given = CASES[name][2] | few
    usual = {key: value for key, value in given.items() if key != option}
    one, other = fitted(name, options=given), fitted(name, options=usual)
    if option == "kernel":
        np.testing.assert_allclose(one.scores(EVERYONE), other.scores(EVERYONE), atol=1e-5)
    else:
        assert (as_bytes(one) == as_bytes(other)) == (option == "device")


@pytest.mark.parametrize("algorithm", [key[0] for key in OPTIONS if key[1] == "patience"])
def test_patience_ends_a_fit_that_only_gets_worse(algorithm):
    """Validation on what training contradicts."""
    name = next(name for name in CASES if CASES[name][0] == algorithm)
    train, lengths = checkerboard(), []
    if name in RATING:
        against = Ratings.of(train.user, train.item, -train.rating)
    else:
        against = Ratings.of(EVERYONE[:58], np.where(EVERYONE[:58] % 2 == 0, 1, 0))  # the other colour
    for patience in (1, 4):
        progress = FitProgress(show=False)
        options = CASES[name][2] | {"patience": patience, "epochs": 60}
        fitted(name, options=options, progress=progress, validation=against)
        lengths.append(len(progress.rows))
    assert lengths[0] < lengths[1] < 60


def test_scores_are_finite_float32_for_everyone_and_every_item(model):
    scores = model.scores(EVERYONE)
    assert scores.shape == (N_USERS, N_ITEMS)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all(), "users and items without a rating included"


def test_a_batch_equals_one_by_one(model):
    whole = model.scores(EVERYONE)
    for user in (0, 1, 58, 59):
        np.testing.assert_allclose(model.scores(EVERYONE[user : user + 1])[0], whole[user], atol=1e-5)


def test_the_order_of_users_is_that_of_the_question(model):
    np.testing.assert_array_equal(model.scores(EVERYONE[[7, 3, 7]])[[0, 1]], model.scores(EVERYONE[[7, 3]]))


def test_nobody_asked_for_is_an_empty_answer(model):
    assert model.scores(EVERYONE[:0]).shape == (0, N_ITEMS)


@pytest.mark.parametrize("name", PERSONAL)
def test_the_checkerboard_is_found(models, name):
    """Of what a user has not rated, the best ten are of the user's own colour."""
    scores, train = models[name].scores(EVERYONE), checkerboard()
    scores[train.user, train.item] = -np.inf
    scores[:, 38] = -np.inf
    own = [np.argsort(-scores[user])[:5] % 2 == user % 2 for user in range(58)]
    assert np.mean(own) > 0.95


def test_stored_and_loaded_is_the_same_model(model, tmp_path):
    recommenders.store(model, tmp_path, {"seed": 7})
    loaded = recommenders.load(tmp_path)
    assert (loaded.n_users, loaded.n_items) == (N_USERS, N_ITEMS)
    assert (loaded.task, loaded.options, loaded.fitted) == (model.task, model.options, {"seed": 7})
    np.testing.assert_array_equal(loaded.scores(EVERYONE), model.scores(EVERYONE))
    history = checkerboard().take(checkerboard().user < 3)
    np.testing.assert_array_equal(
        loaded.fold_in(history).scores(EVERYONE[:3]), model.fold_in(history).scores(EVERYONE[:3])
    )


def test_what_a_movie_has_for_everyone_is_a_number_of_stars_where_a_model_has_it(models):
    offered = {name: model.item_biases() for name, model in models.items()}
    found = {name for name, biases in offered.items() if biases is not None}
    without = {"mlp", "sgd_mf", "sgd_mf_numpy", "autorec_user", "autorec_item"}
    assert found == set(RATING) - without
    for name in found:
        assert offered[name].shape == (N_ITEMS,)
        assert np.isfinite(offered[name]).all()
        assert np.abs(offered[name]).max() < 1, "two camps rate 4 and 5"
        view = models[name].fold_in(Ratings.of([0], [3], [5]))
        np.testing.assert_array_equal(view.item_biases(), offered[name])


def test_what_a_model_learned_of_genres_has_a_row_for_each(models):
    for name, rows in (("als_genres", (3, 4)), ("als_mf", None), ("bias", None)):
        vectors = models[name].genre_embeddings()
        assert (vectors if vectors is None else vectors.shape) == rows


@pytest.mark.parametrize("name", [name for name in RATING if CASES[name][0] != "bias"])
def test_a_model_that_learns_in_epochs_says_how_it_meets_its_training_ratings(name):
    progress, train = FitProgress(show=False), checkerboard()
    model = fitted(name, progress=progress)
    error = model.predict(train.user, train.item) - train.rating
    assert progress.rows[-1]["train"] == pytest.approx(np.sqrt(np.mean(error**2)), abs=0.08)


def as_bytes(model: Recommender) -> bytes:
    arrays, metadata = model.state()
    return b"".join(arrays[key].tobytes() for key in sorted(arrays)) + json.dumps(metadata).encode()


def test_the_same_seed_gives_the_same_bytes(model, name):
    assert as_bytes(fitted(name)) == as_bytes(model)


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_gives_other_bytes(models, name):
    assert as_bytes(fitted(name, seed=1)) != as_bytes(models[name])


def test_a_training_user_folded_in_gets_their_list_back(model, name):
    """As far as the algorithm promises: CASES says how much of the top ten."""
    train = checkerboard()
    view = model.fold_in(train)
    users = np.flatnonzero(np.bincount(train.user, minlength=58)[:58] > 3).astype(np.int32)
    old, new = (np.argsort(-m.scores(users), axis=1, kind="stable")[:, :10] for m in (model, view))
    overlap = np.mean([len(np.intersect1d(a, b)) for a, b in zip(old, new, strict=True)])
    assert overlap >= CASES[name][3]
    if CASES[name][3] == 10:
        np.testing.assert_array_equal(view.scores(users), model.scores(users))


def test_folding_in_does_not_change_the_model(models, name):
    before = models[name].scores(EVERYONE)
    models[name].fold_in(Ratings.of([0, 0, 1], [3, 5, 2], [5, 4, 1]))
    np.testing.assert_array_equal(models[name].scores(EVERYONE), before)


def test_someone_without_a_history_between_two_others_gets_an_answer(model):
    view = model.fold_in(Ratings.of([0, 2], [3, 5], [5, 4]))
    scores = view.scores(EVERYONE[:3])
    assert scores.shape == (3, N_ITEMS)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", PERSONAL)
def test_a_newcomer_of_one_colour_gets_that_colour(models, name):
    view = models[name].fold_in(Ratings.of([0] * 5, [1, 3, 5, 7, 9], 5))
    order = np.argsort(-view.scores(EVERYONE[:1])[0])
    fresh = order[~np.isin(order, [1, 3, 5, 7, 9, 38])][:5]
    assert (fresh % 2 == 1).all()


def test_the_order_of_training_rows_does_not_matter_where_nothing_is_sampled(models, name):
    if name in RANDOM:
        name = "ease"
    train = checkerboard()
    shuffled = train.take(named_rng(3, "shuffle").permutation(len(train)))
    again = fitted(name, shuffled).scores(EVERYONE)
    np.testing.assert_allclose(again, models[name].scores(EVERYONE), atol=1e-5)


@pytest.mark.parametrize("name", RATING)
def test_predictions_are_on_the_rating_scale_cold_pairs_included(models, name):
    users, items = np.array([0, 58, 0, 58], np.int32), np.array([0, 0, 38, 38], np.int32)
    predicted = models[name].predict(users, items)
    assert predicted.dtype == np.float32
    assert ((predicted > 3.5) & (predicted < 5.5)).all()


@pytest.mark.parametrize("name", [name for name in CASES if name not in RATING])
def test_a_ranker_says_that_it_predicts_no_ratings(models, name):
    with pytest.raises(MarqueeError, match="predicts no ratings"):
        models[name].predict(EVERYONE[:1], EVERYONE[:1])


def test_a_catalogue_of_one_item_is_no_special_case(name):
    algorithm, task, options, _ = CASES[name]
    train = Ratings.of([0, 1], [0, 0], [4, 5])
    if name in SAMPLED:
        with pytest.raises(MarqueeError, match="user"):
            add_negatives(train, 1, NegativeOptions(), KeyedRandom(0, "negatives"))
        return
    model = recommenders.create(algorithm, task, options, "models.m")
    model.fit(TrainingData(train, Ratings.empty(), Catalogue.of(2, 1)), named_rng(0, "m"))
    assert np.isfinite(model.scores(EVERYONE[:2])).all()


def test_an_option_that_does_not_exist_is_named(name):
    algorithm, task, options, _ = CASES[name]
    with pytest.raises(MarqueeError, match=r"models\.m\.speed is not a parameter"):
        recommenders.create(algorithm, task, {**options, "speed": 1}, "models.m")


def test_an_unknown_algorithm_and_a_wrong_task_are_named():
    with pytest.raises(MarqueeError, match=r"models.m.algorithm is 'eas'; did you mean 'ease'\?"):
        recommenders.create("eas", "ranking", {}, "models.m")
    with pytest.raises(MarqueeError, match="ease is made for ranking"):
        recommenders.create("ease", "rating", {}, "models.m")


def test_a_folder_without_a_model_says_what_to_run(tmp_path):
    with pytest.raises(MarqueeError, match="holds no trained model: run `dvc repro train@"):
        recommenders.load(tmp_path)


def test_factors_are_those_whose_product_the_scores_are(model):
    if (factors := model.factors()) is not None:
        left, right = factors
        assert left.dtype == right.dtype == np.float32
        np.testing.assert_allclose(left @ right.T, model.scores(EVERYONE), atol=1e-5)
