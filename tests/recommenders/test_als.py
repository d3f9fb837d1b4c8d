"""ALS: each solve is exact, the objective falls, genres are priors of movies, fold-in is the same solve."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from marquee.config import parse
from marquee.data.published_splits import read_fold
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.splits import SplitOptions, split
from marquee.movielens.download import fetch_release
from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import Scale
from marquee.recommenders.als import ALSTrainer, Model, Options, Side, genre_fractions, solve_genres
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.training.progress import FitProgress
from tests.crash import CrashingProgress, Killed

GENRES = np.array(
    [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]], bool
)
CATALOGUE = Catalogue(12, 8, GENRES, ("Action", "Drama", "Western"))


def opinions(seed: int = 0, cold: int = 7) -> Ratings:
    """Twelve users of two tastes and eight movies: even users like action, odd ones drama.

    Movie `cold`, an action movie, has no rating.
    """
    rng = named_rng(seed, "opinions")
    user, item = np.nonzero((rng.random((12, 8)) < 0.7) & (np.arange(8) != cold))
    likes = np.where(user % 2 == 0, GENRES[item, 0], GENRES[item, 1])
    return Ratings.of(user, item, np.where(likes, 5, 2) - (rng.random(len(user)) < 0.3))


def options(**given) -> Options:
    chosen = {"dim": 3, "regularization": 1, "epochs": 15, "use_genres": True, "genre_regularization": 0.5}
    return parse(Options, chosen | given, "models.als")


def fitted(train: Ratings | None = None, catalogue: Catalogue = CATALOGUE, validation=None, **given) -> Model:
    train = opinions() if train is None else train
    validation = Ratings.empty() if validation is None else validation
    progress = FitProgress(show=False)
    model = Model(options(**given)).fit(
        TrainingData(train, validation, catalogue), named_rng(0, "als"), progress
    )
    model.curve = progress.rows
    return model


def sides(model: Model, train: Ratings) -> tuple[ALSTrainer, np.ndarray]:
    fractions = genre_fractions(GENRES)
    return ALSTrainer(model, train, fractions), (fractions @ model.genres).astype(np.float32)


def objective(model: Model, train: Ratings, **changed) -> float:
    """As it stands in the docstring of `Model`, pair by pair."""
    o = model.options
    users, items, genres = (changed.get(name, getattr(model, name)) for name in ("users", "items", "genres"))
    users, items, genres = users.astype(float), items.astype(float), genres.astype(float)
    total = 0.0
    for u, i, r in zip(train.user, train.item, train.rating, strict=True):
        total += (r - model.mean - users[u, 0] - items[i, 0] - users[u, 1:] @ items[i, 1:]) ** 2
    for u, row in enumerate(users):
        w = max((train.user == u).sum(), 1) ** o.frequency_exponent
        total += w * (o.user_bias_regularization * row[0] ** 2 + o.regularization * row[1:] @ row[1:])
    for i, row in enumerate(items):
        n = (train.item == i).sum()
        w = max(n, 1) ** o.frequency_exponent
        away = row - (genres[GENRES[i]].mean(axis=0) if len(genres) and GENRES[i].any() else 0)
        total += (o.genre_bias_regularization * n * away[0] ** 2) if o.use_genres else 0
        total += w * (o.item_bias_regularization * away[0] ** 2 + o.regularization * away[1:] @ away[1:])
    for row in genres:
        penalty = o.item_bias_regularization * row[0] ** 2 + o.regularization * row[1:] @ row[1:]
        total += o.genre_regularization * penalty
    return total


THREADS = """
import numba, numpy as np
from marquee.data.ratings import Ratings, Catalogue
from marquee.recommenders.base import TrainingData
from marquee.recommenders.als import Model, Options
rng = np.random.default_rng(0)
user, item = np.nonzero(rng.random((300, 200)) < 0.2)
train = Ratings.of(user, item, rng.integers(1, 6, len(user)))
catalogue = Catalogue(300, 200, rng.random((200, 9)) < 0.2, tuple("abcdefghi"))
found = []
for threads in (1, 2):
    numba.set_num_threads(threads)
    model = Model(Options(dim=7, use_genres=True, epochs=4))
    model.fit(TrainingData(train, Ratings.empty(), catalogue), np.random.default_rng(1))
    found.append(b"".join(array.tobytes() for array in model.state()[0].values()))
