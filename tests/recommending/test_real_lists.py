"""Real data: someone who likes five science-fiction films is shown science fiction."""

from __future__ import annotations

import numpy as np
import pytest

from marquee import recommenders
from marquee.interactions import Catalogue, Ratings
from marquee.movielens.download import obtain
from marquee.movielens.named import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import Scale
from marquee.progress import FitProgress
from marquee.randomness import generator
from marquee.recommending import lists
from marquee.recommending.movies import Movies

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("name", "least"), [("ml-100k", 0.6), ("ml-1m", 0.8)])
def test_five_science_fiction_films_are_reflected(movielens, tmp_path, name, least):
    """Under EASE; 6 % of ML-100K's movies are Sci-Fi and 7 % of ML-1M's."""
    wanted = release(name)
    obtain(wanted, str(movielens), tmp_path, tmp_path / "scratch", show_progress=False)
    assert wanted.scale
    found = read_release(tmp_path, wanted.layout, Scale(*wanted.scale), CustomColumns())
    ratings, movies = Ratings.from_table(found.ratings), Movies.from_table(found.movies)
    liked = ratings.take(ratings.rating >= 4)
    model = recommenders.create("ease", "ranking", {}, "models.ease")
    sizes = Catalogue.of(len(found.users), len(movies))
    model.fit(
        Ratings.of(liked.user, liked.item),
        Ratings.empty(),
        sizes,
        generator(0, "ease"),
        FitProgress(show=False),
    )
    search = movies.search()
    rated = ["Alien (1979)", "blade runner", "The Terminator", "aliens", "2001: a space odyssey"]
    items = np.array([movies.the_one(title, search) for title in rated])
    person = lists.newcomer(model, items, np.array([5, 5, 5, 5, 4]), 4, True)
    listed, _ = lists.top_lists(person, np.ones(len(movies), bool), 10, "ease")
    science_fiction = np.array(["Sci-Fi" in genres for genres in movies.genres])
    assert science_fiction.mean() < 0.08
    assert science_fiction[listed[0]].mean() >= least
