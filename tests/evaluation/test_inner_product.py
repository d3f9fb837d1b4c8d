from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee import parallel
from marquee.data.user_items import UserItems
from marquee.errors import MarqueeError
from marquee.evaluation import inner_product, topk
from marquee.evaluation.inner_product import FactorScores
from marquee.evaluation.topk import top_k_for_users
from marquee.kernels import topk as topk_kernels
from tests.evaluation import topk_twins
from tests.evaluation.topk_twins import top_k


def rows(rng, n_rows: int, n_items: int, density: float) -> UserItems:
    """A random part of each row's items; some rows have none, some all."""
    owner, item = np.nonzero(rng.random((n_rows, n_items)) < density * rng.integers(0, 3, (n_rows, 1)))
    return UserItems.of(owner, item.astype(np.int32), n_rows)


def best_by_sorting(scores: np.ndarray, users: np.ndarray, seen: UserItems, k: int):
    hidden = scores[users].copy()
    theirs = seen.take(users)
    hidden[theirs.owners(), theirs.items] = -np.inf
    items = np.argsort(-hidden, axis=1, kind="stable")[:, :k]
    values = np.take_along_axis(hidden, items, 1)
    return np.where(values > -np.inf, items, -1), values


whole = st.integers(0, 2**32 - 1)


@settings(max_examples=25)
@given(
    whole, st.integers(1, 40), st.integers(1, 70), st.integers(1, 20), st.integers(1, 12), st.floats(0, 0.7)
)
def test_lists_are_those_of_a_full_sort_whatever_the_shape_the_ties_and_what_is_seen(
    seed, n_users, n_items, d, k, density
):
    """Small whole numbers: their products are exact, so that many tie, the same on every processor."""
    rng = np.random.default_rng(seed)
    left, right = (rng.integers(-2, 3, (n, d)).astype(np.float32) for n in (n_users, n_items))
    right[:, 0] = rng.integers(0, 2)  # sometimes a column of ones
    users = rng.permutation(n_users)[: rng.integers(1, n_users + 1)]
    seen, asked, k = (
        rows(rng, n_users, n_items, density),
        rows(rng, len(users), n_items, 0.2),
        min(k, n_items),
    )
    expected = best_by_sorting(left @ right.T, users, seen, k)
    shapes = inner_product.USERS, inner_product.ITEMS, inner_product.ROUND, inner_product.LOOK
    inner_product.USERS, inner_product.ITEMS, inner_product.ROUND, inner_product.LOOK = 16, 8, 4, 1
    try:
        for scores in (FactorScores(left, right), lambda u: left[u] @ right.T):
            items, values, (found,) = top_k_for_users(scores, users, seen, n_items, k, asked=[asked])
            assert (items == expected[0]).all()
            assert (values == expected[1]).all()
            assert (found == (left @ right.T)[users[asked.owners()], asked.items]).all()
    finally:
        inner_product.USERS, inner_product.ITEMS, inner_product.ROUND, inner_product.LOOK = shapes


@pytest.fixture
def dataset():
    """Whole numbers for factors, a popular few items, and more than one tile of everything."""
    rng = np.random.default_rng(5)
    left = rng.integers(-3, 4, (2500, 20)).astype(np.float32)
    right = np.rint(rng.normal(0, 3, (900, 20)) / (1 + np.arange(900)[:, None] / 12)).astype(np.float32)
    users = rng.permutation(2500)[:2300]
    return FactorScores(left, right), users, rows(rng, 2500, 900, 0.05), rows(rng, 2300, 900, 0.03)


def ranked(dataset, k: int = 10) -> tuple[bytes, ...]:
    scores, users, seen, asked = dataset
    items, values, (found,) = top_k_for_users(scores, users, seen, 900, k, asked=[asked])
    return items.tobytes(), values.tobytes(), found.tobytes()


def test_lists_are_the_same_bytes_for_any_block_and_number_of_threads(dataset, monkeypatch):
    first = ranked(dataset)
    for n, users, items in ((1, 1024, 256), (2, 64, 64), (3, 2300, 900)):
        monkeypatch.setattr(parallel, "n_threads", lambda n=n: n)
        monkeypatch.setattr(inner_product, "USERS", users)
        monkeypatch.setattr(inner_product, "ITEMS", items)
        assert ranked(dataset) == first


def test_a_score_is_the_same_bytes_whoever_else_is_asked_for_on_one_thread_and_on_two(monkeypatch):
    rng = np.random.default_rng(6)
    scores = FactorScores(*(rng.standard_normal((n, 33), np.float32) for n in (3000, 700)))
    nothing = UserItems(np.zeros(3001, np.int64), np.empty(0, np.int32))
    found = []
    for n in (1, 2):
        monkeypatch.setattr(parallel, "n_threads", lambda n=n: n)
        found.append(top_k_for_users(scores, np.arange(3000), nothing, 700, 10)[1].tobytes())
    assert found[0] == found[1]