assert len(found[0]) > 10_000
print(found[0] == found[1])
"""


def test_one_thread_and_two_give_the_same_bytes():
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        env={**os.environ, "NUMBA_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


# The objective


@pytest.mark.parametrize(("power", "penalty"), [(0, 0), (0.5, 0.3), (1, 0)])
@pytest.mark.parametrize("genres", [True, False])
def test_the_objective_never_rises_and_is_the_one_that_is_stated(power, penalty, genres):
    model = fitted(frequency_exponent=power, genre_bias_regularization=penalty, use_genres=genres, epochs=25)
    train = opinions()
    losses = np.array([row["loss"] for row in model.curve])
    assert (np.diff(losses) <= 1e-6 * losses[0]).all()
    assert losses[-1] < losses[0]
    assert losses[-1] == pytest.approx(objective(model, train) / len(train), rel=1e-5)


@pytest.mark.parametrize(("power", "penalty"), [(0, 0), (0, 0.3), (1, 0)])
@pytest.mark.parametrize("side", ["users", "items", "genres"])
def test_no_small_step_from_a_solve_lowers_the_objective(side, power, penalty):
    model, train = fitted(epochs=2, frequency_exponent=power, genre_bias_regularization=penalty), opinions()
    sweeps, prior = sides(model, train)
    if side == "users":
        model.users, _ = sweeps.users.solve(model.mean, model.items, np.zeros((1, 4), np.float32))
    elif side == "items":
        model.items, _ = sweeps.items.solve(model.mean, model.users, prior)
    else:
        model.genres = solve_genres(model.items, sweeps.fractions, sweeps.items.regularization, sweeps.ridge)
    lowest, rng = objective(model, train), np.random.default_rng(0)
    place = getattr(model, side).astype(float)
    for size in (1e-1, 1e-2, 1e-3):
        for _ in range(20):
            step = rng.normal(size=place.shape) * size
            assert objective(model, train, **{side: place + step}) > lowest


def test_the_bias_alone_equals_a_solve_of_the_whole_system():
    """dim 0 is linear in all biases at once: one least-squares problem for the whole."""
    train = opinions()
    model = fitted(train, dim=0, use_genres=False, epochs=60)
    design = np.zeros((len(train), 20))
    design[np.arange(len(train)), train.user] = design[np.arange(len(train)), 12 + train.item] = 1
    system = design.T @ design + np.diag([5.0] * 12 + [2.0] * 8)
    biases = np.linalg.solve(system, design.T @ (train.rating - model.mean))
    np.testing.assert_allclose(np.append(model.users[:, 0], model.items[:, 0]), biases, atol=1e-5)


# The model


def test_two_tastes_are_found():
    """The unseen pairs of those who like action and those who like drama."""
    model, train = fitted(use_genres=False), opinions()
    scores = model.scores(np.arange(12, dtype=np.int32))
    seen = train.matrix(12, 8).toarray() > 0
    action, drama = [0, 1], [2, 3]
    for likes, dislikes, users in ((action, drama, slice(0, 12, 2)), (drama, action, slice(1, 12, 2))):
        unseen = ~seen[users]
        assert scores[users][:, likes][unseen[:, likes]].min() > 3.5
        assert scores[users][:, dislikes][unseen[:, dislikes]].max() < 3.5


def test_a_cold_movie_scores_as_its_genre():
    model = fitted()
    np.testing.assert_allclose(model.items[7], model.genres[0], rtol=1e-6)
    scores = model.scores(np.arange(12, dtype=np.int32))[:, 7]
    assert scores[::2].min() > scores[1::2].max(), "those who like action like the unseen action movie"
    both = opinions(cold=4)
    np.testing.assert_allclose(fitted(both).items[4], fitted(both).genres[:2].mean(axis=0), rtol=1e-5)


def test_a_cold_movie_without_genres_scores_as_the_bias_of_its_user():
    model = fitted(use_genres=False)
    np.testing.assert_array_equal(model.items[7], 0)
    everyone = np.arange(12, dtype=np.int32)
    np.testing.assert_allclose(model.scores(everyone)[:, 7], model.mean + model.users[:, 0], rtol=1e-6)


def test_a_catalogue_without_genres_leaves_the_priors_at_zero():
    plain = Catalogue.of(12, 8)
    with_, without = fitted(catalogue=plain, use_genres=True), fitted(catalogue=plain, use_genres=False)
    np.testing.assert_array_equal(with_.items, without.items)
    assert with_.genres.shape == (0, 4)


def test_a_strong_penalty_leaves_only_the_mean():
    model = fitted(regularization=1e9, user_bias_regularization=1e9, item_bias_regularization=1e9)
    np.testing.assert_allclose(model.scores(np.arange(12, dtype=np.int32)), model.mean, atol=1e-4)


def test_a_prediction_is_the_score_of_the_pair():
    model, train = fitted(), opinions()
    scores = model.scores(np.arange(12, dtype=np.int32))
    predicted = model.predict(train.user, train.item)
    np.testing.assert_allclose(predicted, scores[train.user, train.item], rtol=1e-5)


@pytest.mark.parametrize("stopped_early", [False, True])
def test_folding_in_the_training_users_gives_their_rows_to_the_bit(stopped_early):
    train = opinions()
    held = np.arange(len(train)) % 6 == 0
    validation = train.take(held) if stopped_early else Ratings.empty()
    train = train.take(~held)
    model = fitted(train, validation=validation, regularization=0.3, epochs=40, patience=1)
    assert (len(model.curve) < 40) == stopped_early
    view = model.fold_in(train)
    np.testing.assert_array_equal(view.users, model.users)
    alone = train.take(train.user == 5)
    new_user = model.fold_in(Ratings.of(alone.user * 0, alone.item, alone.rating))
    np.testing.assert_array_equal(new_user.users[0], model.users[5])


@pytest.mark.parametrize(("n_users", "n_items"), [(1, 1), (1, 8), (12, 1)])
def test_one_user_or_one_movie_is_no_special_case(n_users, n_items):
    everyone, everything = np.indices((n_users, n_items)).reshape(2, -1)
    train = Ratings.of(everyone, everything, 1 + (everyone + everything) % 5)
    model = fitted(train, Catalogue(n_users, n_items, GENRES[:n_items], CATALOGUE.genre_names))
    assert np.isfinite(model.scores(np.arange(n_users, dtype=np.int32))).all()


def test_the_weight_of_a_row_is_a_power_of_its_count():
    ratings = Ratings.of([0, 0, 0, 0, 1], [0, 1, 2, 3, 0], 3).matrix(3, 4)
    found = [Side.of(ratings, options(frequency_exponent=x), 5.0).regularization for x in (0, 0.5, 1)]
    weights = np.array([[1, 1, 1], [2, 1, 1], [4, 1, 1]])
    np.testing.assert_array_equal(found, weights[:, :, None] * [5, 1])


def test_genres_follow_the_ratings_where_a_penalty_ties_them():
    """Two films are rated 5 by twenty users, three 1 by one: 2.6 by film, 203 / 43 = 4.7 by rating."""
    n_users = 20
    user = np.append(np.tile(np.arange(n_users), 2), [0, 1, 2])
    item = np.append(np.repeat([0, 1], n_users), [2, 3, 4])
    train = Ratings.of(user, item, np.where(item < 2, 5, 1))
    films = Catalogue(n_users, 6, np.ones((6, 1), bool), ("Film",))  # the sixth nobody has rated
    light = {"dim": 0, "item_bias_regularization": 0.01, "user_bias_regularization": 1e6, "epochs": 200}
    by_film, by_rating = (
        fitted(train, films, genre_bias_regularization=penalty, genre_regularization=0.001, **light)
        for penalty in (0, 0.1)
    )
    unseen = [float(model.mean + model.items[5, 0]) for model in (by_film, by_rating)]
    assert unseen[0] == pytest.approx(2.6, abs=0.1)
    assert unseen[1] == pytest.approx(4.7, abs=0.1)


def test_a_killed_fit_ends_with_the_bytes_of_an_undisturbed_one(tmp_path):
    def fit(progress):
        train, empty = opinions(), Ratings.empty()
        return Model(options()).fit(TrainingData(train, empty, CATALOGUE), named_rng(0, "als"), progress)

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        fit(CrashingProgress(path, 4))
    resumed, undisturbed = FitProgress(checkpoint=path, show=False), FitProgress(show=False)
    first, second = fit(resumed).state()[0], fit(undisturbed).state()[0]
    assert {name: array.tobytes() for name, array in first.items()} == {
        name: array.tobytes() for name, array in second.items()
    }
    assert resumed.rows == undisturbed.rows


# Real data


@pytest.mark.real
def test_the_official_folds_of_ml_100k(movielens, tmp_path):
    """Mean RMSE over u1 to u5, predictions clipped: at most .913 with genres, .941 for biases."""
    wanted = release("ml-100k")
    fetch_release(wanted, str(movielens), tmp_path, tmp_path / "scratch", show_progress=False)
    found = read_release(tmp_path, wanted.layout, Scale(*wanted.scale), CustomColumns())
    ids = found.users["user_id"].to_numpy(), found.movies["movie_id"].to_numpy()
    ratings, catalogue = (
        Ratings.from_table(found.ratings),
        Catalogue.from_genres(len(ids[0]), found.movies["genres"]),
    )
    chosen = {
        "dim": 10,
        "regularization": 14,
        "genre_regularization": 3,
        "genre_bias_regularization": 0.03,
        "epochs": 40,
    }
    models = {
        "als_bias": chosen | {"dim": 0, "use_genres": False},
        "als_mf": chosen | {"use_genres": False},
        "als_genres": chosen,
    }
    rmse = dict.fromkeys(models, 0.0)
    cold: dict[str, list] = {name: [] for name in models}
    for fold in range(1, 6):
        files = SplitOptions("file", 0, train_file=f"u{fold}.base", test_file=f"u{fold}.test")
        rows = read_fold(tmp_path, files.train_file, files.test_file, *ids, ratings)
        parts = split(ratings, files, KeyedRandom(2024, "split@rating"), rows)
        for name, block in models.items():
            model = fitted(parts.train, catalogue, **block)
            errors = model.predict(parts.test.user, parts.test.item).clip(1, 5) - parts.test.rating
            rmse[name] += np.sqrt(np.mean(errors**2)) / 5
            cold[name].extend(errors[~np.isin(parts.test.item, parts.train.item)])
    assert rmse["als_bias"] == pytest.approx(0.9412, abs=0.002)
    assert rmse["als_genres"] <= 0.913
    assert rmse["als_genres"] < rmse["als_mf"] < rmse["als_bias"]
    assert len(cold["als_genres"]) == 167
    unseen = {name: np.sqrt(np.mean(np.square(errors))) for name, errors in cold.items()}
    assert unseen["als_genres"] < unseen["als_bias"] - 0.05, "whose movies have no bias until they are rated"
