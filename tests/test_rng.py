"""Hashes that stand in for random numbers."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.rng import STEP, KeyedRandom, hash_ids, mix, named_rng, uniform

USERS, ITEMS = np.array([7, 12, 40]), np.array([3, 5, 11, 900])
PAIRS = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)


def states(key: int, n: int) -> np.ndarray:
    return np.uint64(key) + np.arange(1, n + 1, dtype=np.uint64) * STEP


def test_draws_are_those_of_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert mix(states(1234567, 4)).tolist() == published


def test_the_hash_of_a_pair_depends_on_its_ids_and_not_on_where_they_stand():
    hashes = KeyedRandom(1, "split", USERS, ITEMS).rows(*PAIRS).reshape(3, 4)
    more = KeyedRandom(1, "split", np.array([7, 9, 12, 40]), np.array([1, 3, 5, 11, 70, 900]))
    user, item = np.meshgrid([0, 2, 3], [1, 2, 3, 5], indexing="ij")
    assert more.rows(user.ravel(), item.ravel()).reshape(3, 4).tolist() == hashes.tolist()
    assert len(np.unique(hashes)) == 12


def test_seed_purpose_user_and_item_each_change_the_hash():
    base = KeyedRandom(1, "split", USERS, ITEMS).rows(*PAIRS)
    for other in (
        KeyedRandom(2, "split", USERS, ITEMS),
        KeyedRandom(1, "negatives", USERS, ITEMS),
        KeyedRandom(1, "split", USERS + 1, ITEMS),
        KeyedRandom(1, "split", USERS, ITEMS + 1),
    ):
        assert (other.rows(*PAIRS) != base).all()


def test_without_ids_an_index_is_its_own_id():
    named = KeyedRandom(5, "x", np.arange(3), np.arange(4))
    plain = KeyedRandom(5, "x")
    assert plain.rows(*PAIRS).tolist() == named.rows(*PAIRS).tolist()
    assert plain.users(np.arange(3)).tolist() == named.users(np.arange(3)).tolist()
    assert plain.items(np.arange(4)).tolist() == named.items(np.arange(4)).tolist()


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8])
def test_an_id_has_one_hash_in_whatever_type_it_is_stored(kind: type):
    assert hash_ids(np.array([7, 200], kind)).tolist() == hash_ids(np.array([7, 200])).tolist()


def test_ids_in_text_have_a_hash_that_no_machine_changes():
    found = hash_ids(np.array(["", "anna", "Anna", "anna ", "änne"], object))
    assert len(np.unique(found)) == 5
    assert found[1] == 10109037774674085072
    assert hash_ids(np.array(["anna"])).tolist() == found[1:2].tolist()


def test_each_bit_of_the_hashes_of_a_grid_is_set_half_the_time_and_none_occurs_twice():
    user, item = np.divmod(np.arange(1_000_000), 1000)
    hashes = KeyedRandom(0).rows(user, item)
    assert len(np.unique(hashes)) == 1_000_000
    bits = np.unpackbits(hashes.view(np.uint8)).reshape(-1, 64).mean(0)
    assert np.abs(bits - 0.5).max() < 4.5 * np.sqrt(0.25 / 1_000_000)


def test_neighbours_in_a_grid_are_independent():
    from scipy.stats import chisquare

    user, item = np.divmod(np.arange(1_000_000), 1000)
    number = uniform(KeyedRandom(0).rows(user, item)).reshape(1000, 1000)
    for other in (np.roll(number, 1, 0), np.roll(number, 1, 1)):
        cell = (number * 10).astype(int) * 10 + (other * 10).astype(int)
        cells = np.bincount(cell.ravel(), minlength=100)
        assert chisquare(cells).pvalue > 1e-4
    assert 0 <= number.min() < 1e-4 < 1 - 1e-4 < number.max() < 1


def test_a_component_has_a_generator_of_its_own():
    one, same, other = (named_rng(1, name).random(3).tolist() for name in ("a", "a", "b"))
    assert one == same != other
