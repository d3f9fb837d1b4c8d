"""GMF, MLP and NeuMF: the function, its two losses, its blocks and what a fold-in promises."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.data.sampling import NegativeOptions, add_negatives
from marquee.errors import MarqueeError
from marquee.recommenders import neural_mf
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.training.ncf import hidden_layers, initial_weights, score, user_gradient
from marquee.training.progress import FitProgress
from tests.crash import CrashingProgress, Killed

N_USERS, N_ITEMS = 7, 5
KINDS = {
    "gmf": {"product": True, "layers": ()},
    "mlp": {"product": False, "layers": (6, 4, 3)},
    "neumf": {"product": True, "layers": (6, 4)},
}


@pytest.fixture(params=KINDS)
def weights(request):
    """Random weights, biases of the layers included, so that no term is zero by luck."""
    rng = named_rng(0, "weights")
    sampled = initial_weights(N_USERS, N_ITEMS, 3, biases=True, std=0.7, rng=rng, **KINDS[request.param])
    return {name: rng.normal(size=array.shape).astype(np.float32) for name, array in sampled.items()}


def of(side, weights, rows=slice(None)):
    return {name: table[rows] for name, table in weights.items() if name.startswith(f"{side}_")}


def slow_score(w, u, i):
    """The formula of the docstring, for one pair, with the concatenation written out."""
    total = w["constant"][0] + w["user_bias"][u] + w["item_bias"][i]
    if "product_out" in w:
        total += sum(
            w["product_out"][n] * w["user_product"][u, n] * w["item_product"][i, n] for n in range(3)
        )
    if "w0_user" in w:
        layer = np.concatenate([w["user_hidden"][u], w["item_hidden"][i]])
        matrices = [np.concatenate([w["w0_user"], w["w0_item"]])]
        matrices += [w[f"w{k}"] for k in (1, 2) if f"w{k}" in w]
        for k, matrix in enumerate(matrices):
            layer = np.maximum(matrix.T @ layer + w[f"b{k}"], 0)
        total += w["hidden_out"] @ layer
    return total


def model_of(weights, task="rating", noise=1.0, per_positive=0):
    layers = [len(weights[name]) for name in ("b0", "b1", "b2") if name in weights]
    options = {"dim": 3, "gmf": "product_out" in weights, "mlp_layers": layers}
    model = recommenders.create("neural_mf", task, options, "m")
    model.weights, model.noise, model.per_positive = weights, noise, per_positive
    model.n_users, model.n_items = N_USERS, N_ITEMS
    return model


def test_numpy_and_torch_give_what_the_formula_gives(weights):
    expected = [[slow_score(weights, u, i) for i in range(N_ITEMS)] for u in range(N_USERS)]
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    for w in (weights, tensors):
        np.testing.assert_allclose(score(w, of("user", w), of("item", w)), expected, rtol=1e-4, atol=1e-5)
    model = model_of(weights)
    np.testing.assert_allclose(model.scores(np.arange(N_USERS)), expected, rtol=1e-4, atol=1e-5)
    pairs = np.array([3, 0, 6]), np.array([4, 4, 0])
    np.testing.assert_allclose(model.predict(*pairs), np.array(expected)[pairs], rtol=1e-4, atol=1e-5)


def test_the_product_starts_as_a_dot_product():
    w = initial_weights(N_USERS, N_ITEMS, 3, True, (), False, 0.5, named_rng(0, "w"))
    expected = w["user_product"] @ w["item_product"].T
    np.testing.assert_allclose(score(w, of("user", w), of("item", w)), expected, atol=1e-6)


def test_scores_in_blocks_equal_the_whole(weights, monkeypatch):
    users = np.array([6, 2, 2, 0, 5])
    whole = model_of(weights).scores(users)
    monkeypatch.setattr(neural_mf, "USERS", 2)
    monkeypatch.setattr(neural_mf, "ITEMS", 3)
    np.testing.assert_allclose(model_of(weights).scores(users), whole, rtol=1e-5, atol=1e-6)


def test_the_gradient_of_a_person_is_that_of_torch(weights):
    user, item = of("user", weights, slice(2, 3)), of("item", weights)
    slope = np.array([0.5, -1, 2, 0, 0.25], np.float32)  # d loss / d score
    hidden = [layer[0] for layer in hidden_layers(weights, user, item)]
    found = user_gradient(weights, item, hidden, slope)
    w = {name: torch.from_numpy(array) for name, array in weights.items()}
    row = {name: torch.from_numpy(part).requires_grad_() for name, part in user.items()}
    (score(w, row, of("item", w))[0] @ torch.from_numpy(slope)).backward()
    assert set(found) == set(row)
    for name, part in row.items():
        np.testing.assert_allclose(found[name], part.grad.reshape(-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task", ["rating", "ranking"])
def test_the_losses_are_squared_error_and_logistic(weights, task):
    users, items = torch.tensor([1, 4]), torch.tensor([[0, 3, 2], [2, 2, 1]])
    network = torch.nn.ParameterDict({name: torch.from_numpy(array) for name, array in weights.items()})
    loss = partial(neural_mf.batch_loss, neural_mf.Options(), named_rng(0, "dropout"))
    if task == "rating":
        ratings = torch.tensor([4.0, 1.5])
        errors = [slow_score(weights, 1, 0) - 4, slow_score(weights, 4, 2) - 1.5]
        found, expected = loss(network, users, items[:, :1], ratings), np.mean(np.square(errors))
    else:
        s = np.array([[slow_score(weights, u, i) for i in row] for u, row in ((1, items[0]), (4, items[1]))])
        s[:, 0] *= -1  # of a positive, ln (1 + e^-s); of a negative, ln (1 + e^s)
        found, expected = loss(network, users, items), np.log1p(np.exp(s)).mean()
    assert [float(mean.detach()) for mean in found] == pytest.approx([expected] * len(found), rel=1e-4)
    assert len(found) == (2 if task == "rating" else 1), "for ratings, the squared error without a penalty"


def test_the_penalty_counts_an_embedding_as_often_as_it_occurs(weights):
    """Three pairs of user 1: their rows count three times, those of item 2 twice and of item 0 once."""
    network = torch.nn.ParameterDict({name: torch.from_numpy(array) for name, array in weights.items()})
    batch = torch.tensor([1]), torch.tensor([[0, 2, 2]])
    plain, penalized = (
        neural_mf.batch_loss(neural_mf.Options(regularization=x), None, network, *batch)[0].item()
        for x in (0.0, 0.6)
    )

    def squares(side, row):
        return sum(float(np.sum(table**2)) for table in of(side, weights, row).values())

    expected = 0.3 * (3 * squares("user", 1) + squares("item", 0) + 2 * squares("item", 2)) / 3
    assert penalized - plain == pytest.approx(expected, rel=1e-4)


def test_dropout_leaves_the_mean_and_comes_from_the_generator(weights):
    network = torch.nn.ParameterDict({name: torch.from_numpy(array) for name, array in weights.items()})
    halved = neural_mf.Options(dropout=0.5)
    pair = torch.tensor([1]), torch.tensor([[0]]), torch.tensor([4.0])
    first, again, other = (
        [float(neural_mf.batch_loss(halved, rng, network, *pair)[0].detach()) for _ in range(5)]
        for rng in (named_rng(seed, "dropout") for seed in (0, 0, 1))
    )
    assert first == again != other
    ones = torch.ones(100_000)
    dropped = neural_mf.dropout(0.2, named_rng(0, "dropout"), torch.device("cpu"))(ones)
    assert set(dropped.tolist()) == {0.0, 1.25}
    assert float(dropped.mean()) == pytest.approx(1, abs=0.01)


def test_a_rating_newcomer_of_the_product_gets_the_ridge_solution():
    """Without layers the loss is quadratic, so L-BFGS must arrive where the normal equations do."""
    rng = named_rng(0, "ridge")
    w = initial_weights(N_USERS, N_ITEMS, 2, True, (), True, 0.7, rng)
    w["user_bias"], w["item_bias"] = (
        rng.normal(size=N_USERS).astype("f4"),
        rng.normal(size=N_ITEMS).astype("f4"),
    )
    history = Ratings.of([0, 0, 0], [4, 1, 2], [5, 2, 4])
    view = model_of(w, noise=0.5).fold_in(history)
    table = np.column_stack([w["user_bias"], w["user_product"]]).astype(np.float64)
    precision, mean = np.linalg.inv(np.cov(table.T) + 1e-4 * np.eye(3)), table.mean(0)
    x = np.column_stack([np.ones(3), w["item_product"][history.item]])
    rest = history.rating - w["item_bias"][history.item]
    expected = np.linalg.solve(x.T @ x / 0.5 + precision, x.T @ rest / 0.5 + precision @ mean)
    found = np.append(view.weights["user_bias"][0], view.weights["user_product"][0])
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("task", ["rating", "ranking"])
def test_no_small_step_from_a_folded_in_person_lowers_their_loss(weights, task):
    model = model_of(weights, task, per_positive=4)
    tables = np.hstack([weights[name].reshape(N_USERS, -1) for name in sorted(of("user", weights))])
    widths = [weights[name].reshape(N_USERS, -1).shape[1] for name in sorted(of("user", weights))]
    cuts = np.cumsum(widths)[:-1]
    items, ratings = np.array([0, 3]), np.array([4.0, 2.0])
    loss = model._loss(items, ratings, cuts)
    view = model.fold_in(Ratings.of([0, 0], items, ratings))
    found = np.hstack([view.weights[n].reshape(1, -1) for n in sorted(of("user", weights))])[0]
    centred = np.cov(tables.T) + 1e-4 * np.eye(tables.shape[1])

    def whole(x):
        away = x - tables.mean(0)
        return loss(x)[0] + away @ np.linalg.solve(centred, away) / 2

    steps = named_rng(1, "steps").normal(size=(50, len(found))) @ np.linalg.cholesky(centred).T
    assert min(whole(found + 0.05 * step) for step in steps) > whole(found) - 1e-4


def ratings_of_two_factors():
    """Ratings 3 + p·q of 40 users and 30 items, seven tenths of the pairs known."""
    rng = named_rng(0, "two factors")
    truth = 3 + rng.normal(size=(40, 2)) @ rng.normal(size=(2, 30))
    user, item = np.nonzero(rng.random((40, 30)) < 0.7)
    return truth, Ratings.of(user, item, truth[user, item])


@pytest.mark.parametrize("options", [{}, {"mlp_layers": [16, 8], "gmf": False}, {"mlp_layers": [16, 8]}])
def test_every_kind_learns_two_factors_of_taste(options):
    truth, train = ratings_of_two_factors()
    settings = {"dim": 8, "epochs": 40, "learning_rate": 0.02, "batch_size": 64, **options}
    model = recommenders.create("neural_mf", "rating", settings, "m")
    model.fit(TrainingData(train, Ratings.empty(), Catalogue.of(40, 30)), named_rng(0, "m"))
    seen = np.sqrt(np.mean((model.scores(np.arange(40)) - truth)[train.user, train.item] ** 2))
    assert seen < 0.3 * truth.std()


def test_someone_and_something_without_a_rating_get_the_mean_embedding():
    train = Ratings.of([0, 0, 1, 1], [0, 1, 0, 1], [5, 4, 2, 1])
    model = recommenders.create("neural_mf", "rating", {"dim": 4, "epochs": 3}, "m")
    model.fit(TrainingData(train, Ratings.empty(), Catalogue.of(3, 3)), named_rng(0, "m"))
    for table in ("user_product", "item_product"):
        rows = model.weights[table]
        np.testing.assert_allclose(rows[2], rows[:2].mean(0), rtol=1e-6)


def test_nothing_to_learn_and_no_negatives_are_named():
    with pytest.raises(MarqueeError, match="has nothing to learn: set one of them"):
        recommenders.create("neural_mf", "rating", {"gmf": False}, "m")
    model = recommenders.create("neural_mf", "ranking", {}, "m")
    with pytest.raises(MarqueeError, match="give its block `train_data: negatives`"):
        model.fit(
            TrainingData(Ratings.of([0], [0]), Ratings.empty(), Catalogue.of(1, 2)),
            named_rng(0, "m"),
        )


def test_a_killed_fit_with_dropout_and_decay_ends_with_the_bytes_of_an_undisturbed_one(tmp_path):
    _, ratings = ratings_of_two_factors()
    train = add_negatives(ratings, 30, NegativeOptions(2), KeyedRandom(0, "negatives"))
    options = {
        "dim": 4,
        "mlp_layers": [8],
        "dropout": 0.3,
        "learning_rate_decay": 0.5,
        "epochs": 5,
        "batch_size": 64,
    }

    def fit(progress):
        model = recommenders.create("neural_mf", "ranking", options, "m")
        return model.fit(
            TrainingData(train, Ratings.empty(), Catalogue.of(40, 30)), named_rng(0, "m"), progress
        )

    whole = fit(FitProgress(show=False))
    with pytest.raises(Killed):
        fit(CrashingProgress(tmp_path / "fit.safetensors", 2))
    resumed = fit(FitProgress(checkpoint=tmp_path / "fit.safetensors", show=False))
    for name, array in whole.state()[0].items():
        np.testing.assert_array_equal(resumed.state()[0][name], array)
