"""What the page has of a model, without a browser."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import random as random_matrix

from marquee import config
from marquee.demo import models
from marquee.errors import MarqueeError
from marquee.recommenders.ease import count_pairs, weights_between

PARAMS = config.read(Path(__file__).parents[2] / "params.yaml")


class Ease:
    """EASE of 60 movies, two of which nobody rated and three of which only one another's raters did."""

    algorithm = "ease"

    def __init__(self) -> None:
        rated = random_matrix(300, 60, 0.1, "csr", np.float32, random_state=0)
        rated.data[:] = 1
        rated = rated.tolil()
        rated[:, 55:] = 0
        rated[:3, :55] = 0
        rated[:3, 57:] = 1
        rated = rated.tocsr()
        self.counts = np.asarray(rated.sum(0), np.int64).ravel()
        self.weights = weights_between(rated, 5.0, count_pairs(rated, np.float64))
        self.modelled = np.arange(60)
        gram = (rated.T @ rated).toarray().astype(np.float64)
        self.inverse = np.linalg.inv(gram + 5 * np.eye(60))

    def _places(self) -> np.ndarray:
        return np.arange(60)


@pytest.fixture(scope="module")
def ease() -> Ease:
    return Ease()


def numbers(text: str) -> list[int]:
    """A slow twin of the page's own reading."""
    found, value, shift = [], 0, 0
    for byte in zlib.decompress(base64.b64decode(text)):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(value)
            value = shift = 0
    return found


def unpacked(packed: models.Packed) -> np.ndarray:
    n, model = len(packed.items), packed.model
    rows, columns = (np.frombuffer(base64.b64decode(model[name]), "<f4") for name in ("rows", "columns"))
    whole = np.zeros((n, n))
    below = [(i, j) for i in range(n) for j in range(i)]
    at = -1
    for gap, value in zip(numbers(model["gaps"]), numbers(model["values"]), strict=True):
        at += gap + 1
        whole[below[at]] = -(value + 1) // 2 if value % 2 else value // 2 + 1
    return (whole + whole.T) * rows[:, None] * columns


def test_the_diagonal_of_the_inverse_follows_from_the_weights(ease):
    found, true = models.root_diagonal(ease.weights), np.sqrt(np.diag(ease.inverse))
    for group in (slice(0, 55), slice(57, 60)):  # no weight tells the ratio of two groups, and none needs it
        ratio = found[group] / true[group]
        assert np.ptp(ratio) < 1e-4 * ratio[0]


def test_half_of_the_weights_in_whole_numbers_are_all_of_them(ease):
    fine = unpacked(models.pack(ease, ease.counts, 100, 1.0))
    assert np.abs(fine - ease.weights).max() < 1e-6
    coarse = models.pack(ease, ease.counts, 100, 0.002)
    assert sum(len(coarse.model[name]) for name in ("gaps", "values")) < 2000 * 4 / 3
    error = np.abs(unpacked(coarse) - ease.weights)
    assert 1e-4 < error.max() < 0.1


def test_the_page_takes_the_most_rated_movies(ease):
    packed = models.pack(ease, ease.counts, 10, 1.0)
    assert len(packed.items) == 10
    assert ease.counts[packed.items].min() >= np.delete(ease.counts, packed.items).max()
    assert np.abs(unpacked(packed) - ease.weights[np.ix_(packed.items, packed.items)]).max() < 1e-6


@pytest.mark.parametrize("values", [[], [0], [127, 128], [2**14 - 1, 2**14, 2**21, 2**40, 1]])
def test_numbers_of_any_size_are_written(values):
    text = base64.b64encode(zlib.compress(models.varints(np.array(values, np.int64)))).decode()
    assert numbers(text) == values


def test_the_same_model_gives_the_same_bytes(ease):
    first, second = (json.dumps(models.pack(ease, ease.counts, 50, 0.01).model) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("eese", "demo.model is 'eese', which is not under models; did you mean 'ease'?"),
        (
            "bias",
            "demo.model is 'bias', whose bias does not run in a browser (ease and ials do): set it to ease",
        ),
    ],
)
def test_a_model_that_a_browser_cannot_fold_in_is_refused(name, words):
    with pytest.raises(MarqueeError) as fault:
        models.require_packable(replace(PARAMS, demo=replace(PARAMS.demo, model=name)))
    assert str(fault.value).startswith(words)


def test_a_page_without_a_model_is_allowed_and_needs_no_model():
    few = {"bias": PARAMS.models["bias"]}
    models.require_packable(replace(PARAMS, models=few, demo=replace(PARAMS.demo, model="")))
    with pytest.raises(MarqueeError, match="add one that does, or to '' for no page"):
        models.require_packable(replace(PARAMS, models=few))
