"""Implicit data through every stage, in this process: no rating task, and a page that says so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from marquee import config
from marquee.cli import use
from marquee.cli.main import main
from marquee.data.ratings import Ratings, count_weights
from marquee.io import read_json, read_parquet
from stages import candidates, compare, evaluate, ingest, negatives, oracle, plot, report, split, train

ROOT = Path(__file__).parents[2]
MODELS = ("popularity", "ials")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run of two models on hours up to 350,000, without times."""
    folder = tmp_path_factory.mktemp("implicit")
    rng = np.random.default_rng(0)
    user, movie = np.nonzero(rng.random((60, 40)) < 0.4)
    hours = np.exp(rng.normal(1, 2, len(user))).round(2).clip(0.01)
    hours[5] = 350_000
    rows = [f"{u},{m},{h}" for u, m, h in zip(user, movie, hours, strict=True)]
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/ratings.csv").write_text("\n".join(["userId,movieId,hours", *rows]) + "\n")
    settings = {"dataset.name": "custom", "ingest.feedback": "implicit", "ingest.columns.rating": "hours"}
    settings |= {"ingest.columns.timestamp": None, "tasks.ranking.split": "leave_last_out"}
    left_out = [name for name in config.read(ROOT / "params.yaml").models if name not in MODELS]
    text, *_ = use.with_settings((ROOT / "params.yaml").read_text("utf-8"), settings, left_out)
    (folder / "params.yaml").write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        params = config.read(Path("params.yaml"))
        ingest.main(params)
        for task in config.TASKS:
            split.main(params, task)
            candidates.main(params, task)
        negatives.main(params)
        for name in MODELS:
            for stage in (train, evaluate, plot):
                stage.main(params, name)
        for stage in (oracle, compare, report):
            stage.main(params)
    return folder


def rows_of(folder: Path, part: str) -> Ratings:
    return Ratings.from_table(read_parquet(folder / f"data/{part}.parquet"))


def test_every_row_is_a_positive_with_its_weight(finished):
    parts = [rows_of(finished, f"ranking/{part}") for part in ("train", "val", "test")]
    whole = rows_of(finished, "ratings")
    assert sum(map(len, parts)) == len(whole)
    weights = np.concatenate([part.rating for part in parts])
    np.testing.assert_array_equal(np.sort(weights), np.sort(count_weights(whole.rating)))
    assert 15 < weights.max() < 20


def test_the_rating_task_is_empty(finished):
    assert [len(rows_of(finished, f"rating/{part}")) for part in ("train", "val", "test", "fold_in")] == [
        0
    ] * 4


def test_the_leaderboard_has_both_models_and_no_rating_task(finished):
    assert read_json(finished / "metrics/summary.json").keys() == set(MODELS)
    assert (finished / "plots/leaderboard/rating.png").is_file()  # dvc.yaml names it


def test_the_page_says_that_times_and_ratings_are_missing(finished):
    page = (finished / "plots/report.html").read_text("utf-8")
    assert "every row is a positive of the ranking task" in page
    assert "no rating has a timestamp, so leave_last_out holds out ratings of each user at random" in page
    assert "No model was evaluated on the rating task" in page


def test_no_file_grows_with_the_counts(finished):
    assert len((finished / "plots/dataset/ratings.csv").read_text().splitlines()) < 40
    assert (finished / "data/dataset.json").stat().st_size < 3000


@pytest.mark.parametrize("rate", ["#7=2", "#7=900000"])
def test_a_new_user_gives_any_count_and_is_listed_movies(finished, monkeypatch, capsys, rate):
    monkeypatch.chdir(finished)
    assert main(["recommend", "ials", "--rate", rate, "--top", "3"]) == 0
    assert len(re.findall(r"^[123] ", capsys.readouterr().out, re.M)) == 3


def test_a_count_of_nothing_is_refused_by_recommend(finished, monkeypatch, capsys):
    monkeypatch.chdir(finished)
    assert main(["recommend", "ials", "--rate", "#7=0"]) == 1
    assert "give one from (counts above 0)" in capsys.readouterr().err
