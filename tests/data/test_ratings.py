"""Ratings as columns: they keep their types, their order and what belongs to a row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marquee.data.ratings import Catalogue, Ratings, columns_of, unusual_positives
from marquee.io import write_parquet

THREE = Ratings.of([0, 1, 1], [2, 0, 1], [5, 3, 4], [10, 20, 30])


def test_a_table_and_back_is_the_same(tmp_path):
    sampled = np.array([[1, 0], [2, 2], [0, 2]], np.int32)
    ratings = Ratings(
        THREE.user, THREE.item, THREE.rating, THREE.timestamp, sampled, '{"sampling": "uniform"}'
    )
    pq.write_table(ratings.to_table(), tmp_path / "train.parquet")
    back = Ratings.from_table(pq.read_table(tmp_path / "train.parquet"))
    np.testing.assert_array_equal(back.negatives, sampled)
    assert back.sampling == ratings.sampling
    for name in ("user", "item", "rating", "timestamp"):
        assert getattr(back, name).dtype == getattr(ratings, name).dtype
        np.testing.assert_array_equal(getattr(back, name), getattr(ratings, name))


def test_taking_rows_takes_their_negatives_along():
    sampled = np.arange(6, dtype=np.int32).reshape(3, 2)
    ratings = Ratings(THREE.user, THREE.item, THREE.rating, THREE.timestamp, sampled)
    taken = ratings.take(np.array([2, 0]))
    assert taken.negatives is not None
    assert taken.item.tolist() == [1, 2]
    assert taken.negatives.tolist() == [[4, 5], [0, 1]]
    assert len(ratings.take(np.array([True, False, False]))) == 1


def test_the_matrix_has_a_row_for_users_without_ratings():
    matrix = THREE.matrix(4, 3)
    assert matrix.toarray().tolist() == [[0, 0, 5], [3, 4, 0], [0, 0, 0], [0, 0, 0]]
    assert THREE.matrix(4, 3, binary=True).toarray().sum() == 3


def test_genres_become_columns_and_a_movie_may_have_none():
    lists = pa.chunked_array([pa.array([["War", "Drama"], []]), pa.array([["Drama"]])])
    catalogue = Catalogue.from_genres(5, lists)
    assert catalogue.genre_names == ("Drama", "War")
    assert catalogue.genres.tolist() == [[True, True], [False, False], [True, False]]
    assert (catalogue.n_users, catalogue.n_items) == (5, 3)


def test_a_source_without_genres_gives_no_columns():
    lists = pa.chunked_array([pa.array([[], []], pa.list_(pa.string()))])
    assert Catalogue.from_genres(2, lists).genres.shape == (2, 0)


@pytest.mark.parametrize(
    ("positives", "words"),
    [
        (100, "100.0% of the ratings are positives: raise"),
        (91, "91.0%"),
        (90, None),
        (10, None),
        (9, "only 9.0% of the ratings are positives: lower"),
        (0, "only 0.0%"),
    ],
)
def test_a_threshold_that_nearly_all_or_nearly_no_ratings_reach_is_said(positives, words):
    said = unusual_positives(positives, 100)
    assert (said is None) == (words is None)
    assert words is None or words in str(said)


def test_columns_as_rows_are_those_of_the_transposed_matrix():
    matrix = Ratings.of([0, 0, 2, 2, 3], [4, 1, 1, 0, 4], [1, 2, 3, 4, 5]).matrix(5, 6)
    found, wanted = columns_of(matrix, np.array([1, 3, 4])), matrix.T.tocsr()[[1, 3, 4]]
    assert found.shape == (3, 5)
    for name in ("indptr", "indices", "data"):
        assert (getattr(found, name) == getattr(wanted, name)).all()


def test_a_stored_table_reads_back_from_several_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("marquee.parquet.ROW_GROUP", 4)
    whole = replace(Ratings.of(range(11), range(11), 2.5, range(11)), negatives=np.arange(22).reshape(-1, 2))
    whole = replace(whole, negatives=whole.negatives.astype(np.int32), sampling="how")
    write_parquet(tmp_path / "train.parquet", whole.to_table())
    found = Ratings.read(tmp_path / "train.parquet")
    for name in ("user", "item", "rating", "timestamp", "negatives"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    assert found.sampling == "how"
    assert pq.ParquetFile(tmp_path / "train.parquet").num_row_groups == 3
