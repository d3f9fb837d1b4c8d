"""GMF, MLP and NeuMF: the function, its two losses, its blocks and what a fold-in promises."""

from __future__ import annotations

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
from marquee.training.networks.layers import Dropout
from marquee.training.networks.losses import pair_loss
from marquee.training.networks.neumf import GMF, NeuMF
from marquee.training.progress import FitProgress
from tests.crash import CrashingProgress, Killed

N_USERS, N_ITEMS = 7, 5
KINDS = {
    "gmf": {"gmf": True, "mlp_layers": ()},
    "mlp": {"gmf": False, "mlp_layers": (6, 4, 3)},
    "neumf": {"gmf": True, "mlp_layers": (6, 4)},
}


@pytest.fixture(params=KINDS)
def network(request) -> NeuMF:
    return random_network(**KINDS[request.param])


def random_network(**options) -> NeuMF:
    """Random weights, all biases included, so that no term is zero by luck."""
    network, rng = NeuMF(N_USERS, N_ITEMS, 3, **options), named_rng(0, "weights")
    for weight in network.parameters():
        weight.data = torch.from_numpy(rng.normal(size=tuple(weight.shape)).astype(np.float32))
    return network


def slow_score(network: NeuMF, u: int, i: int) -> float:
    """The formulas of the docstrings, for one pair, with the concatenation written out."""
    w = {name: array.astype(np.float64) for name, array in arrays(network).items()}
    total = w["constant"][0] + w["user_bias.weight"][u, 0] + w["item_bias.weight"][i, 0]
    if network.gmf is not None:
        product = w["gmf.user.weight"][u] * w["gmf.item.weight"][i]
        total += sum(w["gmf.output.weight"][0, n] * product[n] for n in range(3))
    if network.mlp is not None:
        layer = np.concatenate([w["mlp.user.weight"][u], w["mlp.item.weight"][i]])
        matrices = [np.hstack([w["mlp.from_user.weight"], w["mlp.from_item.weight"]])]
        matrices += [w[name] for name in sorted(w) if name.startswith("mlp.layers") and "weight" in name]
        biases = [
            w["mlp.from_item.bias"],
            *(w[n] for n in sorted(w) if n.startswith("mlp.layers") and "bias" in n),
        ]
        for matrix, bias in zip(matrices, biases, strict=True):
            layer = np.maximum(matrix @ layer + bias, 0)
        total += w["mlp.output.weight"][0] @ layer
    return total


def arrays(network: NeuMF) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}


def model_of(network, task="rating", noise=1.0, per_positive=0):
    layers = [] if network.mlp is None else [network.mlp.from_user.out_features]
    layers += [] if network.mlp is None else [layer.out_features for layer in network.mlp.layers]
    options = {"dim": 3, "gmf": network.gmf is not None, "mlp_layers": layers}
    model = recommenders.create("neural_mf", task, options, "m")
    model.weights, model.noise, model.per_positive = arrays(network), noise, per_positive
    model.n_users, model.n_items = N_USERS, N_ITEMS
    return model


def test_the_module_and_the_model_give_what_the_formula_gives(network):
    """The product alone by its factors, without torch; the rest by the module."""
    expected = np.array([[slow_score(network, u, i) for i in range(N_ITEMS)] for u in range(N_USERS)])
    found = network(torch.arange(N_USERS), torch.arange(N_ITEMS)).detach()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    model = model_of(network)
    assert (model.factors() is None) == (network.mlp is not None)
    np.testing.assert_allclose(model.scores(np.arange(N_USERS)), expected, rtol=1e-4, atol=1e-5)
    pairs = np.array([3, 0, 6]), np.array([4, 4, 0])
    np.testing.assert_allclose(model.predict(*pairs), expected[pairs], rtol=1e-4, atol=1e-5)


def test_users_with_items_of_their_own_are_the_pairs_of_the_grid(network):
    grid = network(torch.arange(N_USERS), torch.arange(N_ITEMS))
    users, items = torch.tensor([1, 4]), torch.tensor([[0, 3, 2], [2, 2, 1]])
    found = network(users[:, None], items)[:, 0]
    torch.testing.assert_close(found, grid[users[:, None], items])


def test_the_product_starts_as_a_dot_product():
    part = GMF(N_USERS, N_ITEMS, 3, Dropout(0, None))
    part.reset_parameters(0.5, named_rng(0, "w"))
    found = part(torch.arange(N_USERS), torch.arange(N_ITEMS))
    torch.testing.assert_close(found, part.user.weight @ part.item.weight.T)


