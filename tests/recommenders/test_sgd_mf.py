"""Gradient descent does what its formula says, finds what is there, and stops when told."""

from __future__ import annotations

import numpy as np
import pytest
from sgd_twin import descend_slowly

from marquee import recommenders
from marquee.foundation.errors import MarqueeError
from marquee.foundation.interactions import Catalogue, Ratings, joined
from marquee.foundation.randomness import generator
from marquee.learning.descent import descend
from marquee.movielens.download import obtain
from marquee.movielens.named import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import Scale
from marquee.progress import FitProgress
from marquee.recommenders.sgd_mf import user_by_user
from marquee.splits import SplitOptions, split

N_USERS, N_ITEMS = 60, 40
BIASED = {
    "biases": True,
    "dim": 8,
    "regularization": 0.05,
    "learning_rate": 0.05,
    "decay": 0.97,
    "init_std": 0.05,
}


def fitted(train: Ratings, validation: Ratings | None = None, progress: FitProgress | None = None, **options):
    model = recommenders.create("sgd_mf", "rating", options, "models.m")
    return model.fit(
        train,
        validation or Ratings.empty(),
        Catalogue.of(N_USERS, N_ITEMS),
        generator(0, "train"),
        progress or FitProgress(show=False),
    )


def two_tastes(seed: int = 0) -> Ratings:
    """Users give 5 to movies of their own parity and 1 to the others; half of the pairs are rated.

    User 58 and item 38 are left without a rating.
    """
    rng = generator(seed, "two tastes")
    user, item = np.nonzero(rng.random((N_USERS, N_ITEMS)) < 0.5)
    kept = (user != 58) & (item != 38)
    user, item = user[kept], item[kept]
    return Ratings.of(user, item, np.where((user + item) % 2 == 0, 5, 1))


@pytest.mark.parametrize("learn_items", [True, False])
@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("dim", [1, 5, 8, 19])
def test_the_compiled_pass_equals_its_numpy_twin(dim, biases, learn_items):
    rng, train = generator(dim, "twin"), two_tastes()

    def arrays() -> list[np.ndarray]:
        rng = generator(dim, "arrays")
        shapes = [(N_USERS, dim), (N_ITEMS, dim), (N_USERS,), (N_ITEMS,)]
        return [rng.normal(0, 0.3, shape).astype(np.float32) for shape in shapes]

    fast, slow, before = arrays(), arrays(), arrays()
    order = user_by_user(train.user, rng)
    columns = (order, train.user, train.item, train.rating, np.float32(3))
    settings = (np.float32(0.01), np.float32(0.1), biases, learn_items)
    losses = descend(*columns, *fast, *settings), descend_slowly(*columns, *slow, *settings)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    moved = [not np.array_equal(*pair) for pair in zip(fast, before, strict=True)]
    assert moved == [True, learn_items, biases, biases and learn_items]


def test_an_epoch_visits_every_rating_once_and_each_users_together():
    user = two_tastes().user
    order = user_by_user(user, generator(0, "order"))
    np.testing.assert_array_equal(np.sort(order), np.arange(len(user)))
    assert (np.diff(user[order]) != 0).sum() + 1 == len(np.unique(user))
    assert not np.array_equal(user[order], user), "users come in random order"
    first = order[user[order] == 0]
    assert not np.array_equal(first, np.sort(first)), "and so do the ratings of one"


def test_every_order_of_a_users_ratings_is_as_likely_as_another():
    rng = generator(0, "orders")
    seen = [tuple(user_by_user(np.zeros(3, np.int32), rng)) for _ in range(6000)]
    orders, counts = np.unique(seen, axis=0, return_counts=True)
    assert len(orders) == 6
    assert abs(counts - 1000).max() < 150, "five standard deviations"


@pytest.mark.parametrize("biases", [True, False])
def test_training_starts_at_the_mean_rating(biases):
    train = two_tastes()
    model = fitted(train, epochs=1, learning_rate=1e-9, init_std=1e-6, biases=biases)
    np.testing.assert_allclose(model.scores(np.arange(N_USERS)), train.rating.mean(), atol=1e-3)


@pytest.mark.parametrize("options", [BIASED, {**BIASED, "biases": False, "init_std": 0.1}])
def test_two_tastes_are_told_apart(options):
    """Unrated pairs are predicted near 5 for the own parity and near 1 for the other."""
    train = two_tastes()
    model = fitted(train, **options)
    unrated = np.full((N_USERS, N_ITEMS), True)
    unrated[train.user, train.item] = unrated[58] = unrated[:, 38] = False
    truth = np.where(np.add.outer(np.arange(N_USERS), np.arange(N_ITEMS)) % 2 == 0, 5, 1)
    error = (model.scores(np.arange(N_USERS)) - truth)[unrated]
    assert np.sqrt(np.mean(error**2)) < 0.5
    newcomer = model.fold_in(Ratings.of([0] * 6, [1, 3, 5, 0, 2, 4], [5, 5, 5, 1, 1, 1])).scores(
        np.array([0])
    )[0]
    assert newcomer[7:38:2].min() > newcomer[6:38:2].max()


