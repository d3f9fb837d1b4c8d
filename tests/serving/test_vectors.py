"""Vectors in files: the rows belong to their names, whatever is in them."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest

from marquee import recommenders
from marquee.data.ratings import Catalogue, Ratings
from marquee.errors import MarqueeError
from marquee.recommenders.base import TrainingData
from marquee.serving import vectors

CATALOGUE = Catalogue.of(12, 9)


def fitted(algorithm, task, **options):
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random((12, 9)) < 0.6)
    model = recommenders.create(algorithm, task, options, "models.m")
    return model.fit(
        TrainingData(Ratings.of(user, item, rng.integers(1, 6, len(user))), Ratings.empty(), CATALOGUE)
    )


def test_cosines_of_the_movies_are_those_that_similar_shows():
    model = fitted("ease", "ranking", regularization=1)
    found = vectors.vectors_of(model, False, "ease")
    np.testing.assert_allclose(found["movies"] @ found["movies"][4], model.item_similarities(4), atol=1e-6)
    assert len(found["users"]) == 12


def test_products_of_factors_are_the_scores():
    model = fitted("als", "rating", dim=3)
    found = vectors.vectors_of(model, True, "als")
    np.testing.assert_allclose(found["users"] @ found["movies"].T, model.scores(np.arange(12)), atol=1e-5)


def test_a_model_without_factors_says_so():
    with pytest.raises(MarqueeError, match="ease has no factors: leave out --factors"):
        vectors.vectors_of(fitted("ease", "ranking"), True, "ease")


def test_more_numbers_than_a_file_should_hold_are_refused(monkeypatch):
    monkeypatch.setattr(vectors, "MOST", 80)
    with pytest.raises(MarqueeError, match="each of 9 movies by 9 numbers, too many"):
        vectors.vectors_of(fitted("ease", "ranking"), False, "ease")


def test_the_three_files_have_the_same_rows(tmp_path):
    values = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    names = ['Tab\there "quoted"', "Two\nlines\x1b\u202e", None]
    about = {"name": names, "genres": [["Drama", "War"], [], ["Comedy"]]}
    (tmp_path / "kept.txt").write_text("mine")
    vectors.write_vectors(tmp_path, "movies", values, about)
    rows = [line.split("\t") for line in (tmp_path / "movies_metadata.tsv").read_text("utf-8").splitlines()]
    assert rows == [
        ["name", "genres"],
        ['Tab here "quoted"', "Drama|War"],
        ["Two lines\ufffd", "-"],
        ["-", "Comedy"],
    ]
    with (tmp_path / "movies_vectors.tsv").open() as file:
        read = np.array(list(csv.reader(file, delimiter="\t")), float)
    np.testing.assert_allclose(read, values, rtol=1e-5)
    table = pq.read_table(tmp_path / "movies.parquet")
    assert table.column_names == ["name", "genres", "vector"]
    assert table["name"].to_pylist() == names
    np.testing.assert_array_equal(np.array(table["vector"].to_pylist(), np.float32), values)
    assert (tmp_path / "kept.txt").read_text() == "mine"