def test_scores_in_blocks_equal_the_whole(network, monkeypatch):
    users = np.array([6, 2, 2, 0, 5])
    whole = model_of(network).scores(users)
    monkeypatch.setattr(neural_mf, "USERS", 2)
    monkeypatch.setattr(neural_mf, "ITEMS", 3)
    np.testing.assert_allclose(model_of(network).scores(users), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("task", ["rating", "ranking"])
def test_the_losses_are_squared_error_and_logistic(network, task):
    users, items = torch.tensor([1, 4]), torch.tensor([[0, 3, 2], [2, 2, 1]])
    if task == "rating":
        ratings = torch.tensor([4.0, 1.5])
        errors = [slow_score(network, 1, 0) - 4, slow_score(network, 4, 2) - 1.5]
        found, expected = pair_loss(network, users, items[:, :1], ratings), np.mean(np.square(errors))
    else:
        s = np.array([[slow_score(network, u, i) for i in row] for u, row in ((1, items[0]), (4, items[1]))])
        s[:, 0] *= -1  # of a positive, ln (1 + e^-s); of a negative, ln (1 + e^s)
        found, expected = pair_loss(network, users, items), np.log1p(np.exp(s)).mean()
    assert [mean.item() for mean in found] == pytest.approx([expected] * 2, rel=1e-4)


def test_the_penalty_counts_an_embedding_as_often_as_it_occurs(network):
    """Three pairs of user 1: their rows count three times, those of item 2 twice and of item 0 once."""
    batch = torch.tensor([1]), torch.tensor([[0, 2, 2]])
    plain, same = (loss.item() for loss in pair_loss(network, *batch))
    penalized, without = (loss.item() for loss in pair_loss(network, *batch, regularization=0.6))
    assert plain == same == without
    model = model_of(network)

    def squares(side, row):
        return sum(float(np.sum(model.weights[name][row] ** 2)) for name in model.tables(side))

    expected = 0.3 * (3 * squares("user", 1) + squares("item", 0) + 2 * squares("item", 2)) / 3
    assert penalized - plain == pytest.approx(expected, rel=1e-4)


def test_dropout_is_for_training_leaves_the_mean_and_comes_from_the_generator():
    first, again, other = (
        Dropout(0.2, named_rng(seed, "dropout"))(torch.ones(100_000)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert set(first.tolist()) == {0.0, 1.25}
    assert float(first.mean()) == pytest.approx(1, abs=0.01)
    assert Dropout(0.2, named_rng(0, "dropout")).eval()(torch.ones(9)).tolist() == [1] * 9


def test_a_rating_newcomer_of_the_product_gets_the_ridge_solution():
    """Without layers the loss is quadratic, so L-BFGS must arrive where the normal equations do."""
    network = random_network()
    torch.nn.init.ones_(network.gmf.output.weight)
    model = model_of(network, noise=0.5)
    w, history = model.weights, Ratings.of([0, 0, 0], [4, 1, 2], [5, 2, 4])
    view = model.fold_in(history)
    table = np.column_stack([w["user_bias.weight"], w["gmf.user.weight"]]).astype(np.float64)
    precision, mean = np.linalg.inv(np.cov(table.T) + 1e-4 * np.eye(4)), table.mean(0)
    x = np.column_stack([np.ones(3), w["gmf.item.weight"][history.item]])
    rest = history.rating - w["constant"] - w["item_bias.weight"][history.item, 0]
    expected = np.linalg.solve(x.T @ x / 0.5 + precision, x.T @ rest / 0.5 + precision @ mean)
    found = np.append(view.weights["user_bias.weight"][0], view.weights["gmf.user.weight"][0])
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("task", ["rating", "ranking"])
def test_no_small_step_from_a_folded_in_user_lowers_their_loss(network, task):
    """The loss of the docstring of `fold_in_network`, from the formula of the score."""
    model, items, ratings = model_of(network, task, per_positive=4 * (task == "ranking")), [0, 3], [4.0, 2.0]
    tables = {name: model.weights[name] for name in model.tables("user")}
    trained = np.hstack(list(tables.values())).astype(np.float64)
    view = model.fold_in(Ratings.of([0, 0], items, ratings))
    found = np.hstack([view.weights[name][0] for name in tables]).astype(np.float64)
    covariance = np.cov(trained.T) + 1e-4 * np.eye(trained.shape[1])

    def whole(x):
        parts = np.split(x, np.cumsum([table.shape[1] for table in tables.values()])[:-1])
        for name, part in zip(tables, parts, strict=True):
            network.get_parameter(name).data[0] = torch.from_numpy(part)
        s = np.array([slow_score(network, 0, item) for item in range(N_ITEMS)])
        if task == "rating":
            loss = np.square(s[items] - ratings).sum() / 2
        else:
            positive = np.isin(np.arange(N_ITEMS), items)
            loss = np.where(positive, np.log1p(np.exp(-s)), 8 / 3 * np.log1p(np.exp(s))).sum()
        away = x - trained.mean(0)
        return loss + away @ np.linalg.solve(covariance, away) / 2

    steps = named_rng(1, "steps").normal(size=(50, len(found))) @ np.linalg.cholesky(covariance).T
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
    for table in ("gmf.user.weight", "gmf.item.weight"):
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
