"""Randomness from one seed: a stream for what is sampled in order, a hash for each decision about a row.

A hash depends on the seed, a purpose and the release's own ids, never on the position of a row or on other
rows. Splits, negatives and candidates of a user therefore stay when other users or ratings arrive.
"""

from __future__ import annotations

from hashlib import blake2b
from zlib import crc32

import numpy as np

STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: a counter times it visits every number


def named_rng(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one component, such as `train@ials`: changing one never shifts another."""
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(name.encode())]))


class KeyedRandom:
    """64-bit hashes of (seed, purpose, user id, item id, draw number), as good as random numbers.

    user_ids, item_ids  the release's own ids, whole numbers or text: `user_ids[u]` is the id of user u
                        (None: u itself)

    The hash is SplitMix64 (Steele, Lea and Flood, 2014), whose state begins at the key and grows by STEP
    from draw to draw.
    """

    def __init__(
        self,
        seed: int,
        purpose: str = "",
        user_ids: np.ndarray | None = None,
        item_ids: np.ndarray | None = None,
    ) -> None:
        self._base = _hash_text(f"{seed} {purpose}")
        self._users = None if user_ids is None else mix(hash_ids(user_ids) + self._base)
        self._items = None if item_ids is None else hash_ids(item_ids)

    def users(self, user: np.ndarray) -> np.ndarray:
        """Return the hash of each user, uint64 [n]; `user` [n] are indices, as everywhere."""
        if self._users is None:
            return mix(hash_ids(user) + self._base)
        return self._users[user]

    def items(self, item: np.ndarray) -> np.ndarray:
        """Return the hash of each item, uint64 [n], the same for every seed and purpose."""
        return hash_ids(item) if self._items is None else self._items[item]

    def rows(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Return the hash of each pair of `user` [n] and `item` [n], uint64 [n]."""
        key = self.users(user)
        key += self.items(item)
        return mix(key)


def mix(x: np.ndarray) -> np.ndarray:
    """Replace each number of `x`, uint64, by its hash, in place, and return `x`."""
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def next_draw(state: np.ndarray) -> np.ndarray:
    """Advance each `state`, uint64, by one draw, in place, and return the draws."""
    state += STEP
    return mix(state.copy())


def uniform(hashes: np.ndarray) -> np.ndarray:
    """Return the numbers in [0, 1), float64, that the first 53 bits of `hashes`, uint64, give."""
    return (hashes >> np.uint64(11)) * 2.0**-53


def hash_ids(ids: np.ndarray) -> np.ndarray:
    """Return a hash of each id, uint64 [n], that is the same on every machine; `ids` are integers or text."""
    if ids.dtype.kind in "iu":
        return mix(ids.astype(np.int64).view(np.uint64) + STEP)
    return np.array([_hash_text(name) for name in ids.tolist()], np.uint64)


def _hash_text(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little"))
