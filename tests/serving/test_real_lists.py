"""Real data: a user who likes five science-fiction films is recommended science fiction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.data.splits import SplitOptions, split
from marquee.movielens.download import fetch_release
from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import Scale
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.serving import top_n
from marquee.serving.catalogue import MovieCatalogue
from tests.all_models import TREE

pytestmark = pytest.mark.real
SCIENCE_FICTION = ["Alien (1979)", "blade runner", "The Terminator", "aliens", "2001: a space odyssey"]
ROMANCE = [
    "When Harry Met Sally",
    "sense and sensibility",
    "much ado about nothing",
    "casablanca",
    "Roman Holiday",
]
BLOCKS = TREE["models"]
PERSONAL = [name for name in BLOCKS if name not in ("popularity", "bias", "als_bias")]


@pytest.mark.parametrize(("name", "least"), [("ml-100k", 0.6), ("ml-1m", 0.8)])
def test_five_science_fiction_films_are_reflected(movielens, tmp_path, name, least):
    """Under EASE; 6 % of ML-100K's movies are Sci-Fi and 7 % of ML-1M's."""
    wanted = release(name)
    fetch_release(wanted, str(movielens), tmp_path, tmp_path / "scratch", show_progress=False)
    assert wanted.scale
    found = read_release(tmp_path, wanted.layout, Scale(*wanted.scale), CustomColumns())
    ratings, movies = Ratings.from_table(found.ratings), MovieCatalogue.from_table(found.movies)
    liked = ratings.take(ratings.rating >= 4)
    model = recommenders.create("ease", "ranking", {}, "models.ease")
    sizes = Catalogue.of(len(found.users), len(movies))
    model.fit(
        TrainingData(Ratings.of(liked.user, liked.item), Ratings.empty(), sizes),
        named_rng(0, "ease"),
    )
    search = movies.search()
    items = np.array([movies.find_one(title, search) for title in SCIENCE_FICTION])
    user = top_n.new_user(model, items, np.array([5, 5, 5, 5, 4]), 4)
    listed, _ = top_n.top_lists(user, np.ones(len(movies), bool), 10, "ease")
    science_fiction = np.array(["Sci-Fi" in genres for genres in movies.genres])
    assert science_fiction.mean() < 0.08
    assert science_fiction[listed[0]].mean() >= least


@pytest.fixture(scope="module")
def ml_100k(movielens, tmp_path_factory):
    folder, wanted = tmp_path_factory.mktemp("ml-100k"), release("ml-100k")
    fetch_release(wanted, str(movielens), folder, folder / "scratch", show_progress=False)
    assert wanted.scale
    found = read_release(folder, wanted.layout, Scale(*wanted.scale), CustomColumns())
    catalogue = Catalogue.from_genres(len(found.users), found.movies["genres"])
    return Ratings.from_table(found.ratings), MovieCatalogue.from_table(found.movies), catalogue


def reflection(model: Any, ranks: bool, movies: MovieCatalogue, often: np.ndarray) -> np.ndarray:
    """float64 [2 new users, 2 genres]: who likes the five science-fiction films and who likes the romances,
    and the rank of science fiction and of romance: their mean percentile (1 is the top) among the movies
    that are rated `often` [n_items] and of neither five."""
    search = movies.search()
    liked = [
        np.array([movies.find_one(title, search) for title in five]) for five in (SCIENCE_FICTION, ROMANCE)
    ]
    asked = np.flatnonzero(often & ~np.isin(np.arange(len(movies)), np.concatenate(liked)))
    found = np.zeros((2, 2))
    for who, items in enumerate(liked):
        user = top_n.new_user(model, items, np.full(5, 5.0), 4.0)
        place = np.argsort(np.argsort(user.scores(np.zeros(1, np.int32))[0][asked], kind="stable"))
        for column, genre in enumerate(("Sci-Fi", "Romance")):
            of_genre = [genre in movies.genres[item] for item in asked]
            found[who, column] = place[of_genre].mean() / (len(asked) - 1)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", PERSONAL)
def test_every_personal_model_tells_science_fiction_from_romance(ml_100k, name):
    """With its block of params.yaml, on ML-100K. Everyone rates these ten films 3.9 or more: that they are
    liked is no surprise, only which are. The mean of two differences: how much higher each genre stands for
    who likes it than for the other. `sgd_mf`, five factors without biases, has next to none."""
    ratings, movies, catalogue = ml_100k
    block = dict(BLOCKS[name])
    task, train_data, algorithm = (block.pop(key) for key in ("task", "train_data", "algorithm"))
    how = SplitOptions("random", 0.05, 0.01, positive_threshold=4.0 if task == "ranking" else None)
    parts = split(ratings, how, KeyedRandom(2024, f"split@{task}"))
    train = parts.train
    if train_data == "negatives":
        train = add_negatives(train, len(movies), NegativeOptions(), KeyedRandom(2024, "negatives"))
    model = recommenders.create(algorithm, task, block, f"models.{name}")
    model.fit(TrainingData(train, parts.validation, catalogue), named_rng(2024, f"train@{name}"))
    often = np.bincount(ratings.item, minlength=len(movies)) >= 20
    found = reflection(model, task == "ranking", movies, often)
    higher = (found[0, 0] - found[1, 0] + found[1, 1] - found[0, 1]) / 2
    print(name, found.round(3).tolist(), round(higher, 4))
    assert higher > (-0.004 if name == "sgd_mf" else 0.004)