def test_most_of_the_catalogue_is_left_out_once_its_vectors_are_too_short(dataset, monkeypatch):
    looked = []
    monkeypatch.setattr(
        topk_kernels,
        "absorb",
        lambda *given, absorb=topk_kernels.absorb: (looked.append(given[1].size), absorb(*given)),
    )
    monkeypatch.setattr(inner_product, "ITEMS", 64)
    ranked(dataset)
    assert sum(looked) < 0.5 * 2300 * 15


def test_a_list_may_stop_where_it_has_enough_and_the_rest_is_exact(dataset, monkeypatch):
    monkeypatch.setattr(inner_product, "ITEMS", 16)
    monkeypatch.setattr(inner_product, "LOOK", 1)
    scores, users, seen, _ = dataset
    full, values, _ = top_k_for_users(scores, users, seen, 900, 10)
    enough = values[:, 9] / 2 + np.where(np.arange(len(users)) % 2, 1000, 0)
    cut, found, _ = top_k_for_users(scores, users, seen, 900, 10, enough=enough)
    assert (cut[1::2] == full[1::2]).all()
    stopped = (cut != full).any(1)
    assert stopped.any()
    assert (found[stopped, -1] > enough[stopped]).all()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3e38])
def test_factors_whose_scores_are_not_finite_are_refused_with_model_and_user(side, odd):
    factors = {"left": np.ones((5, 3), np.float32), "right": np.ones((4, 3), np.float32)}
    factors[side][2, 1] = odd
    user = 2 if side == "left" else 1
    nothing = UserItems(np.zeros(6, np.int64), np.empty(0, np.int32))
    with pytest.raises(MarqueeError, match=f"ials gives user {user} a score that is not finite"):
        top_k_for_users(FactorScores(**factors), np.arange(1, 5), nothing, 4, 2, "ials")


@settings(max_examples=30)
@given(whole, st.integers(1, 12), st.integers(1, 50), st.integers(1, 40))
def test_scores_of_pairs_equal_their_twin_to_the_bit(seed, n_users, n_items, d):
    rng = np.random.default_rng(seed)
    left, right = (rng.standard_normal((n, d), np.float32) for n in (n_users, n_items))
    asked, users = rows(rng, n_users, n_items, 0.4), rng.permutation(n_users)
    fast, slow = np.empty((2, len(asked.items)), np.float32)
    topk_kernels.dots(left, right, users, *asked, fast)
    topk_twins.dots(left, right, users, *asked, slow)
    assert fast.tobytes() == slow.tobytes()
    np.testing.assert_allclose(fast, (left @ right.T)[users[asked.owners()], asked.items], atol=1e-4)


@settings(max_examples=30)
@given(whole, st.integers(1, 12), st.integers(1, 50), st.integers(1, 9))
def test_shares_of_genres_equal_their_twin_to_the_bit(seed, n_users, n_items, n_genres):
    rng = np.random.default_rng(seed)
    genres = rng.random((n_items, n_genres)) < 0.4
    starts, of_item = np.append(0, np.cumsum(genres.sum(1))), np.nonzero(genres)[1]
    weight, history = rng.integers(0, 99, n_items) / 64, rows(rng, n_users, n_items, 0.4)
    fast, slow = np.zeros((2, n_users, n_genres))
    topk_kernels.add_fractions(*history, starts, of_item, weight, fast)
    topk_twins.add_fractions(*history, starts, of_item, weight, slow)
    assert fast.tobytes() == slow.tobytes()
    expected = history_matrix(history, n_items) @ (genres * weight[:, None])
    assert (fast == expected).all()


def history_matrix(history: UserItems, n_items: int) -> np.ndarray:
    matrix = np.zeros((len(history.lengths), n_items))
    matrix[history.owners(), history.items] = 1
    return matrix


def test_a_block_that_fails_in_a_thread_raises_what_it_raised():
    def work(part: slice) -> None:
        if part.start >= 20:
            raise ValueError(part.start)

    with pytest.raises(ValueError, match="20"):
        parallel.parallel_blocks(work, 100, 10)


def test_dense_scores_of_a_product_give_the_same_lists(dataset):
    scores, users, seen, _ = dataset
    items, _, _ = top_k_for_users(scores, users, seen, 900, 10)
    block = scores.left[users] @ scores.right.T  # exact: whole numbers
    theirs = seen.take(users)
    block[theirs.owners(), theirs.items] = -np.inf
    assert (top_k(block, 10)[0] == items).all()
    assert topk.USERS == inner_product.USERS
