"""Real data, from the release's files to the figures that others published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from marquee import recommenders
from marquee.config import UNRATED, CoreOptions, parse, presets
from marquee.data.published_splits import read_candidates, read_fold
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.data.sampling import NegativeOptions, add_negatives, sample_candidates
from marquee.data.splits import Split, SplitOptions, split
from marquee.evaluation.evaluate import Evaluation, evaluate_ranking, evaluate_rating
from marquee.movielens.core_filter import CoreFilter
from marquee.movielens.download import fetch_release
from marquee.movielens.named_columns import CustomColumns
from marquee.movielens.parsers import read_release
from marquee.movielens.releases import release
from marquee.movielens.schema import ALL, Scale
from marquee.recommenders.base import TrainingData
from marquee.rng import KeyedRandom, named_rng
from marquee.training.progress import FitProgress

pytestmark = pytest.mark.real
KS = [10]


@dataclass
class Data:
    folder: Path
    ratings: Ratings
    catalogue: Catalogue
    ids: tuple[np.ndarray, np.ndarray]


def ingested(name: str, source: Path, folder: Path, kept: CoreFilter = ALL) -> Data:
    wanted = release(name)
    fetch_release(wanted, str(source), folder, folder / "scratch", show_progress=False)
    scale, implicit = Scale(*wanted.scale) if wanted.scale else None, wanted.name in UNRATED
    found = read_release(folder, wanted.layout, scale, CustomColumns(), implicit=implicit, wanted=kept)
    ids = found.users["user_id"].to_numpy(), found.movies["movie_id"].to_numpy()
    catalogue = Catalogue.from_genres(len(found.users), found.movies["genres"])
    return Data(folder, Ratings.from_table(found.ratings), catalogue, ids)


@pytest.fixture(scope="module")
def ml_100k(movielens, tmp_path_factory) -> Data:
    return ingested("ml-100k", movielens, tmp_path_factory.mktemp("ml-100k"))


@pytest.fixture(scope="module")
def ml_1m(movielens, tmp_path_factory) -> Data:
    return ingested("ml-1m", movielens, tmp_path_factory.mktemp("ml-1m"))


@pytest.fixture(scope="module")
def ncf(movielens, tmp_path_factory) -> Data:
    return ingested("ncf-ml-1m", movielens.parent / "reference", tmp_path_factory.mktemp("ncf"))


def fitted(algorithm: str, task: str, options: dict, train: Ratings, validation: Ratings, data: Data):
    model = recommenders.create(algorithm, task, options, f"models.{algorithm}")
    progress = FitProgress(show=False)
    return model.fit(
        TrainingData(train, validation, data.catalogue), named_rng(2024, f"train@{algorithm}"), progress
    )


def given_split(data: Data, **files: str) -> Split:
    options = SplitOptions(split="file", validation=0, **files)
    rows = read_fold(data.folder, options.train_file, options.test_file, *data.ids, data.ratings)
    return split(data.ratings, options, KeyedRandom(2024, "split"), rows)


def test_ease_on_the_ncf_files(ncf):
    """0.7192 and 0.4494 with lambda 1320, measured with the authors' own formula."""
    parts = given_split(ncf, train_file="ml-1m.train.rating.no_timestamp", test_file="ml-1m.test.rating")
    model = fitted("ease", "ranking", {"regularization": 1320}, parts.train, parts.validation, ncf)
    candidates, itself = read_candidates(ncf.folder, "ml-1m.test.negative", *ncf.ids)
    found = evaluate_ranking(model, parts.train, parts.test, candidates, ncf.catalogue, KS, parts.train)
    assert itself == 156
    assert found.counts["test_users"] == 6040
    assert found.metrics["sampled_hit@10"] == pytest.approx(0.7192, abs=0.002)
    assert found.metrics["sampled_ndcg@10"] == pytest.approx(0.4494, abs=0.002)


def test_item_knn_on_the_ncf_files(ncf):
    """0.6694 and 0.3979 are published; 20 neighbors were chosen on each user's last training item."""
    parts = given_split(ncf, train_file="ml-1m.train.rating.no_timestamp", test_file="ml-1m.test.rating")
    model = fitted("item_knn", "ranking", {"n_neighbors": 20}, parts.train, parts.validation, ncf)
    candidates, _ = read_candidates(ncf.folder, "ml-1m.test.negative", *ncf.ids)
    found = evaluate_ranking(model, parts.train, parts.test, candidates, ncf.catalogue, KS, parts.train)
    assert found.metrics["sampled_hit@10"] == pytest.approx(0.6629, abs=0.002)
    assert found.metrics["sampled_ndcg@10"] == pytest.approx(0.3974, abs=0.002)


