"""A model's figures: it has those that it can, and their captions state the right numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.evaluation.learned import favorite_genres, learned, read_learned, write_learned
from marquee.evaluation.residuals import tables
from marquee.figures.captioned import Captioned
from marquee.figures.model_figures import describe_errors, describe_genres, gallery, kinship, model_figures
from marquee.figures.svg import svg
from marquee.recommenders.base import TrainingData
from marquee.rng import named_rng
from marquee.training.progress import FitProgress

N_USERS, N_ITEMS = 40, 30
SCALE = {"low": 1, "high": 5}
KINDS = np.arange(N_ITEMS) % 3
GENRES = KINDS[:, None] == np.arange(3)
NAMES = ("Comedy", "Drama", "War")
CATALOGUE = Catalogue(N_USERS, N_ITEMS, GENRES, NAMES)
MOVIES = {
    "movie_id": range(1001, 1001 + N_ITEMS),
    "title": [None, *(f"Movie {item}" for item in range(1, N_ITEMS))],
    "year": [None, *range(1971, 1970 + N_ITEMS)],
    "genres": [[NAMES[kind]] for kind in KINDS],
}


USERS = {"user_id": [f"u{user}" for user in range(N_USERS)], "age": [None, *range(21, 20 + N_USERS)]}
ERRORS = ("errors", "calibration", "errors_by_user", "errors_by_movie")


def test_genres_beyond_thirty_are_left_out_of_the_table_of_cosines():
    names = tuple(f"Genre {n}" for n in range(200))
    genres = np.arange(N_ITEMS)[:, None] % 40 >= np.arange(200)[None, :] % 40
    model, train = (
        recommenders.create("als", "rating", {"dim": 3, "use_genres": True}, "models.m"),
        three_tastes(),
    )
    catalogue = Catalogue(N_USERS, N_ITEMS, genres, names)
    model.fit(TrainingData(train, Ratings.empty(), catalogue), named_rng(0, "m"), FitProgress(show=False))
    movies = MOVIES | {"genres": [[names[genre] for genre in np.flatnonzero(row)] for row in genres]}
    found = learned(model, train, catalogue, movies, USERS)
    (axes,) = model_figures("rating", [], None, found)["genres"].figure.axes
    assert len(axes.get_yticks()) == 30


def three_tastes() -> Ratings:
    """Everyone likes one of three genres, and rates half of all movies."""
    rng = named_rng(0, "three tastes")
    user, item = np.nonzero(rng.random((N_USERS, N_ITEMS)) < 0.5)
    return Ratings.of(user, item, np.where(user % 3 == KINDS[item], 5, 2))


@pytest.mark.parametrize(
    ("algorithm", "options", "kinds"),
    [
        ("popularity", {}, []),
        ("bias", {}, [*ERRORS, "biases"]),
        ("ease", {"regularization": 1}, ["movies_pca", "movies_tsne", "users_pca"]),
        (
            "als",
            {"dim": 3, "use_genres": True},
            ["learning_curve", *ERRORS, "movies_pca", "movies_tsne", "users_pca", "biases", "genres"],
        ),
    ],
)
def test_a_model_has_the_figures_that_it_can(tmp_path, algorithm, options, kinds):
    task = "rating" if "errors" in kinds else "ranking"
    model, train = recommenders.create(algorithm, task, options, "models.m"), three_tastes()
    train = train if task == "rating" else train.take(train.rating == 5)
    progress = FitProgress(show=False)
    model.fit(TrainingData(train, Ratings.empty(), CATALOGUE), named_rng(0, "m"), progress)
    residuals = None
    if task == "rating":
        pairs = {"user": train.user, "item": train.item, "rating": train.rating}
        pairs["predicted"] = model.predict(train.user, train.item)
        counts = np.bincount(train.user), np.bincount(train.item)
        residuals = tables(pairs, *counts, SCALE)
    write_learned(tmp_path, learned(model, train, CATALOGUE, MOVIES, USERS))
    found = model_figures(task, progress.rows, residuals, read_learned(tmp_path))
    assert list(found) == kinds
    if "biases" in kinds:
        best = int(model.item_biases().argmax())
        assert (f"Movie {best}" if best else "#1001") in found["biases"].caption
    if "users_pca" in kinds:
        names = re.findall("<title>(.*?)</title>", svg(found["users_pca"].figure))
        assert len(names) == N_USERS
        n = np.bincount(train.user)
        assert {f"user u0, {n[0]} ratings", f"user u7, 27, {n[7]} ratings"} <= set(names)
    if "movies_pca" in kinds:
        assert re.findall(r"\d+%", found["movies_pca"].caption)[-1] == "31%", "9 of 29 others"


def test_the_genre_of_a_user_is_that_rated_most_beyond_the_usual():
    train = Ratings.of(np.array([0, 0, 0, 1, 1, 2, 2, 2, 4]), np.array([0, 0, 1, 2, 0, 1, 1, 1, 3]))
    genres = np.array([[True, False], [True, True], [False, True], [False, False]])
    catalogue = Catalogue(5, 4, genres, ("Drama", "War"))
    found = favorite_genres(train, catalogue, np.array([0, 1, 2, 4]))
    assert found == [["Drama"], ["War"], ["War"], []]
    assert favorite_genres(train, Catalogue.of(5, 4), np.array([1, 0])) == [[], []]


def test_users_of_one_taste_are_close_in_every_model():
    for algorithm, options in (("ease", {"regularization": 1}), ("item_knn", {}), ("als", {"dim": 3})):
        task = "rating" if algorithm == "als" else "ranking"
        model, train = recommenders.create(algorithm, task, options, "models.m"), three_tastes()
        train = train if task == "rating" else train.take(train.rating == 5)
        model.fit(TrainingData(train, Ratings.empty(), CATALOGUE))
        vectors = model.unit_user_embeddings(np.arange(N_USERS))
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        same = np.arange(N_USERS)[:, None] % 3 == np.arange(N_USERS) % 3
        cosines = vectors @ vectors.T
        assert cosines[same].min() > cosines[~same].max(), algorithm
        np.testing.assert_array_equal(vectors[[7, 3]], model.unit_user_embeddings(np.array([7, 3])))


def test_the_nearest_are_counted_by_whether_they_share_a_genre():
    vectors = GENRES / np.linalg.norm(GENRES, axis=1, keepdims=True)
    near, of_all = kinship(vectors, GENRES)
    assert near == pytest.approx(0.9)  # nine of ten: there are ten of each genre
    assert of_all == pytest.approx(9 / 29)
    assert np.isnan(kinship(vectors[:5], GENRES[:5])[0])


def test_the_words_below_the_errors_are_the_numbers_in_them():
    user = np.arange(100)
    rating = np.repeat([2.0, 4.0], 50)
    pairs = {"user": user, "item": user % 2, "rating": rating, "predicted": rating + np.tile([0.5, -1.5], 50)}
    found = tables(pairs, np.bincount([0, 1, 1], minlength=100), np.array([0, 3]), SCALE)
    words = describe_errors(found)
    assert found["within"] == {"limit": 1, "fraction": 0.5}
    assert "50% of the predictions is at most 1; the mean error is −0.500." in words["errors"]
    assert "For movies without any it is 0.500 (50 test ratings)." in words["errors_by_movie"]


def test_the_most_similar_genres_are_named():
    factors = np.array([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.0]])
    words = describe_genres(factors, NAMES)
    assert "Comedy and Drama (+0.99)" in words
    assert "Comedy and War (−1.00)" in words


def test_a_folder_shows_its_figures_and_is_never_empty():
    found = {"map": Captioned(Figure(), "Movies.", "Map")}
    assert gallery("als", found) == "# als\n\n![Map](map.png)\n\nMovies.\n"
    assert "no figures" in gallery("popularity", {})
