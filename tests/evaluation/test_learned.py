"""What `evaluate` keeps for the figures: the right rows, and embeddings with the angles they had."""

from __future__ import annotations

import numpy as np

from marquee.data.ratings import Catalogue, Ratings
from marquee.evaluation import learned
from marquee.recommenders.base import Recommender


class Wide(Recommender):
    """Embeddings longer than there are movies, and a bias for each."""

    _fit = _fold_users = cost = None

    def __init__(self, n_users, n_items):
        self.n_users, self.n_items = n_users, n_items
        self.rows = np.random.default_rng(0).normal(size=(n_items, 3 * n_items))

    def scores(self, users):
        return (users[:, None] * np.arange(self.n_items) % 7).astype(np.float32)

    def item_embeddings(self, items):
        return self.rows[items]

    def item_biases(self):
        return np.arange(self.n_items) / 10


def test_the_most_rated_movies_are_kept_with_their_angles_and_the_biases_of_both_ends(tmp_path):
    n_users, n_items = 9, 40
    user, item = np.nonzero(np.arange(n_items) % (np.arange(n_users)[:, None] + 1) == 0)
    model, train = Wide(n_users, n_items), Ratings.of(user, item)
    titles = [None if n == 3 else f"Movie {n}" for n in range(n_items)]
    movies = {"movie_id": range(n_items), "title": titles, "year": [None] * n_items, "genres": [[]] * n_items}
    users = {"user_id": [f"u{n}" for n in range(n_users)], "zip": ["x"] * n_users}
    found = learned.learned(model, train, Catalogue.of(n_users, n_items), movies, users)
    learned.write_learned(tmp_path, found)
    found = learned.read_learned(tmp_path)

    order = np.argsort(-np.bincount(item, minlength=n_items), kind="stable")
    assert found.movies["movie_id"] == order.tolist()
    assert found.movies["ratings"] == sorted(np.bincount(item).tolist(), reverse=True)
    assert found.movie_embeddings.shape == (n_items, n_items)
    directions = model.unit_embeddings(order)
    cosines = found.movie_embeddings @ found.movie_embeddings.T
    np.testing.assert_allclose(cosines, directions @ directions.T, atol=1e-6)
    assert found.users["user_id"][0] == "u0"
    assert set(found.users) == {"user_id", "genres", "ratings"}
    assert found.biases["movie_id"] == [*range(12), *range(28, 40)]
    assert found.biases["title"][3] is None
    assert found.genre_embeddings == {}
