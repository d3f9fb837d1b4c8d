from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marquee.data.user_items import UserItems
from marquee.errors import MarqueeError
from marquee.evaluation import topk
from marquee.evaluation.topk import top_k_for_users
from tests.evaluation.topk_twins import top_k

NOTHING_SEEN = UserItems(np.zeros(101, np.int64), np.empty(0, np.int32))


def plain(scores: list[float], k: int) -> list[int]:
    """The k best by (-score, item), one item at a time."""
    order = sorted(range(len(scores)), key=lambda item: (-scores[item], item))[:k]
    return [item if scores[item] > -np.inf else -1 for item in order]


@given(
    arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 12)), elements=st.integers(-2, 2)),
    st.integers(1, 12),
    st.floats(0, 1),
)
def test_the_best_are_those_of_a_full_sort_whatever_is_tied_or_hidden(scores, k, hidden):
    scores[np.random.default_rng(0).random(scores.shape) < hidden] = -np.inf
    k = min(k, scores.shape[1])
    items, values = top_k(scores, k)
    assert items.tolist() == [plain(row.tolist(), k) for row in scores]
    expected = np.where(items >= 0, np.take_along_axis(scores, items, 1), -np.inf)
    assert (values == expected).all()


def test_large_random_scores_equal_a_full_sort():
    scores = np.random.default_rng(0).standard_normal((300, 2000)).astype(np.float32)
    assert (top_k(scores, 20)[0] == np.argsort(-scores, axis=1, kind="stable")[:, :20]).all()


def test_of_equal_scores_the_lower_items_come_first():
    items, _ = top_k(np.array([[1, 3, 2, 3, 2, 2]], np.float32), 4)
    assert items.tolist() == [[1, 3, 2, 4]]
    assert items.dtype == np.int32


def test_a_list_ends_where_nothing_is_left():
    items, values = top_k(np.array([[-np.inf, 7, -np.inf]], np.float32), 3)
    assert items.tolist() == [[1, -1, -1]]
    assert values.tolist() == [[7, -np.inf, -np.inf]]


def test_more_places_than_items_are_refused():
    with pytest.raises(MarqueeError, match=r"evaluate.ks asks for lists of 9 items.* has 8"):
        top_k_for_users(lambda users: np.zeros((len(users), 8)), np.arange(2), NOTHING_SEEN, 8, 9)


def test_blocks_give_what_one_block_gives(monkeypatch):
    rng = np.random.default_rng(3)
    table = rng.integers(0, 5, (100, 8)).astype(np.float32)
    seen = UserItems.of(rng.integers(0, 100, 300), rng.integers(0, 8, 300), 100)
    users = rng.permutation(100)[:71]
    whole = top_k_for_users(lambda u: table[u], users, seen, 8, 5)
    sizes = []
    monkeypatch.setattr(topk, "BLOCK_BYTES", 9 * 8 * 4)
    parts = top_k_for_users(lambda u: (sizes.append(len(u)), table[u])[1], users, seen, 8, 5)
    assert sorted(sizes) == [8] + [9] * 7
    for one, many in zip(whole[:2], parts[:2], strict=True):
        assert (one == many).all()


def test_what_a_user_has_seen_is_not_listed_but_its_score_can_be_asked_for():
    table = np.array([[3, 2, 1], [1, 2, 3]], np.float32)
    seen, asked = (
        UserItems.of([0, 0, 1], np.array([0, 2, 1]), 2),
        UserItems.of([0, 1, 1], np.array([1, 0, 2]), 2),
    )
    items, _, (found,) = top_k_for_users(lambda u: table[u], np.array([1, 0]), seen, 3, 2, asked=[asked])
    assert items.tolist() == [[2, 0], [1, -1]]
    assert found.tolist() == [2, 3, 1]
    assert table.tolist() == [[3, 2, 1], [1, 2, 3]]


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused_with_model_and_user(odd):
    table = np.zeros((100, 8), np.float32)
    table[42, 3] = odd
    with pytest.raises(MarqueeError, match="ease gives user 42 a score that is not finite"):
        top_k_for_users(lambda u: table[u], np.arange(10, 60), NOTHING_SEEN, 8, 2, "ease")


def test_nobody_to_rank_for_gives_no_lists():
    items, values, _ = top_k_for_users(lambda u: np.zeros((len(u), 8)), np.arange(0), NOTHING_SEEN, 8, 2)
    assert items.shape == values.shape == (0, 2)


def test_lists_are_the_same_bytes_on_one_thread_and_on_two():
    """A matrix product of this size differs in its last bits between the two."""
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(4)
    users, items = (rng.normal(size=(n, 32)).astype(np.float32) for n in (943, 1682))
    seen = UserItems(np.zeros(944, np.int64), np.empty(0, np.int32))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(top_k_for_users(lambda u: users[u] @ items.T, np.arange(943), seen, 1682, 20)[1])
    assert found[0].tobytes() == found[1].tobytes()