def test_biases_on_the_official_folds_of_ml_100k(ml_100k):
    """Mean RMSE 0.9412 over u1 to u5 with dampings of 5 and 2."""
    errors = []
    for fold in range(1, 6):
        parts = given_split(ml_100k, train_file=f"u{fold}.base", test_file=f"u{fold}.test")
        model = fitted("bias", "rating", {}, parts.train, parts.validation, ml_100k)
        found = evaluate_rating(
            model, parts.train, parts.test, 1, 5, parts.train, 4, None, ml_100k.catalogue, KS
        )
        assert found.counts["test_pairs"] == 20_000
        errors.append(found.metrics["rmse"])
    assert np.mean(errors) == pytest.approx(0.9412, abs=0.001)


def by_preset(name: str, source: Path, folder: Path) -> tuple[Data, Split]:
    """The data and the split of a preset."""
    keys = presets.preset(name) or {}
    core = CoreOptions(keys["ingest.k_core.users"], keys["ingest.k_core.movies"])
    data = ingested(presets.release_of(name), source, folder, CoreFilter(keys["ingest.min_rating"], core))
    block = {key: keys[f"tasks.ranking.{key}"] for key in ("positive_threshold", "split", "rounding")}
    options = parse(SplitOptions, {"validation": 0.1, "test": 0.1, **block}, "tasks.ranking")
    return data, split(data.ratings, options, KeyedRandom(2024, "split@ranking", *data.ids))


def test_ease_by_the_preset_of_recbole(movielens, tmp_path):
    """6,034 users, 3,124 items (each with one that pads) and 834,449 ratings; NDCG@10 is 0.2865."""
    data, parts = by_preset("recbole-ml-1m", movielens, tmp_path)
    assert (data.catalogue.n_users, data.catalogue.n_items, len(data.ratings)) == (6033, 3123, 834_449)
    assert (len(parts.validation), len(parts.test)) == (80_695, 80_695)
    options = {"regularization": presets.models_of("recbole-ml-1m")["ease"]["regularization"]}
    model = fitted("ease", "ranking", options, parts.train, parts.validation, data)
    seen = concat(parts.train, parts.validation)
    found = evaluate_ranking(model, seen, parts.test, None, data.catalogue, KS, parts.train)
    assert found.metrics["ndcg@10"] == pytest.approx(0.2865, abs=0.004)


def test_the_next_item_is_the_last_line_of_each_user(movielens, tmp_path):
    data, parts = by_preset("next-item-ml-1m", movielens.parent / "reference", tmp_path)
    assert parts.counts["users"] == len(parts.test) == 6040
    assert (data.catalogue.n_items, len(data.ratings)) == (3416, 999_611)
    last = {}
    for line in (tmp_path / "ml-1m.txt").read_text().splitlines():
        user, item = line.split()
        last[user] = item
    names = [
        dict(line.split() for line in (tmp_path / f"sas_to_original_{which}.txt").read_text().splitlines())
        for which in ("users", "items")
    ]
    expected = {(int(names[0][user]), int(names[1][item])) for user, item in last.items()}
    users, movies = data.ids
    assert set(zip(users[parts.test.user], movies[parts.test.item], strict=True)) == expected


@pytest.mark.slow
def test_mf_bce_on_ml_1m_beats_the_published_figures(ml_1m):
    """Positives from 4, leave last out, 99 candidates: 0.634 and 0.423 are published at this size."""
    options = SplitOptions(split="leave_last_out", positive_threshold=4.0)
    parts = split(ml_1m.ratings, options, KeyedRandom(2024, "split@ranking"))
    seen, n_items = concat(parts.train, parts.validation), ml_1m.catalogue.n_items
    candidates = sample_candidates(
        [seen], parts.test, ml_1m.catalogue.n_users, n_items, 99, KeyedRandom(2024, "candidates@ranking")
    )

    def evaluated(algorithm: str, train: Ratings, options: dict) -> Evaluation:
        model = fitted(algorithm, "ranking", options, train, parts.validation, ml_1m)
        return evaluate_ranking(model, seen, parts.test, candidates, ml_1m.catalogue, KS, parts.train)

    train = add_negatives(parts.train, n_items, NegativeOptions(), KeyedRandom(2024, "negatives"))
    mf = evaluated("mf_bce", train, {"weight_decay": 1e-6}).metrics
    popularity = evaluated("popularity", parts.train, {}).metrics
    print({name: round(mf[name], 4) for name in sorted(mf) if "@10" in name})
    assert mf["sampled_hit@10"] > 0.66
    assert mf["sampled_ndcg@10"] > 0.39
    assert mf["ndcg@10"] > popularity["ndcg@10"]
    assert mf["hit@10"] > popularity["hit@10"]
