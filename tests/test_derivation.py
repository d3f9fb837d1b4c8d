"""The compiled updates are those that docs/explanation/derivation.md derives; the page itself is run."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.kernels.sgd import descend
from marquee.recommenders.base import TrainingData
from marquee.rng import named_rng

PAGE = Path(__file__).parents[1] / "docs/explanation/derivation.md"


@pytest.fixture(scope="module")
def derived() -> dict[str, Any]:
    """The names that the page defines."""
    test = doctest.DocTestParser().get_doctest(PAGE.read_text(), {}, PAGE.name, str(PAGE), 0)
    results = doctest.DocTestRunner(verbose=False).run(test, clear_globs=False)
    assert results.attempted > 20
    assert results.failed == 0
    return test.globs


def at(expressions: Any, values: dict[Any, float]) -> np.ndarray:
    """The values of symbolic `expressions`, float64."""
    return np.array([float(sympy.N(x.subs(values))) for x in expressions])


@pytest.mark.parametrize("case", range(5))
def test_a_compiled_step_is_the_step_along_the_symbolic_gradient(derived, case):
    rng = named_rng(case, "step")
    theta = rng.normal(0, 1, 6)
    rating, mean, step, penalty = 4.0, rng.normal(3, 1), 0.01, rng.random()
    values = dict(zip(derived["theta"], theta, strict=True))
    values |= {derived["r"]: rating, derived["mean"]: mean, derived["penalty"]: penalty}
    expected = theta - step * at(derived["rating_gradient"], values)

    users, items, user_bias, item_bias = (
        theta[None, 2:4].copy(),
        theta[None, 4:].copy(),
        theta[:1],
        theta[1:2],
    )
    first, whole = np.zeros(1, np.int32), np.array([rating])
    learnt = (users, items, user_bias.copy(), item_bias.copy())
    loss = descend(first, first, whole, mean, *learnt, step, penalty, True, True)
    found = np.concatenate([learnt[2], learnt[3], learnt[0][0], learnt[1][0]])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    assert loss == pytest.approx((rating - float(derived["predicted"].subs(values))) ** 2)


@pytest.mark.parametrize("case", range(5))
def test_the_symbolic_gradient_is_zero_at_the_compiled_solve_of_a_row(derived, case):
    from marquee.kernels.least_squares import solve_rows

    rng = named_rng(case, "row")
    features, targets = rng.normal(0, 1, (2, 3)).astype(np.float32), rng.normal(0, 2, 2)
    prior, penalty = rng.normal(0, 1, (1, 3)).astype(np.float32), 1 + rng.random(2)
    features[:, 0] = 1
    offsets, columns = np.array([0, 2]), np.array([0, 1], np.int32)
    solved, _ = solve_rows(offsets, columns, targets.astype(np.float32), features, penalty[None], prior)
    values = dict(zip(derived["y"], features.ravel(), strict=True))
    values |= dict(zip(derived["t"], targets, strict=True))
    values |= dict(zip(derived["prior"], prior[0], strict=True)) | dict(
        zip(derived["x"], solved[0], strict=True)
    )
    values |= {derived["bias_penalty"]: penalty[0], derived["factor_penalty"]: penalty[1]}
    np.testing.assert_allclose(at(derived["row_gradient"], values), 0, atol=1e-5)


@pytest.mark.parametrize("case", range(5))
def test_the_symbolic_gradient_is_zero_at_the_solve_of_the_genres(derived, case):
    from marquee.recommenders.als import solve_genres

    rng = named_rng(case, "genres")
    fractions, penalty = np.array([[1, 0], [0.5, 0.5], [0, 1]]), 1 + rng.random((3, 2))
    items, ridge = rng.normal(0, 1, (3, 4)).astype(np.float32), rng.random(4)
    genres = solve_genres(items, fractions, penalty, ridge)
    values = dict(zip(derived["s"], fractions.ravel(), strict=True))
    for column in range(4):
        values |= dict(zip(derived["penalties"], penalty[:, min(column, 1)], strict=True))
        values[derived["ridge"]] = ridge[column]
        values |= dict(zip(derived["column"], items[:, column], strict=True))
        values |= dict(zip(derived["f"], genres[:, column], strict=True))
        np.testing.assert_allclose(at(derived["genre_gradient"], values), 0, atol=1e-5)


@pytest.mark.parametrize(("frequency_exponent", "tie"), [(0.0, 0.0), (0.0, 0.2), (0.5, 0.0)])
def test_where_als_comes_to_rest_the_gradient_of_its_whole_objective_is_zero(frequency_exponent, tie):
    """Three users, four movies of two genres, one movie unrated; 27 unknowns, differentiated one by one."""
    penalties = {"user_bias_regularization": 0.7, "item_bias_regularization": 0.4, "regularization": 0.5}
    options = {**penalties, "genre_regularization": 0.3, "genre_bias_regularization": tie}
    options |= {"frequency_exponent": frequency_exponent, "use_genres": True}
    model = recommenders.create("als", "rating", {**options, "dim": 2, "epochs": 600}, "models.als")
    train = Ratings.of([0, 0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 2, 1, 2], [5, 3, 1, 4, 2, 1, 5])
    has = np.array([[1, 0], [1, 1], [0, 1], [1, 1]], bool)
    catalogue = Catalogue(3, 4, has, ("Drama", "War"))
    model.fit(TrainingData(train, Ratings.empty(), catalogue), named_rng(0, "als"))

    users, items, genres = (
        sympy.Matrix(n, 3, sympy.symbols(f"{name}0:{3 * n}")) for name, n in (("a", 3), ("b", 4), ("c", 2))
    )
    prior = sympy.Matrix(has / has.sum(axis=1, keepdims=True)) * genres
    ridge = [0.5, 0.5]

    def penalty(rows: Any, index: np.ndarray, bias: float) -> Any:
        weight = np.maximum(np.bincount(index, minlength=rows.rows), 1.0) ** frequency_exponent
        squares = rows.multiply_elementwise(rows) * sympy.Matrix([bias, *ridge])
        return sum(w * square for w, square in zip(weight, squares, strict=True))

    loss = penalty(users, train.user, 0.7) + penalty(items - prior, train.item, 0.4)
    rated = np.bincount(train.item, minlength=4)
    loss += tie * sum(n * away**2 for n, away in zip(rated.tolist(), (items - prior).col(0), strict=True))
    loss += 0.3 * sum(genres.multiply_elementwise(genres) * sympy.Matrix([0.4, *ridge]))
    for user, item, rating in zip(train.user, train.item, train.rating, strict=True):
        p, q = users.row(int(user)), items.row(int(item))
        loss += (rating - model.mean - p[0] - q[0] - p[1] * q[1] - p[2] * q[2]) ** 2
    unknown = [*users, *items, *genres]
    found = np.concatenate([model.users.ravel(), model.items.ravel(), model.genres.ravel()])
    gradient = sympy.lambdify([unknown], [sympy.diff(loss, x) for x in unknown])(found.astype(np.float64))
    np.testing.assert_allclose(gradient, 0, atol=2e-5)
    assert abs(model.users[:, 1:]).max() > 0.1, "it is not the trivial rest at 0"