def test_without_a_rating_only_the_others_bias_speaks():
    model, rng = fitted(two_tastes(), **BIASED), np.arange(N_USERS, dtype=np.int32)
    mean = np.float32(model.mean)
    np.testing.assert_allclose(model.scores(rng)[:, 38], mean + model.user_bias, rtol=1e-6)
    np.testing.assert_allclose(model.scores(rng[58:59])[0], mean + model.item_bias, rtol=1e-6)


def test_folding_in_depends_on_the_ratings_and_not_on_their_rows():
    train = two_tastes()
    model = fitted(train, **BIASED)
    shuffled = train.take(generator(3, "shuffle").permutation(len(train)))
    everyone = np.arange(N_USERS)
    np.testing.assert_array_equal(
        model.fold_in(train).scores(everyone), model.fold_in(shuffled).scores(everyone)
    )


def test_a_training_user_folded_in_is_near_where_training_left_them():
    train = two_tastes()
    model = fitted(train, **BIASED)
    folded = model.fold_in(train)
    difference = folded.predict(train.user, train.item) - model.predict(train.user, train.item)
    assert np.sqrt(np.mean(difference**2)) < 0.1


def test_it_stops_early_and_keeps_the_best_epoch():
    train, noise = two_tastes(), generator(1, "noise").integers(1, 6, len(two_tastes()))
    noisy = Ratings.of(train.user, train.item, noise)
    held_out = generator(2, "held out").random(len(noisy)) < 0.3
    progress = FitProgress(show=False)
    options = {**BIASED, "regularization": 0, "patience": 3, "epochs": 200}
    model = fitted(noisy.take(~held_out), noisy.take(held_out), progress, **options)
    values = [row["validation"] for row in progress.rows]
    assert model.passes == int(np.argmin(values)) + 1
    assert len(values) == model.passes + 3 < 200


def test_an_interrupted_training_ends_with_the_bytes_of_an_undisturbed_one(tmp_path):
    class Interrupted(FitProgress):
        def report(self, epoch, epochs, values):
            if epoch == 4:
                raise KeyboardInterrupt
            super().report(epoch, epochs, values)

    checkpoint, train, options = tmp_path / "fit", two_tastes(), {**BIASED, "epochs": 9}
    with pytest.raises(KeyboardInterrupt):
        fitted(train, None, Interrupted("m", checkpoint, show=False), **options)
    resumed = fitted(train, None, FitProgress("m", checkpoint, show=False), **options).state()[0]
    for name, array in fitted(train, **options).state()[0].items():
        assert resumed[name].tobytes() == array.tobytes(), name


def test_a_step_that_is_too_long_is_named():
    with pytest.raises(MarqueeError, match="loss is not finite in epoch 1; lower the learning_rate"):
        fitted(two_tastes(), learning_rate=1e6)


@pytest.mark.real
@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"dim": 5, "learning_rate": 0.001, "epochs": 100, "patience": 100}, 0.91),
        ({"dim": 64, "biases": True, "regularization": 0.09, "learning_rate": 0.02, "decay": 0.97,
          "init_std": 0.01, "epochs": 55}, 0.835),
    ],
    ids=["its original's settings", "tuned"],
)  # fmt: skip
def test_the_error_on_ml_100k(movielens, tmp_path, options, most):
    """80/20, stratified by user: a test MSE of about .91 is claimed elsewhere for the first."""
    wanted = release("ml-100k")
    obtain(wanted, str(movielens), tmp_path, tmp_path / "scratch", show_progress=False)
    found = read_release(tmp_path, wanted.layout, Scale(*wanted.scale), CustomColumns())
    shares = SplitOptions(split="random_per_user", validation=0.1, test=0.2)
    parts = split(Ratings.from_table(found.ratings), shares, generator(2024, "split@rating"))
    model = recommenders.create("sgd_mf", "rating", options, "models.m")
    catalogue = Catalogue.from_genres(len(found.users), found.movies["genres"])
    train = joined(parts.train, parts.validation)
    model.fit(train, Ratings.empty(), catalogue, generator(2024, "train@sgd_mf"), FitProgress(show=False))
    error = np.mean((model.predict(parts.test.user, parts.test.item) - parts.test.rating) ** 2)
    assert 0.75 < error <= most
