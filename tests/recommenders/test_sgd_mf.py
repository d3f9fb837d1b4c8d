"""Gradient descent does what its formula says, finds what is there, and stops when told."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.data.splits import SplitOptions, split
from marquee.errors import MarqueeError
from marquee.kernels import sgd
from marquee.kernels.rating_blocks import GROUPS
from marquee.movielens.download import fetch_release
from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import Scale
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.training import sgd_numpy
from marquee.training.progress import FitProgress

N_USERS, N_ITEMS = 60, 40
BIASED = {
    "use_biases": True,
    "dim": 8,
    "regularization": 0.05,
    "learning_rate": 0.05,
    "learning_rate_decay": 0.97,
    "init_std": 0.05,
}


def fitted(train: Ratings, validation: Ratings | None = None, progress: FitProgress | None = None, **options):
    model = recommenders.create("sgd_mf", "rating", options, "models.m")
    return model.fit(
        TrainingData(train, validation or Ratings.empty(), Catalogue.of(N_USERS, N_ITEMS)),
        named_rng(0, "train"),
        progress or FitProgress(show=False),
    )


def two_tastes(seed: int = 0) -> Ratings:
    """Users give 5 to movies of their own parity and 1 to the others; half of the pairs are rated.

    User 58 and item 38 are left without a rating.
    """
    rng = named_rng(seed, "two tastes")
    user, item = np.nonzero(rng.random((N_USERS, N_ITEMS)) < 0.5)
    kept = (user != 58) & (item != 38)
    user, item = user[kept], item[kept]
    return Ratings.of(user, item, np.where((user + item) % 2 == 0, 5, 1))


@pytest.mark.parametrize("biases", [True, False])
def test_a_step_that_suits_stars_does_not_diverge_on_a_scale_to_a_hundred(biases):
    stars = two_tastes()
    hundred = Ratings.of(stars.user, stars.item, 25 * stars.rating - 25)
    model = fitted(hundred, **{**BIASED, "use_biases": biases}, epochs=30)
    error = model.predict(hundred.user, hundred.item) - hundred.rating
    assert np.sqrt(np.mean(error**2)) < 20  # the standard deviation of the ratings is 50
    view = model.fold_in(hundred)
    folded = view.predict(hundred.user, hundred.item) - hundred.rating
    assert np.sqrt(np.mean(folded**2)) < 20


def test_ratings_of_stars_are_learned_as_they_are():
    assert fitted(two_tastes(), epochs=1).unit == 1


def arrays(n_users: int, n_items: int, dim: int) -> list[np.ndarray]:
    """Random users, items and their biases."""
    rng = named_rng(dim, "arrays")
    shapes = [(n_users, dim), (n_items, dim), (n_users,), (n_items,)]
    return [rng.normal(0, 0.3, shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("learn_items", [True, False])
@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("dim", [1, 5, 8, 19, 64])
def test_the_compiled_steps_equal_their_numpy_twin(dim, biases, learn_items):
    train = two_tastes().take(named_rng(dim, "order").permutation(len(two_tastes())))
    fast, slow, before = (arrays(N_USERS, N_ITEMS, dim) for _ in range(3))
    columns = (train.user, train.item, train.rating, np.float32(3))
    steps = (np.float32(0.01), np.float32(0.1), biases, learn_items)
    losses = sgd.descend(*columns, *fast, *steps), sgd_numpy.descend(*columns, *slow, *steps)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    moved = [not np.array_equal(*pair) for pair in zip(fast, before, strict=True)]
    assert moved == [True, learn_items, biases, biases and learn_items]


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 300), st.integers(1, 20), st.integers(0, 99))
def test_a_pass_equals_its_twin_block_by_block_for_any_shape(n_users, n_items, n, dim, seed):
    """One user, one movie, nobody's ratings, users in any order: each rating is visited once."""
    rng = np.random.default_rng(seed)
    user, item = rng.integers(0, n_users, n, dtype=np.int32), rng.integers(0, n_items, n, dtype=np.int32)
    rating = np.arange(n, dtype=np.float32)  # each is another, so that rows can be told apart
    blocks = sgd.ratings_in_blocks(user, item, rating, np.random.default_rng(seed + 1))
    readable = sgd_numpy.ratings_in_blocks(user, item, rating, np.random.default_rng(seed + 1))
    for one, other in zip(blocks, readable, strict=True):
        np.testing.assert_array_equal(one, other)
    rows = blocks.rating.astype(int)
    np.testing.assert_array_equal(np.sort(rows), np.arange(n))
    np.testing.assert_array_equal(user[rows], blocks.user)
    np.testing.assert_array_equal(item[rows], blocks.item)

    fast, slow = arrays(n_users, n_items, dim), arrays(n_users, n_items, dim)
    ratings, shifts = rating % 5 + 1, rng.permutation(GROUPS)
    constants = (np.float32(0.01), np.float32(0.1), True)
    total = sgd.pass_over(blocks._replace(rating=ratings[rows]), shifts, np.float32(3), *fast, *constants)
    twin = sgd_numpy.pass_over(
        blocks._replace(rating=ratings[rows]), shifts, np.float32(3), *slow, *constants
    )
    assert total == pytest.approx(twin, rel=1e-5)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{}, BIASED])
