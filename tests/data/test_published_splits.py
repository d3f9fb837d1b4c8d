"""Splits in folds: those that others drew and published, and our own."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from marquee.data.published_splits import read_candidates, read_fold
from marquee.data.ratings import Ratings
from marquee.data.splits import SplitOptions, split
from marquee.errors import MarqueeError
from marquee.rng import KeyedRandom

USERS = np.array([7, 3, 5])  # the release's ids of users 0, 1, 2
MOVIES = np.array([10, 30, 20, 40])
RATINGS = Ratings.of([0, 0, 1, 1, 2], [0, 1, 2, 0, 3])


def fold(folder: Path, train: str, test: str):
    (folder / "u1.base").write_text(train)
    (folder / "u1.test").write_text(test)
    return read_fold(folder, "u1.base", "u1.test", USERS, MOVIES, RATINGS)


def candidates(folder: Path, lines: str, **how: bool):
    (folder / "negatives").write_text(lines)
    return read_candidates(folder, "negatives", USERS, MOVIES, **how)


def test_lines_in_the_releases_ids_become_rows_of_the_ratings(tmp_path):
    train, test = fold(tmp_path, "3\t10\t5\t88\n7\t30\t2\t89\n", "5\t40\t1\t90\n")
    assert train.tolist() == [3, 1]
    assert test.tolist() == [4]


def test_a_fold_needs_no_times_and_no_ratings(tmp_path):
    train, test = fold(tmp_path, "7\t10\n\n3\t20\n", "5\t40\n")
    assert (train.tolist(), test.tolist()) == ([0, 2], [4])


def test_ids_that_are_text_are_found_as_well(tmp_path):
    (tmp_path / "train").write_text("ann\tAlien\n")
    (tmp_path / "test").write_text("bob\tBrazil\n")
    names = np.array(["ann", "bob"], object), np.array(["Brazil", "Alien"], object)
    train, test = read_fold(tmp_path, "train", "test", *names, Ratings.of([0, 1, 1], [1, 0, 1]))
    assert (train.tolist(), test.tolist()) == ([0], [1])


def test_a_file_that_is_missing_is_named_with_its_key(tmp_path):
    (tmp_path / "u1.base").write_text("7\t10\n")
    with pytest.raises(MarqueeError, match=r"u9\.test is missing: correct test_file or fold, or put the"):
        read_fold(tmp_path, "u1.base", "u9.test", USERS, MOVIES, RATINGS)
    with pytest.raises(MarqueeError, match="train_file is not set: name the file"):
        read_fold(tmp_path, None, "u1.test", USERS, MOVIES, RATINGS)
    with pytest.raises(MarqueeError, match=r"candidates\.file is not set"):
        read_candidates(tmp_path, None, USERS, MOVIES)


@pytest.mark.parametrize("line", ["3\t30", "3\t99", "4\t10"])
def test_a_pair_that_the_dataset_lacks_is_named_with_its_line(tmp_path, line):
    names = "user {} and item {}".format(*line.split("\t"))
    with pytest.raises(MarqueeError, match=rf"u1\.test line 3: {names} have no rating in this dataset"):
        fold(tmp_path, "7\t10\n", f"5\t40\n\n{line}\n")


@pytest.mark.parametrize("line", ["7", "7\tx", "\t10", "7\t10\t5\t1"])
def test_a_broken_line_is_named(tmp_path, line):
    with pytest.raises(MarqueeError, match=r"u1\.base line 2: expected a user and an item"):
        fold(tmp_path, f"7\t10\t4\n{line}\n3\t10\t4\n", "5\t40\t3\n")


def test_an_empty_file_is_an_error(tmp_path):
    with pytest.raises(MarqueeError, match=r"u1\.base line 1"):
        fold(tmp_path, "", "5\t40\n")


def test_candidates_are_found_by_user_in_the_order_given(tmp_path):
    given, itself = candidates(tmp_path, "(5,40)\t20\t10\n(7,30)\t40\n")
    assert given.offsets.tolist() == [0, 1, 1, 3]
    assert given.items.tolist() == [3, 2, 0]
    assert itself == 0


def test_the_held_out_item_among_its_own_candidates_stays_and_is_counted(tmp_path):
    lines = "(5,40)\t20\t40\t10\n(7,30)\t40\n"
    given, itself = candidates(tmp_path, lines)
    assert (given.offsets.tolist(), given.items.tolist(), itself) == ([0, 1, 1, 4], [3, 2, 3, 0], 1)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("(7,30)\t20\tx", r"expected \(user,item\) then items"),
        ("7\t30\t20", r"expected \(user,item\) then items"),
        ("(7,30)\t20\t99", "99 is not in this dataset"),
        ("(7,99)\t20", "99 is not in this dataset"),
        ("(4,30)\t20", "4 is not in this dataset"),
    ],
)
def test_a_line_of_candidates_that_does_not_fit_is_named(tmp_path, line, fault):
    with pytest.raises(MarqueeError, match=f"line 2: {fault}"):
        candidates(tmp_path, f"(5,40)\t20\n{line}\n")


def test_the_files_of_a_fold_are_named_by_its_number():
    assert SplitOptions("file", fold=3).files == ("u3.base", "u3.test")
    named = SplitOptions("file", fold=3, train_file="train.tsv", test_file=None)
    assert named.files == ("train.tsv", None)


def test_each_rating_is_test_in_one_of_the_folds_and_validation_is_a_share_of_the_rest():
    ratings = Ratings.of(np.repeat(range(90), 100), [*range(100)] * 90)
    tested, validated = np.zeros((2, 90, 100), int)
    for fold in (1, 2, 3):
        options = SplitOptions("k_fold", validation=0.25, fold=fold, n_folds=3)
        done = split(ratings, options, KeyedRandom(0))
        assert abs(done.counts["test"] - 3000) < 4 * np.sqrt(9000 * 2 / 9)
        assert abs(done.counts["validation"] - 1500) < 4 * np.sqrt(9000 * 5 / 36)
        tested[done.test.user, done.test.item] += 1
        validated[done.validation.user, done.validation.item] += 1
    assert (tested == 1).all()
    assert set(validated.ravel().tolist()) == {
        0,
        2,
    }  # of a row's folds all but that where it is test, or none


def test_a_fold_that_is_not_among_the_folds_is_an_error():
    with pytest.raises(MarqueeError, match="fold is 6, but there are 5 folds; take one of 1 to 5"):
        split(RATINGS, SplitOptions("k_fold", fold=6), KeyedRandom(0))


# real data


@pytest.mark.real
def test_the_official_folds_of_ml_100k_partition_its_ratings(movielens, tmp_path):
    with zipfile.ZipFile(movielens / "ml-100k.zip") as archive:
        archive.extractall(tmp_path)
    data = np.loadtxt(tmp_path / "ml-100k/u.data", np.int64)
    data = data[np.lexsort((data[:, 3], data[:, 0]))]
    users, movies = np.unique(data[:, 0]), np.unique(data[:, 1])
    ratings = Ratings.of(data[:, 0] - 1, data[:, 1] - 1, data[:, 2], data[:, 3])
    tested = np.zeros(len(ratings), int)
    for name in ("u1", "u2", "u3", "u4", "u5", "ua", "ub"):
        options = SplitOptions("file", validation=0, train_file=f"{name}.base", test_file=f"{name}.test")
        given = read_fold(tmp_path / "ml-100k", *options.files, users, movies, ratings)
        done = split(ratings, options, KeyedRandom(0), given)
        expected = 20_000 if name[1].isdigit() else 943 * 10
        assert (done.counts["train"], done.counts["test"]) == (100_000 - expected, expected)
        assert done.counts["left_out"] == 0
        if name[1].isdigit():
            tested[given[1]] += 1
    assert (tested == 1).all()


@pytest.mark.real
def test_the_ncf_files_cover_ml_1m_and_156_lists_hold_their_own_item(movielens, tmp_path):
    archive = movielens.parent / "reference" / "ncf-ml-1m.zip"
    if not archive.is_file():
        pytest.skip(f"{archive} is not there")
    zipfile.ZipFile(archive).extractall(tmp_path)
    folder = tmp_path / "ncf-ml-1m"
    names = "ml-1m.train.rating.no_timestamp", "ml-1m.test.rating"
    files = [np.loadtxt(folder / name, np.int64, delimiter="\t", usecols=(0, 1, 2)) for name in names]
    data = np.concatenate(files)
    data = data[np.argsort(data[:, 0], kind="stable")]
    ratings = Ratings.of(*data.T)
    ids = np.arange(6_040), np.arange(3_706)
    given = read_fold(folder, *names, *ids, ratings)
    options = SplitOptions("file", validation=0, positive_threshold=0.0)
    done = split(ratings, options, KeyedRandom(0), given)
    assert (done.counts["train"], done.counts["test"]) == (994_169, 6_040)
    assert done.test.user.tolist() == list(range(6_040))
    found, itself = read_candidates(folder, "ml-1m.test.negative", *ids)
    assert itself == 156
    assert (found.lengths == 99).all()
