"""Models and their evaluation on Spark: a fit, its curve and its figures have the bytes of threads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from marquee.config import CustomColumns
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.data.sampling import sample_candidates
from marquee.data.splits import SplitOptions, split
from marquee.engine import on_spark
from marquee.evaluation import evaluate
from marquee.evaluation.evaluate import Evaluation
from marquee.evaluation.test_set import TestSet
from marquee.movielens.download import fetch_release
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import Scale
from marquee.recommenders import als, bias, ials, popularity
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.training import sparse_rows
from marquee.training.progress import FitProgress
from tests.engine import tasks
from tests.engine.conftest import CLUSTER

N_USERS, N_ITEMS = 2500, 120  # three blocks of users; lists of 20 leave most movies out
FITS: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "als": (als, {"dim": 6, "epochs": 2, "use_genres": True}),
    "ials": (ials, {"dim": 5, "epochs": 2, "unobserved_weight": 0.3}),
    "ials of counts": (ials, {"dim": 5, "epochs": 1}),
    "bias": (bias, {"sweeps": 2}),
    "popularity": (popularity, {}),
}


def parts() -> tuple[Ratings, Ratings, Ratings]:
    """Train, validation and test rows: half, a twentieth and a twentieth of all pairs or so."""
    rng = named_rng(1, "pairs")
    likely = 0.4 / np.sqrt(1 + np.arange(N_ITEMS) / 8)
    user, item = np.nonzero(rng.random((N_USERS, N_ITEMS)) < likely)
    whole = Ratings.of(user, item, rng.integers(1, 11, len(user)) / 2, rng.integers(0, 1 << 30, len(user)))
    part = rng.choice(3, len(user), p=[0.8, 0.1, 0.1])
    train, validation, test = (whole.take(part == one) for one in range(3))
    return train, validation, test.take(test.user < N_USERS - 100)


def catalogue() -> Catalogue:
    return Catalogue(N_USERS, N_ITEMS, named_rng(2, "genres").random((N_ITEMS, 4)) < 0.4, tuple("abcd"))


def of_task(task: str) -> TestSet:
    train, validation, test = parts()
    if task == "ranking":
        train, validation, test = (
            replace(p, rating=np.ones_like(p.rating)) for p in (train, validation, test)
        )
    pool = sample_candidates([train, validation], test, N_USERS, N_ITEMS, 9, KeyedRandom(3))
    variants = ("capped_recall", "midrank")
    low = test.take(np.arange(0, len(test), 7)) if task == "ranking" else Ratings.empty()
    rows = train, validation, Ratings.empty(), test
    return TestSet(task, *rows, pool, catalogue(), (0.5, 5.0), 4.0, (5, 20), low, variants)


def everything(name: str) -> dict[str, bytes]:
    """Fit and evaluate: every array and number of it, by name."""
    module, options = FITS[name]
    task = min(module.Model.tasks)
    held_out = of_task(task)
    train = held_out.train
    if name == "ials of counts":
        train = replace(train, rating=named_rng(4, "counts").uniform(0.2, 3, len(train)).astype(np.float32))
    return fitted_and_evaluated(module, options, replace(held_out, train=train))


def fitted_and_evaluated(module: Any, options: dict[str, Any], held_out: TestSet) -> dict[str, bytes]:
    data = TrainingData(held_out.train, held_out.validation, held_out.catalogue)
    progress = FitProgress(show=False)
    model = module.Model(module.Options(**options)).fit(data, named_rng(5, "fit"), progress)
    arrays, values = model.state()
    found = {key: array.tobytes() for key, array in arrays.items()}
    found["curve"] = json.dumps([progress.rows, values, model.validate(data)]).encode()
    data.close()
    return found | bytes_of(held_out.evaluate(model))


def bytes_of(result: Evaluation) -> dict[str, bytes]:
    columns = {**result.per_user, **{f"list {key}": value for key, value in result.lists.items()}}
    columns |= {f"pair {key}": value for key, value in result.pairs.items()}
    figures = json.dumps([result.metrics, result.counts]).encode()
    return {"figures": figures} | {key: np.ascontiguousarray(x).tobytes() for key, x in columns.items()}


@pytest.fixture(scope="module")
def here() -> dict[str, dict[str, bytes]]:
    return {name: everything(name) for name in FITS}


@pytest.mark.spark
@pytest.mark.parametrize(
    ("master", "partitions"),
    [("local[1]", 1), ("local[2]", 3), ("local[2]", 7), (CLUSTER, 1), (CLUSTER, 3), (CLUSTER, 7)],
)
def test_spark_gives_the_bytes_of_threads(spark, monkeypatch, here, master, partitions):
    monkeypatch.setattr(evaluate, "ROWS", 3000)  # predictions of the test rows are several blocks, too
    spark(master, partitions)
    assert on_spark()
    for name in FITS:
        found = everything(name)
        assert {key for key in here[name] if found[key] != here[name][key]} == set(), name


@pytest.mark.spark
def test_an_executor_killed_in_the_middle_of_a_sweep_changes_nothing(spark, monkeypatch, tmp_path, here):
    spark(CLUSTER, 5)
    dying = partial(tasks.dying_solve, flag=str(tmp_path / "died"))
    monkeypatch.setattr(sparse_rows, "solve_block", dying)
    assert everything("ials") == here["ials"]
    assert (tmp_path / "died").exists()


@pytest.mark.spark
def test_a_fault_of_a_model_is_the_same_line(spark):
    held_out = of_task("ranking")
    model = popularity.Model(popularity.Options())
    model.fit(TrainingData(held_out.train, held_out.validation, held_out.catalogue))
    model.counts = np.full(N_ITEMS, np.nan, np.float32)
    said = []
    for engine in ("local", "spark"):
        if engine == "spark":
            spark("local[2]", 3)
        with pytest.raises(Exception, match="not finite") as error:
            held_out.evaluate(model)
        said.append(f"{type(error.value).__name__}: {error.value}")
    assert said[0] == said[1]


def test_users_folded_in_are_solved_for_in_blocks_of_any_size(monkeypatch):
    """The very blocks of Spark, on threads."""
    train, validation, _ = parts()
    data = TrainingData(train, Ratings.empty(), catalogue())
    model = als.Model(als.Options(dim=4, epochs=1)).fit(data, named_rng(0, "als"))
    whole = model.fold_in(concat(train, validation)).users
    monkeypatch.setattr(sparse_rows, "on_spark", lambda: True)
    for entries in (500, 1 << 14):
        monkeypatch.setattr(sparse_rows, "SMALLEST", entries)
        monkeypatch.setattr(sparse_rows, "BLOCKS", 1 << 30)
        assert model.fold_in(concat(train, validation)).users.tobytes() == whole.tobytes()


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.spark
def test_a_fit_of_ml_1m_and_its_figures_are_the_same_bytes(spark, movielens, tmp_path, monkeypatch):
    """1,000,209 ratings: sweeps in 64 blocks, six blocks of users to rank for."""
    wanted = release("ml-1m")
    fetch_release(wanted, str(movielens), tmp_path, tmp_path / "scratch", show_progress=False)
    found = read_release(tmp_path, wanted.layout, Scale(*wanted.scale), CustomColumns())
    movies = Catalogue.from_genres(len(found.users), found.movies["genres"])
    shape = movies.n_users, movies.n_items
    for module, options in ((als, {"dim": 16, "epochs": 2}), (ials, {"dim": 16, "epochs": 2}), (bias, {})):
        task = min(module.Model.tasks)
        how = (
            {"split": "leave_last_out", "positive_threshold": 4.0}
            if task == "ranking"
            else {"split": "random"}
        )
        rows = split(Ratings.from_table(found.ratings), SplitOptions(**how), KeyedRandom(1, "split"))
        parts = rows.train, rows.validation, Ratings.empty(), rows.test
        pool = sample_candidates([rows.train, rows.validation], rows.test, *shape, 99, KeyedRandom(2))
        held_out = TestSet(task, *parts, pool, movies, (1.0, 5.0), 4.0, (10, 20))
        monkeypatch.setenv("MARQUEE_ENGINE", "local")
        here = fitted_and_evaluated(module, options, held_out)
        for master, partitions in (("local[2]", 3), (CLUSTER, 7)):
            spark(master, partitions)
            assert fitted_and_evaluated(module, options, held_out) == here, (module.__name__, master)
