"""iALS against its objective as the docstring has it, and against a dense solve for every row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marquee.data.ratings import Catalogue, Ratings, count_weights
from marquee.recommenders.base import TrainingData
from marquee.recommenders.ials import Model, Options, solve
from marquee.rng import named_rng
from marquee.training.progress import FitProgress

N_USERS, N_ITEMS = 30, 20


@pytest.fixture(scope="module")
def train() -> Ratings:
    user, item = np.nonzero(named_rng(1, "positives").random((N_USERS, N_ITEMS)) < 0.2)
    return Ratings.of(user, item, 1.0)


def fitted(train: Ratings, **options) -> tuple[Model, list[dict[str, float]]]:
    progress = FitProgress(show=False)
    model = Model(Options(**{"dim": 3, "epochs": 5} | options))
    catalogue = Catalogue.of(N_USERS, N_ITEMS)
    model.fit(TrainingData(train, Ratings.empty(), catalogue), named_rng(0, "ials"), progress)
    return model, progress.rows


@pytest.fixture(scope="module")
def played(train) -> Ratings:
    """The same pairs, and how often."""
    return replace(train, rating=named_rng(4, "plays").uniform(0.1, 9, len(train)).astype(np.float32))


def objective(positive: np.ndarray, users: np.ndarray, items: np.ndarray, o: Options) -> float:
    """As the docstring of `Model` has it, over every pair."""
    scores = users @ items.T
    penalty = 0.0
    for side, counts, others in (
        (users, positive.sum(1), N_ITEMS),
        (items, positive.sum(0), N_USERS),
    ):
        weight = (counts + o.unobserved_weight * others) ** o.frequency_exponent
        penalty += o.regularization * (weight * np.square(side).sum(1)).sum()
    return float(
        (positive * np.square(1 - scores)).sum() + o.unobserved_weight * np.square(scores).sum() + penalty
    )


@pytest.mark.parametrize("nu", [0, 0.5, 1])
def test_the_users_are_where_no_small_step_lowers_the_objective(train, nu):
    model, _ = fitted(train, frequency_exponent=nu, regularization=0.05)
    positive = train.matrix(N_USERS, N_ITEMS, binary=True).toarray().astype(np.float64)
    users, items = model.users.astype(np.float64), model.items.astype(np.float64)
    least = objective(positive, users, items, model.options)
    rng = named_rng(2, "steps")
    for _ in range(200):
        step = np.zeros_like(users)
        step[rng.integers(N_USERS), rng.integers(3)] = rng.choice([-0.01, 0.01])
        assert objective(positive, users + step, items, model.options) > least


def test_the_loss_is_the_objective_for_each_positive_and_never_rises(train):
    model, rows = fitted(train)
    positive = train.matrix(N_USERS, N_ITEMS, binary=True).toarray()
    losses = [row["loss"] for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(
        objective(positive, model.users, model.items, model.options) / len(train), rel=1e-5
    )


def test_each_row_is_the_solution_of_its_own_dense_system(train):
    o = Options(dim=3, regularization=0.1, unobserved_weight=0.3)
    positives = train.matrix(N_USERS, N_ITEMS, binary=True)
    items = named_rng(3, "items").normal(size=(N_ITEMS, 3)).astype(np.float32)
    for found, row in zip(solve(positives, items, o)[0], positives.toarray(), strict=True):
        penalty = o.regularization * (row.sum() + o.unobserved_weight * N_ITEMS)
        weights = row + o.unobserved_weight  # of each item's squared score
        system = items.T @ (weights[:, None] * items) + penalty * np.eye(3)
        np.testing.assert_allclose(found, np.linalg.solve(system, items.T @ row), rtol=1e-4, atol=1e-6)


def test_folding_in_a_training_user_gives_their_factors_to_the_bit(train):
    model, _ = fitted(train)
    np.testing.assert_array_equal(model.fold_in(train).users, model.users[: train.user.max() + 1])


def test_what_each_positive_adds_makes_up_the_score(train):
    model, _ = fitted(train)
    history = train.take(train.user == 4)
    added = model.explain(history, np.arange(N_ITEMS))  # (n_positives, n_items)
    np.testing.assert_allclose(added.sum(0), model.scores(np.array([4]))[0], atol=1e-5)


def test_each_row_of_weighted_positives_is_the_solution_of_its_own_dense_system(played):
    o = Options(dim=3, regularization=0.1, unobserved_weight=0.3)
    weights = played.matrix(N_USERS, N_ITEMS)
    items = named_rng(3, "items").normal(size=(N_ITEMS, 3)).astype(np.float32)
    for found, row in zip(solve(weights, items, o)[0], weights.toarray(), strict=True):
        penalty = o.regularization * (row.sum() + o.unobserved_weight * N_ITEMS)
        system = items.T @ ((row + o.unobserved_weight)[:, None] * items) + penalty * np.eye(3)
        np.testing.assert_allclose(found, np.linalg.solve(system, items.T @ row), rtol=1e-4, atol=1e-6)


def test_the_loss_of_weighted_positives_is_their_objective_and_never_rises(played):
    model, rows = fitted(played)
    losses = [row["loss"] for row in rows]
    assert losses == sorted(losses, reverse=True)
    weights = played.matrix(N_USERS, N_ITEMS).toarray().astype(np.float64)
    expected = objective(weights, model.users, model.items, model.options) / len(played)
    assert losses[-1] == pytest.approx(expected, rel=1e-5)


def test_a_user_of_weighted_positives_is_folded_in_to_the_bit_and_explained(played):
    model, _ = fitted(played)
    view = model.fold_in(played)
    np.testing.assert_array_equal(view.users, model.users[: view.n_users])
    added = model.explain(played.take(played.user == 4), np.arange(N_ITEMS))  # (n_positives, n_items)
    np.testing.assert_allclose(added.sum(0), model.scores(np.array([4]))[0], atol=1e-5)


def test_counts_change_what_is_learned_and_equal_ones_do_not(train, played):
    plain, _ = fitted(train)
    alike, _ = fitted(replace(train, rating=count_weights(np.full(len(train), 12.5, np.float32))))
    np.testing.assert_array_equal(alike.items, plain.items)
    assert abs(fitted(played)[0].items - plain.items).max() > 0.01
