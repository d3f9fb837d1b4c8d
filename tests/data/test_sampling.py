"""Negatives to learn from, candidates to be ranked among."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from marquee.data import sampling as sampling_module
from marquee.data.ratings import Ratings
from marquee.data.sampling import (
    Candidates,
    ItemSlots,
    NegativeOptions,
    NegativeSampler,
    add_negatives,
    sample_candidates,
)
from marquee.errors import MarqueeError
from marquee.io import read_parquet, write_parquet
from marquee.rng import STEP, KeyedRandom, mix

fast = settings(max_examples=80)
LAWS = ("uniform", "popularity")


def rng(seed: int = 0) -> KeyedRandom:
    return KeyedRandom(seed)


def pairs_of(ratings: Ratings) -> set[tuple[int, int]]:
    return set(zip(ratings.user.tolist(), ratings.item.tolist(), strict=True))


def lists(found: Candidates) -> list[list[int]]:
    return [found.items[a:b].tolist() for a, b in zip(found.offsets, found.offsets[1:], strict=False)]


@st.composite
def small_ratings(draw: st.DrawFn, n_users: int = 6, n_items: int = 9) -> Ratings:
    pairs = sorted(draw(st.sets(st.tuples(st.integers(0, n_users - 1), st.integers(0, n_items - 1)))))
    return Ratings.of([user for user, _ in pairs], [item for _, item in pairs])


def staggered(n_users: int, per_user: int, n_items: int) -> Ratings:
    """User u has rated items u, u + 1, ... (modulo n_items), `per_user` of them."""
    users = np.repeat(np.arange(n_users), per_user)
    return Ratings.of(users, (users + np.tile(np.arange(per_user), n_users)) % n_items)


# negatives


@pytest.mark.parametrize("sampling", LAWS)
@fast
@given(train=small_ratings(), seed=st.integers(0, 3))
def test_no_negative_is_a_training_positive_of_its_user(sampling, train, seed):
    sampled = NegativeSampler(train, 10, sampling).draw(rng(seed), 5)
    assert sampled.shape == (len(train), 5)
    assert sampled.dtype == np.int32
    assert ((sampled >= 0) & (sampled < 10)).all()
    known = pairs_of(train)
    assert not [
        (u, i)
        for u, row in zip(train.user.tolist(), sampled.tolist(), strict=True)
        for i in row
        if (u, i) in known
    ]


@pytest.mark.parametrize("sampling", LAWS)
def test_users_get_the_same_negatives_in_one_block_and_in_several(monkeypatch, sampling):
    for cells in (7 * 8, 1):  # blocks of eight users, then of one
        monkeypatch.setattr(sampling_module, "NEGATIVE_CELLS", cells)
        sampled = NegativeSampler(staggered(50, 3, 7), 7, sampling).draw(rng(), 40)
        for user in range(50):
            own = {(user + n) % 7 for n in range(3)}
            assert set(sampled[3 * user : 3 * user + 3].ravel().tolist()) == set(range(7)) - own


def test_a_user_with_one_unrated_item_is_given_that_item():
    train = Ratings.of([0] * 999 + [1], [*range(500), *range(501, 1000), 0])
    for law in LAWS:
        sampled = NegativeSampler(train, 1000, law).draw(rng(), 2)
        assert (sampled[:999] == 500).all()


def test_a_user_who_has_rated_everything_is_an_error():
    with pytest.raises(MarqueeError, match="user 1 has rated all 3 items"):
        NegativeSampler(Ratings.of([0, 1, 1, 1], [0, 0, 1, 2]), 3)


def test_unsorted_users_are_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="sorted by user"):
        NegativeSampler(Ratings.of([1, 0], [0, 0]), 3)


def test_no_positives_give_no_negatives():
    for law in LAWS:
        assert NegativeSampler(Ratings.empty(), 3, law).draw(rng(), 4).shape == (0, 4)


def law_of(train: Ratings, n_items: int, sampling: str, alpha: float) -> np.ndarray:
    """The slow twin: the probability of each item for each user, [n_users, n_items]."""
    n_users = int(train.user.max()) + 1
    law = np.zeros((n_users, n_items))
    for user in range(n_users):
        for item in range(n_items):
            if (user, item) not in pairs_of(train):
                popularity = np.count_nonzero(train.item == item)
                law[user, item] = 1.0 if sampling == "uniform" else popularity**alpha if popularity else 0.0
    return law / law.sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("sampling", "alpha"), [("uniform", 0.75), ("popularity", 0.75), ("popularity", 0.0), ("popularity", 1.0)]
)
@pytest.mark.parametrize("redraws", [0, sampling_module.REDRAWS])
def test_samples_follow_the_weights_whether_sampled_again_or_taken_from_the_complement(
    monkeypatch, sampling, alpha, redraws
):
    from scipy.stats import chisquare

    monkeypatch.setattr(sampling_module, "REDRAWS", redraws)
    # user 0 has nearly everything, user 1 what is popular, the others one each; item 11 is nobody's
    user = [0] * 9 + [1] * 4 + [2, 3, 4, 5, 6, 7]
    item = [*range(9), 0, 1, 2, 9, 0, 0, 0, 9, 10, 10]
    train = Ratings.of(user, item)
    sampled = NegativeSampler(train, 12, sampling, alpha).draw(rng(), 20_000)
    law = law_of(train, 12, sampling, alpha)
    for user in range(8):
        found = np.bincount(sampled[train.user == user].ravel(), minlength=12)
        possible = law[user] > 0
        assert not found[~possible].any()
        expected = law[user][possible] * found.sum()
        assert chisquare(found[possible], expected).pvalue > 1e-4


def test_where_popularity_leaves_a_user_nothing_sampling_is_uniform():
    train = Ratings.of([0, 0, 1], [0, 1, 0])
    sampled = NegativeSampler(train, 4, "popularity").draw(rng(), 4000)
    assert np.abs(np.bincount(sampled[:2].ravel())[2:] - 4000).max() < 4 * np.sqrt(8000 / 4)
    assert (sampled[2] == 1).all()


def test_held_out_items_are_sampled_as_often_as_any_other():
    """To avoid them would show the model where the answer lies."""
    n_users, n_items = 400, 50
    held_out = np.random.default_rng(1).integers(0, n_items, n_users)
    user = np.repeat(np.arange(n_users), 10)
    item = (held_out[user] + 1 + np.tile(np.arange(10), n_users)) % n_items  # ten others
    sampled = NegativeSampler(Ratings.of(user, item), n_items).draw(rng(), 25)
    hits = np.count_nonzero(sampled == held_out[user][:, None])
    expected = sampled.size / (n_items - 10)
    assert abs(hits - expected) < 4 * np.sqrt(expected)


def one_hash(key: int, number: int) -> int:
    """The hash of one draw: its number may have any size."""
    return int(mix(np.array([(key + number * int(STEP)) % 2**64], np.uint64))[0])


def slots_of(keys: list[int]) -> list[int]:
    """The slow twin of `ItemSlots`: the item in each slot, -1 for none."""
    size = 2
    while size < len(keys) * 5 // 4:
        size *= 2
    slots = [-1] * size
    order = sorted(range(len(keys)), key=keys.__getitem__)
    for left, item in zip(range(len(keys), 0, -1), order, strict=True):
        home = keys[item] * size >> 64
        after = max((slot for slot in range(size) if slots[slot] >= 0), default=-1) + 1
        slots[min(max(home, after), size - left)] = item
    return slots


@fast
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40, unique=True), st.booleans())
def test_items_lie_in_their_slots_as_in_the_slow_twin(keys, crowded):
    keys = [key | 2**64 - 2**60 for key in keys] if crowded else keys  # all at the end
    if len(set(keys)) < len(keys):
        reject()
    slots = ItemSlots(np.array(keys, np.uint64))
    expected = slots_of(keys)
    places = np.arange(slots.size, dtype=np.uint64) << np.uint64(64 - (slots.size - 1).bit_length())
    assert slots.look_up(places).tolist() == expected
    assert sorted(item for item in expected if item >= 0) == list(range(len(keys)))


def test_negatives_equal_their_slow_twin():
    train, random = staggered(9, 4, 11), KeyedRandom(3, "twin")
    slots = slots_of(random.items(np.arange(11)).tolist())
    width = (len(slots) - 1).bit_length()
    sampled = NegativeSampler(train, 11).draw(random, 3)

    def meet(key: int, number: int) -> int:
        """The first item from draw `number` on; each hash gives as many draws as it has bits for."""
        while True:
            hashed = one_hash(key, number)
            for begin in range(0, 64 - width + 1, width):
                item = slots[(hashed >> 64 - width - begin) % len(slots)]
                if item >= 0:
                    return item
            number += 1

    for row, key in enumerate(random.rows(train.user, train.item).tolist()):
        own = {(int(train.user[row]) + n) % 11 for n in range(4)}
        for column in range(3):
            tries = [meet(key, (column << 40) + (attempt << 20)) for attempt in range(9)]
            allowed = [item for item in tries if item not in own]
            assert sampled[row, column] == allowed[0]


def test_stored_negatives_carry_the_law_by_which_they_were_sampled():
    train = Ratings.of([0, 0, 1], [0, 1, 0])
    stored = add_negatives(train, 5, NegativeOptions(2, "popularity", 0.5), rng(3))
    assert stored.negatives is not None
    assert stored.negatives.tolist() == NegativeSampler(train, 5, "popularity", 0.5).draw(rng(3), 2).tolist()
    assert json.loads(stored.sampling) == {"sampling": "popularity", "alpha": 0.5}
    assert Ratings.from_table(stored.to_table()).negatives.tolist() == stored.negatives.tolist()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_samples():
    for law in LAWS:
        sampler = NegativeSampler(staggered(20, 5, 20), 20, law)
        one, same, other = (sampler.draw(rng(seed), 4) for seed in (1, 1, 2))
        assert one.tobytes() == same.tobytes()
        assert (one != other).any()


# candidates


@fast
@given(small_ratings(), small_ratings(), small_ratings(), st.integers(1, 12), st.integers(0, 3))
def test_candidates_are_distinct_and_neither_seen_nor_held_out(train, validation, test, count, seed):
    found = sample_candidates((train, validation), test, 7, 9, count, rng(seed))
    known = pairs_of(train) | pairs_of(validation) | pairs_of(test)
    assert found.offsets.dtype == np.int64
    assert found.items.dtype == np.int32
    for user, items in enumerate(lists(found)):
        allowed = {item for item in range(9) if (user, item) not in known}
        assert items == sorted(set(items))
        assert set(items) <= allowed
        assert len(items) == (min(count, len(allowed)) if user in test.user else 0)


def test_candidates_equal_their_slow_twin_whether_met_or_of_the_least_hashes():
    n_users, n_items, count = 12, 60, 7
    user, item = np.divmod(np.arange(n_users * n_items), n_items)
    known = item < 4.5 * user  # from none of the items to nearly all
    train, test = Ratings.of(user[known], item[known]), Ratings.of(range(n_users), [59] * n_users)
    random = KeyedRandom(4, "twin")
    item_keys = random.items(np.arange(n_items)).tolist()
    slots = slots_of(item_keys)
    n_draws = 8 + 6 * count * len(slots) // (5 * n_items)
    ways = set()
    for own, key in zip(range(n_users), random.users(np.arange(n_users)).tolist(), strict=True):
        allowed = {i for i in range(n_items - 1) if i >= 4.5 * own}
        met = [slots[one_hash(key, number) * len(slots) >> 64] for number in range(1, n_draws + 1)]
        chosen = list(dict.fromkeys(i for i in met if i in allowed))[:count]
        ways.add(len(chosen) == count)
        if len(chosen) < count:
            chosen = sorted(allowed, key=lambda i: one_hash((item_keys[i] + key) % 2**64, 0))[:count]
        found = sample_candidates([train], test, n_users, n_items, count, random)
        assert lists(found)[own] == sorted(chosen)
    assert ways == {True, False}


def test_when_fewer_are_left_all_of_them_are_given():
    train, test = Ratings.of([0, 0, 1], [0, 3, 1]), Ratings.of([0], [2])
    assert lists(sample_candidates([train], test, 3, 6, 99, rng())) == [[1, 4, 5], [], []]


def test_every_set_of_candidates_is_equally_likely():
    train = Ratings.of(np.repeat(np.arange(10_000), 2), np.tile([1, 4], 10_000))
    test = Ratings.of(range(10_000), [3] * 10_000)
    found = sample_candidates([train], test, 10_000, 8, 2, rng())
    sets, times = np.unique(found.items.reshape(-1, 2), axis=0, return_counts=True)
    assert sets.tolist() == [[a, b] for a in (0, 2, 5, 6, 7) for b in (2, 5, 6, 7) if a < b]
    assert np.abs(times - 1000).max() < 4 * np.sqrt(900)


def test_nothing_held_out_gives_everyone_an_empty_span():
    assert lists(sample_candidates([Ratings.of([0], [1])], Ratings.empty(), 2, 5, 3, rng())) == [[], []]


def test_candidates_come_back_from_their_file_as_they_were(tmp_path):
    given = Candidates(np.array([0, 2, 2, 5]), np.array([4, 7, 1, 2, 3], np.int32))
    assert given.to_table().column_names == ["user", "candidates"]
    assert given.to_table()["candidates"].to_pylist() == [[4, 7], [], [1, 2, 3]]
    write_parquet(tmp_path / "candidates.parquet", given.to_table())
    back = Candidates.from_table(read_parquet(tmp_path / "candidates.parquet"))
    assert lists(back) == lists(given)
    assert (back.offsets.dtype, back.items.dtype) == (np.int64, np.int32)
