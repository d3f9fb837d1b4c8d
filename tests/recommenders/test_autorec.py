"""AutoRec: the loss sees rated entries alone, the encoder folds in, a cold pair gets the biases."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.splits import SplitOptions, split
from marquee.evaluation.evaluate import validation_rmse
from marquee.movielens.download import fetch_release
from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import Scale
from marquee.recommenders.autorec import _ridge
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.training.networks.autorec import AutoRec, loss_on
from marquee.training.progress import FitProgress
from tests.all_models import TREE

N_USERS, N_ITEMS = 30, 20
CATALOGUE = Catalogue.of(N_USERS, N_ITEMS)
EVERYONE = np.arange(N_USERS, dtype=np.int32)
BOUNDS = (1.0, 5.0)
CPU = torch.device("cpu")
SLOW = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "identity": lambda x: x,
}


def some_ratings(density: float = 0.3) -> Ratings:
    """Stars around what the user gives and the movie gets; user 29 and item 19 have none."""
    rng = named_rng(0, "autorec")
    user, item = np.nonzero(rng.random((N_USERS - 1, N_ITEMS - 1)) < density)
    level = rng.normal(0, 0.7, N_USERS)[user] + rng.normal(0, 0.7, N_ITEMS)[item]
    return Ratings.of(user, item, np.clip(np.round(3.5 + level), 1, 5))


def fitted(train: Ratings | None = None, **options):
    model = recommenders.create("autorec", "rating", {"hidden_dim": 6, "epochs": 20, **options}, "models.m")
    train, rng = train or some_ratings(), named_rng(0, "train")
    return model.fit(TrainingData(train, Ratings.empty(), CATALOGUE), rng)


def loss_and_network(matrix, weight_decay, hidden_activation="relu", output_activation="identity"):
    bounds = BOUNDS if output_activation == "sigmoid" else None
    network = AutoRec(matrix.shape[1], 6, hidden_activation, bounds)
    network.reset_parameters(float(matrix.data.mean()), named_rng(0, "network"))
    return partial(loss_on(matrix, CPU), regularization=weight_decay), network


@pytest.mark.parametrize("hidden_activation", SLOW)
@pytest.mark.parametrize("output_activation", ["identity", "sigmoid"])
def test_the_loss_is_the_papers_objective_divided_by_the_ratings(hidden_activation, output_activation):
    """The slow twin: a loop over every cell of the dense matrix that skips the unrated."""
    matrix = some_ratings().matrix(N_USERS, N_ITEMS)
    loss, network = loss_and_network(
        matrix, hidden_activation=hidden_activation, output_activation=output_activation, weight_decay=3
    )
    w = {name: value.detach().numpy().astype(np.float64) for name, value in network.state_dict().items()}
    dense, squares = matrix.toarray().astype(np.float64), 0.0
    for row in dense:
        hidden = SLOW[hidden_activation](row @ w["encoder.weight"] + w["hidden_bias"])
        for column in np.flatnonzero(row):
            z = hidden @ w["decoder.weight"][column] + w["decoder.bias"][column]
            squares += (
                row[column] - (z if output_activation == "identity" else 1 + 4 * SLOW["sigmoid"](z))
            ) ** 2
    objective = squares + 3 / 2 * ((w["encoder.weight"] ** 2).sum() + (w["decoder.weight"] ** 2).sum())
    rated = np.flatnonzero(np.diff(matrix.indptr))
    found = [mean.item() for mean in loss(network, torch.from_numpy(rated))]
    assert found == pytest.approx([objective / matrix.nnz, squares / matrix.nnz], rel=1e-5)
    halves = [
        loss(network, torch.from_numpy(half))[0].item() * len(half) for half in np.array_split(rated, 2)
    ]
    assert sum(halves) / len(rated) == pytest.approx(found[0], rel=1e-5), "the batch size changes nothing"


def test_an_unrated_output_and_an_unrated_input_have_no_gradient():
    matrix = some_ratings().matrix(N_USERS, N_ITEMS)
    loss, network = loss_and_network(matrix, hidden_activation="tanh", weight_decay=0)
    loss(network, torch.tensor([4]))[0].backward()
    unrated = np.setdiff1d(np.arange(N_ITEMS), matrix[4].indices)
    for name in ("encoder.weight", "decoder.weight", "decoder.bias"):
        gradient = network.get_parameter(name).grad.numpy()
        assert not gradient[unrated].any()
        assert gradient[matrix[4].indices].any()


def test_a_rating_that_equals_its_centre_is_still_a_rating():
    matrix = some_ratings().matrix(N_USERS, N_ITEMS)
    matrix.data[matrix.indptr[4]] = 0
    loss, network = loss_and_network(matrix, weight_decay=0)
    loss(network, torch.tensor([4]))[0].backward()
    assert network.decoder.bias.grad[matrix.indices[matrix.indptr[4]]] != 0


@pytest.mark.parametrize("side", ["user", "item"])
def test_the_loss_falls_from_the_first_epoch_on(side):
    progress = FitProgress(show=False)
    model = recommenders.create("autorec", "rating", {"side": side, "hidden_dim": 6, "epochs": 5}, "models.m")
    model.fit(TrainingData(some_ratings(), Ratings.empty(), CATALOGUE), named_rng(0, "train"), progress)
    losses = [row["loss"] for row in progress.rows]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("center", ["none", "mean", "biases"])
def test_one_pair_is_predicted_as_in_its_users_row_of_scores(center):
    for side in ("user", "item"):
        model = fitted(side=side, center=center)
        pairs = np.array([[0, 3], [29, 2], [5, 19], [29, 19], [7, 0]], np.int32)
        whole = model.scores(EVERYONE)[pairs[:, 0], pairs[:, 1]]
        np.testing.assert_allclose(model.predict(pairs[:, 0], pairs[:, 1]), whole, atol=1e-5)


@pytest.mark.parametrize("side", ["user", "item"])
def test_a_cold_user_or_movie_gets_the_damped_biases(side):
    train = some_ratings()
    model = fitted(train, side=side)
    bias = recommenders.create("bias", "rating", {}, "models.b")
    bias.fit(TrainingData(train, Ratings.empty(), CATALOGUE), named_rng(0, "bias"))
    expected, found = bias.scores(EVERYONE), model.scores(EVERYONE)
    np.testing.assert_allclose(found[29], expected[29], atol=1e-5)
    np.testing.assert_allclose(found[:, 19], expected[:, 19], atol=1e-5)
    assert np.abs(found[:29, :19] - expected[:29, :19]).max() > 0.01


@pytest.mark.parametrize("center", ["none", "mean", "biases"])
def test_by_user_a_training_user_alone_folds_in_to_the_same_scores(center):
    train = some_ratings()
    model = fitted(train, center=center, hidden_activation="sigmoid")
    own = train.take(train.user == 8)
    view = model.fold_in(Ratings.of(np.zeros(len(own)), own.item, own.rating))
    np.testing.assert_allclose(view.scores(EVERYONE[:1])[0], model.scores(EVERYONE[8:9])[0], atol=1e-5)


@pytest.mark.parametrize("output_activation", ["identity", "sigmoid"])
def test_by_item_no_small_step_from_a_newcomers_vector_lowers_the_objective(output_activation):
    train = some_ratings(0.8)
    model = fitted(train, side="item", output_activation=output_activation, weight_decay=2)
    own = train.take(train.user == 8)
    view = model.fold_in(Ratings.of(np.zeros(len(own)), own.item, own.rating))
    mean = model.users[:29].mean(0)

    def objective(p: np.ndarray) -> float:
        z = model.items[own.item].astype(np.float64) @ p
        reached = z if output_activation == "identity" else 1 + 4 / (1 + np.exp(-z))
        return float(((own.rating - reached) ** 2).sum() + 2 / 2 * ((p - mean) ** 2).sum())

    best, rng = view.users[0].astype(np.float64), named_rng(0, "steps")
    steps = rng.normal(0, 1e-2, (50, len(best)))
    assert all(objective(best + step) > objective(best) for step in steps)


def test_the_two_systems_of_the_ridge_have_one_answer():
    rng = named_rng(0, "ridge")
    features, target = rng.normal(size=(5, 5)), rng.normal(size=5)
    wide = np.column_stack([features, np.zeros(5)])  # 5 < 6: solved in the ratings, not in the weights
    np.testing.assert_allclose(_ridge(wide, target, 0.7)[:5], _ridge(features, target, 0.7), atol=1e-12)


def test_a_fit_that_was_cut_off_ends_with_the_same_bytes(tmp_path):
    class CutOff(FitProgress):
        def save(self, arrays, metadata):
            super().save(arrays, metadata)
            if metadata["epoch"] == 3:
                raise KeyboardInterrupt

    def run(progress):
        model = recommenders.create("autorec", "rating", {"hidden_dim": 6, "epochs": 6, "dropout": 0.5}, "m")
        return model.fit(
            TrainingData(some_ratings(), Ratings.empty(), CATALOGUE), named_rng(0, "train"), progress
        )

    with pytest.raises(KeyboardInterrupt):
        run(CutOff(checkpoint=tmp_path / "c.safetensors", show=False))
    resumed = run(FitProgress(checkpoint=tmp_path / "c.safetensors", show=False))
    np.testing.assert_array_equal(resumed.scores(EVERYONE), run(FitProgress(show=False)).scores(EVERYONE))


def test_the_number_of_threads_does_not_change_the_bytes():
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(fitted(hidden_dim=64, side="item", dropout=0.2).scores(EVERYONE))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


@pytest.fixture(scope="module")
def ml_100k(movielens, tmp_path_factory) -> Ratings:
    folder, wanted = tmp_path_factory.mktemp("ml-100k"), release("ml-100k")
    fetch_release(wanted, str(movielens), folder, folder / "scratch", show_progress=False)
    assert wanted.scale
    found = read_release(folder, wanted.layout, Scale(*wanted.scale), CustomColumns())
    return Ratings.from_table(found.ratings)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "low", "high"), [("autorec_user", 0.90, 0.925), ("autorec_item", 0.88, 0.91)]
)
def test_an_entry_as_it_stands_on_ml_100k(ml_100k, entry, low, high):
    """A random tenth to stop by and another to evaluate on; the damped biases reach 0.94."""
    described = ("task", "train_data", "algorithm")
    options = {key: value for key, value in TREE["models"][entry].items() if key not in described}
    parts = split(ml_100k, SplitOptions("random"), KeyedRandom(2024, "split@rating"))
    catalogue = Catalogue.of(int(ml_100k.user.max()) + 1, int(ml_100k.item.max()) + 1)
    model = recommenders.create("autorec", "rating", options, entry)
    rng = named_rng(2024, f"train@{entry}")
    model.fit(TrainingData(parts.train, parts.validation, catalogue), rng)
    assert low < validation_rmse(model, parts.test) < high
