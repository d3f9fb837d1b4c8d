"""A published protocol through every stage, in this process: a filter, no validation, metrics of its own."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from marquee import config
from marquee.cli import use
from marquee.io import read_json, read_parquet
from marquee.leaderboard import table
from stages import candidates, compare, evaluate, ingest, negatives, oracle, plot, report, split, train

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run of two models by the preset strong-generalisation."""
    folder = tmp_path_factory.mktemp("protocol")
    rng = np.random.default_rng(0)
    user, movie = np.nonzero(rng.random((150, 120)) < 0.2)
    stars = np.where(user < 3, 2, rng.integers(2, 6, len(user)))  # three users like nothing
    rows = [f"{u},{m},{s}" for u, m, s in zip(user, movie, stars, strict=True)]
    shutil.copytree(ROOT / "presets", folder / "presets")
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/ratings.csv").write_text("\n".join(["userId,movieId,rating", *rows]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        parser = ArgumentParser()
        use.configure(parser)
        use.run(parser.parse_args(["strong-generalisation", "--dataset", "custom"]))
        text, *_ = use.with_settings(
            Path("params.yaml").read_text("utf-8"),
            {"ingest.columns.timestamp": None},
            ["ease", "item_knn"],
        )
        Path("params.yaml").write_text(text, "utf-8")
        params = config.read(Path("params.yaml"))
        ingest.main(params)
        for task in config.TASKS:
            split.main(params, task)
            candidates.main(params, task)
        negatives.main(params)
        for name in params.models:
            for stage in (train, evaluate, plot):
                stage.main(params, name)
        for stage in (oracle, compare, report):
            stage.main(params)
    return folder


def test_ingest_removes_low_ratings_and_users_with_few_and_says_so(finished):
    card = read_json(finished / "data/dataset.json")
    assert card["users"] + card["filtered"]["users"] == 150
    assert card["filtered"]["users"] >= 3
    assert card["notes"][0].startswith("filter: removed")
    users = read_parquet(finished / "data/ratings.parquet")["user"].to_numpy()
    assert np.bincount(users).min() >= 5
    assert "Removed by ingest.min_rating" in (finished / "plots/report.html").read_text("utf-8")


def test_a_closed_form_without_validation_has_figures_and_a_curve_of_one_point(finished):
    curve = (finished / "plots/train/popularity.csv").read_text("utf-8")
    assert curve.splitlines() == ["epoch,loss,train,validation", "1,,,"]
    assert (finished / "data/figures/models/popularity/README.md").is_file()


def test_the_leaderboard_has_capped_recall_beside_recall(finished):
    rows = {(row["model"], row["metric"]): row for row in table.read(finished / "data/leaderboard/table.csv")}
    short, capped = (rows["ials", f"{name}@20"]["value"] for name in ("recall", "capped_recall"))
    assert 0 < short <= capped
    assert rows["ials", "capped_recall@20"]["best"] + rows["popularity", "capped_recall@20"]["best"] == 1
    assert "Capped recall@20" in (finished / "plots/report.html").read_text("utf-8")