def test_a_fit_of_the_numpy_form_equals_the_compiled_one(options):
    """Shuffles, steps, the epoch that is kept and a new user's vector."""
    train, history = two_tastes(), Ratings.of([0] * 4, [1, 3, 0, 2], [5, 5, 1, 1])
    held_out = named_rng(2, "held out").random(len(train)) < 0.2
    parts, settings = (train.take(~held_out), train.take(held_out)), {**options, "epochs": 5}
    fast, slow = (fitted(*parts, **settings, kernel=kernel) for kernel in ("compiled", "numpy"))
    assert fast.n_epochs == slow.n_epochs
    for one, other in ((fast, slow), (fast.fold_in(history), slow.fold_in(history))):
        for name, array in one.state()[0].items():
            np.testing.assert_allclose(other.state()[0][name], array, rtol=0, atol=5e-6)


def test_the_numpy_form_needs_no_compiler():
    modules = "marquee.training.sgd_numpy, marquee.recommenders.sgd_mf"
    code = f"import sys; import {modules}; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_blocks_of_a_diagonal_share_no_user_and_no_movie():
    train = two_tastes()
    blocks = sgd.ratings_in_blocks(train.user, train.item, train.rating, named_rng(0, "blocks"))
    whose = np.repeat(np.arange(GROUPS**2), np.diff(blocks.first))
    for ids, group in ((blocks.user, whose // GROUPS), (blocks.item, whose % GROUPS)):
        for one in np.unique(ids):
            assert len(np.unique(group[ids == one])) == 1
        assert abs(np.bincount(group) - len(train) / GROUPS).max() < len(train) / 20


def test_every_order_of_a_users_ratings_is_as_likely_as_another():
    rng, nobody = named_rng(0, "orders"), np.zeros(3, np.int32)
    seen = [
        tuple(sgd.ratings_in_blocks(nobody, nobody, np.arange(3, dtype=np.float32), rng).rating)
        for _ in range(6000)
    ]
    orders, counts = np.unique(seen, axis=0, return_counts=True)
    assert len(orders) == 6
    assert abs(counts - 1000).max() < 150, "five standard deviations"


THREADS = """
import numba
import numpy as np
from marquee.data.ratings import Ratings, Catalogue
from marquee.kernels import sgd
from marquee.kernels.rating_blocks import GROUPS
from marquee.recommenders.base import TrainingData
from marquee.recommenders.sgd_mf import Model, Options
sgd.WORTH_THREADS = 0
rng = np.random.default_rng(0)
user, item = np.nonzero(rng.random((300, 200)) < 0.2)
train, nothing = Ratings.of(user, item, rng.integers(1, 6, len(user))), Ratings.empty()
found = []
for threads in (1, 2):
    numba.set_num_threads(threads)
    model = Model(Options(dim=7, use_biases=True, epochs=4))
    model.fit(TrainingData(train, nothing, Catalogue.of(300, 200)), np.random.default_rng(1))
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


@pytest.mark.parametrize("biases", [True, False])
def test_training_starts_at_the_mean_rating(biases):
    train = two_tastes()
    model = fitted(train, epochs=1, learning_rate=1e-9, init_std=1e-6, use_biases=biases)
    np.testing.assert_allclose(model.scores(np.arange(N_USERS)), train.rating.mean(), atol=1e-3)


@pytest.mark.parametrize("options", [BIASED, {**BIASED, "use_biases": False, "init_std": 0.1}])
def test_two_tastes_are_told_apart(options):
    """Unrated pairs are predicted near 5 for the own parity and near 1 for the other."""
    train = two_tastes()
    model = fitted(train, **options)
    unrated = np.full((N_USERS, N_ITEMS), True)
    unrated[train.user, train.item] = unrated[58] = unrated[:, 38] = False
    truth = np.where(np.add.outer(np.arange(N_USERS), np.arange(N_ITEMS)) % 2 == 0, 5, 1)
    error = (model.scores(np.arange(N_USERS)) - truth)[unrated]
    assert np.sqrt(np.mean(error**2)) < 0.5
    new_user = model.fold_in(Ratings.of([0] * 6, [1, 3, 5, 0, 2, 4], [5, 5, 5, 1, 1, 1])).scores(
        np.array([0])
    )[0]
    assert new_user[7:38:2].min() > new_user[6:38:2].max()


def test_without_a_rating_only_the_others_bias_speaks():
    model, rng = fitted(two_tastes(), **BIASED), np.arange(N_USERS, dtype=np.int32)
    mean = np.float32(model.mean)
    np.testing.assert_allclose(model.scores(rng)[:, 38], mean + model.user_bias, rtol=1e-6)
    np.testing.assert_allclose(model.scores(rng[58:59])[0], mean + model.item_bias, rtol=1e-6)


def test_folding_in_depends_on_the_ratings_and_not_on_their_rows():
    train = two_tastes()
    model = fitted(train, **BIASED)
    shuffled = train.take(named_rng(3, "shuffle").permutation(len(train)))
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
    train, noise = two_tastes(), named_rng(1, "noise").integers(1, 6, len(two_tastes()))
    noisy = Ratings.of(train.user, train.item, noise)
    held_out = named_rng(2, "held out").random(len(noisy)) < 0.3
    progress = FitProgress(show=False)
    options = {**BIASED, "regularization": 0, "patience": 3, "epochs": 200}
    model = fitted(noisy.take(~held_out), noisy.take(held_out), progress, **options)
    values = [row["validation"] for row in progress.rows]
    assert model.n_epochs == int(np.argmin(values)) + 1
    assert len(values) == model.n_epochs + 3 < 200


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
    with pytest.raises(MarqueeError, match="loss is not finite in epoch 1: lower learning_rate"):
        fitted(two_tastes(), learning_rate=1e6)


@pytest.mark.real
@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"dim": 5, "learning_rate": 0.001, "epochs": 100, "patience": 100}, 0.91),
        ({"dim": 64, "use_biases": True, "regularization": 0.09, "learning_rate": 0.02,
          "learning_rate_decay": 0.97, "init_std": 0.01, "epochs": 55}, 0.835),
    ],
    ids=["its original's settings", "tuned"],
)  # fmt: skip
def test_the_error_on_ml_100k(movielens, tmp_path, options, most):
    """80/20, stratified by user: a test MSE of about .91 is claimed elsewhere for the first."""
    wanted = release("ml-100k")
    fetch_release(wanted, str(movielens), tmp_path, tmp_path / "scratch", show_progress=False)
    found = read_release(tmp_path, wanted.layout, Scale(*wanted.scale), CustomColumns())
    how = SplitOptions(split="random_per_user", validation=0.1, test=0.2)
    parts = split(Ratings.from_table(found.ratings), how, KeyedRandom(2024, "split@rating"))
    model = recommenders.create("sgd_mf", "rating", options, "models.m")
    catalogue = Catalogue.from_genres(len(found.users), found.movies["genres"])
    train = concat(parts.train, parts.validation)
    model.fit(TrainingData(train, Ratings.empty(), catalogue), named_rng(2024, "train@sgd_mf"))
    error = np.mean((model.predict(parts.test.user, parts.test.item) - parts.test.rating) ** 2)
    assert 0.75 < error <= most
