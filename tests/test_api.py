"""The Python API: the README's example, DataFrames of all kinds, and the same numbers as the pipeline."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import marquee as mq
from marquee import config
from marquee.api import dataset as api_dataset
from marquee.io import read_json
from marquee.movielens import releases
from marquee.movielens.parsers import read_release
from marquee.movielens.schema import Scale

ROOT = Path(__file__).parents[1]
EXAMPLE = (ROOT / "README.md").read_text("utf-8").partition("```python\n")[2].partition("```")[0]
N_USERS, N_ITEMS = 40, 30
TITLES = ["Alien (1979)", "Heat (1995)", *(f"Film {n} ({1960 + n})" for n in range(2, N_ITEMS))]


def ratings_frame(n: int = 700) -> pd.DataFrame:
    """Two groups of users: even ones like even movies. Users count from 11, movies from 101."""
    rng = np.random.default_rng(0)
    pairs = rng.permutation(N_USERS * N_ITEMS)[:n]
    user, movie = pairs // N_ITEMS, pairs % N_ITEMS
    liked = (user + movie) % 2 == 0
    rating = np.where(liked, 4 + rng.integers(0, 2, n), 1 + rng.integers(0, 3, n))
    columns = {"userId": user + 11, "movieId": movie + 101, "rating": rating}
    return pd.DataFrame({**columns, "timestamp": 880_000_000 + pairs})


def movies_frame() -> pd.DataFrame:
    genres = ["Horror|Sci-Fi" if n % 2 else "Crime" for n in range(N_ITEMS)]
    return pd.DataFrame({"movieId": np.arange(N_ITEMS) + 101, "title": TITLES, "genres": genres})


def write_ml_100k(folder: Path) -> None:
    """Write the frames in the layout of ML-100K."""
    folder.mkdir(parents=True)
    ratings_frame().to_csv(folder / "u.data", sep="\t", header=False, index=False)
    items = [f"{101 + n}|{title}|01-Jan-1990||{'|0' * 19}" for n, title in enumerate(TITLES)]
    (folder / "u.item").write_text("\n".join(items) + "\n", "latin-1")
    people = [f"{11 + user}|30|F|artist|00000" for user in range(N_USERS)]
    (folder / "u.user").write_text("\n".join(people) + "\n")


@pytest.fixture(scope="module")
def data() -> mq.Dataset:
    return mq.load(ratings_frame(), movies_frame())


@pytest.fixture(scope="module")
def parts(data):
    return mq.split(data, "leave_last_out", positive_threshold=4)


@pytest.fixture(scope="module")
def model(parts):
    return mq.EASE(regularization=3).fit(*parts[:2])


# The example of the README


def run_example(home: Path, monkeypatch, capsys) -> str:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    exec(EXAMPLE, {})
    return capsys.readouterr().out


def test_the_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    write_ml_100k(tmp_path / "Downloads/ml-100k")
    counts = {"ratings": 700, "users": N_USERS, "movies": N_ITEMS}
    monkeypatch.setitem(releases.RELEASES, "ml-100k", replace(releases.RELEASES["ml-100k"], **counts))
    printed = run_example(tmp_path, monkeypatch, capsys)
    assert len(re.findall(r"^ndcg +0\.\d{4}", printed, re.MULTILINE)) == 1
    assert len(re.findall(r"^\d+ .*Film \d+", printed, re.MULTILINE)) >= 10
    assert EXAMPLE.count("\n") <= 10


@pytest.mark.real
def test_the_example_of_the_readme_runs_on_ml_100k(movielens, tmp_path, monkeypatch, capsys):
    (tmp_path / "Downloads").symlink_to(movielens)
    printed = run_example(tmp_path, monkeypatch, capsys)
    ndcg_at_10 = float(re.search(r"^ndcg +\S+ +(\S+)", printed, re.MULTILINE)[1])
    assert 0.06 < ndcg_at_10 < 0.09
    assert "Aliens" in printed


def test_import_is_lazy():
    code = "import sys, marquee; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"numpy", "pyarrow", "torch", "numba", "pandas", "matplotlib"} & set(loaded.stdout.split())
    code = "import sys, marquee; marquee.EASE(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"torch", "numba", "pandas", "matplotlib", "scipy", "sklearn"} & set(loaded.stdout.split())


def test_every_name_is_there_and_every_algorithm_has_one():
    for name in mq.__all__:
        assert getattr(mq, name) is not None
    files = {path.stem for path in (ROOT / "marquee/recommenders").glob("[a-z]*.py")}
    assert {one.algorithm for one in mq.Model.__subclasses__()} == files - {"base"}
    with pytest.raises(AttributeError, match="has no attribute 'EASY'"):
        mq.EASY  # noqa: B018


# The same numbers as the pipeline


@pytest.mark.parametrize(
    ("name", "algorithm", "task", "options"),
    [
        ("EASE", "ease", "ranking", {"regularization": 3.0}),
        ("MFBCE", "mf_bce", "ranking", {"dim": 4, "epochs": 3}),
        ("ALS", "als", "rating", {"dim": 2, "use_genres": True}),
    ],
)
def test_the_metrics_are_those_of_the_stages(tmp_path, monkeypatch, name, algorithm, task, options):
    from stages import candidates, evaluate, ingest, negatives, split, train

    monkeypatch.chdir(tmp_path)
    write_ml_100k(Path("data/raw"))
    settings = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    settings["dataset"] = {"name": "ml-100k"}
    learns_from = "negatives" if algorithm == "mf_bce" else task
    block = {"task": task, "train_data": learns_from, "algorithm": algorithm, **options}
    settings["models"] = {algorithm: block}
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    params = config.read(Path("params.yaml"))
    assert params.seed == api_dataset.SEED
    ingest.main(params)
    split.main(params, task)
    candidates.main(params, task)
    if learns_from == "negatives":
        negatives.main(params)
    train.main(params, algorithm)
    evaluate.main(params, algorithm)
    expected = read_json(Path(f"data/evaluation/{algorithm}/metrics.json"))

    own = read_release(Path("data/raw"), "ml-100k", Scale(1, 5, 1), config.CustomColumns())
    how = settings["tasks"][task]
    shares = {key: how[key] for key in ("validation", "test") if key in how}
    threshold = how["positive_threshold"] if task == "ranking" else None
    parts = mq.split(mq.Dataset("x", own), how["split"], positive_threshold=threshold, **shares)
    result = mq.evaluate(getattr(mq, name)(**options).fit(*parts[:2]), parts[2])
    assert dict(result) == expected["metrics"]
    assert result.counts == expected["counts"]


# Data of one's own


def test_a_frame_keeps_its_ids_titles_and_times(data):
    first = ratings_frame().sort_values(["userId", "timestamp"]).iloc[0]
    shown = data.ratings.iloc[0]
    assert (shown["user_id"], shown["movie_id"], shown["rating"]) == tuple(first[:3])
    assert shown["timestamp"] == pd.Timestamp(first["timestamp"], unit="s")
    assert data.movies.loc[0, ["movie_id", "title", "year"]].tolist() == [101, "Alien", 1979]
    assert "700 ratings (1 to 5 in steps of 1) of 30 movies by 40 users" in repr(data)


def changed(**columns) -> pd.DataFrame:
    return ratings_frame().assign(**columns)


IDS = ratings_frame()["userId"]


@pytest.mark.parametrize(
    "frame",
    [
        changed(userId=IDS.astype(float)),
        changed(userId=IDS.astype(str)),
        changed(userId=IDS.astype("Int64")),
        changed(userId=IDS.astype(str).astype("category")),
        changed(userId=" " + IDS.astype(str) + " "),
        changed(timestamp=pd.to_datetime(ratings_frame()["timestamp"], unit="s", utc=True)),
        changed(timestamp=pd.to_datetime(ratings_frame()["timestamp"], unit="s").astype(str)),
        ratings_frame()
        .sample(frac=1, random_state=0)
        .rename(columns={"userId": "uid", "movieId": "item_id"}),
        pd.concat([changed(rating=3, timestamp=1), ratings_frame()]),
        ratings_frame().merge(movies_frame()),
    ],
    ids=[
        "float",
        "text",
        "nullable",
        "category",
        "blanks",
        "dates",
        "iso",
        "shuffled",
        "duplicates",
        "merged",
    ],
)
def test_a_frame_in_another_form_is_the_same_data(data, frame):
    own = mq.load(frame, None if "title" in frame else movies_frame())
    pd.testing.assert_frame_equal(own.ratings, data.ratings)
    pd.testing.assert_frame_equal(own.movies, data.movies)


def test_text_ids_stay_text(parts):
    frame = changed(
        userId="u" + IDS.astype(str).str.zfill(4), movieId=ratings_frame()["movieId"].map("m{}".format)
    )
    train, validation, test = mq.split(mq.load(frame), "random_per_user", positive_threshold=4)
    model = mq.ItemKNN().fit(train, validation)
    assert model.recommend(user_id="u0011", k=3)["movie_id"].str.startswith("m1").all()
    assert len(model.recommend({"m101": 5, "m103": 4}, k=3)) == 3
    assert mq.evaluate(model, test)["hit@20"] > 0
    assert set(mq.evaluate(model, test).per_user["user_id"]) <= set(frame["userId"])
    with pytest.raises(
        mq.MarqueeError, match="user 11 is not in this data, whose users go from u0011 to u0050"
    ):
        model.recommend(user_id=11)


def test_ids_with_leading_zeros_are_not_numbers():
    frame = pd.DataFrame({"user": ["007", "7", "8"], "item": [1, 1, 2], "rating": [1, 2, 3]})
    assert mq.load(frame).user_ids.tolist() == ["007", "7", "8"]


def test_a_frame_without_ratings_holds_positives():
    data = mq.load(ratings_frame()[["userId", "movieId", "timestamp"]])
    assert data.implicit
    parts = mq.split(data)
    assert mq.evaluate(mq.IALS(dim=4).fit(*parts[:2]), parts[2])["ndcg@10"] > 0
    assert len(mq.Popularity().fit(data).recommend([101, 102], k=4)) == 4
    with pytest.raises(mq.MarqueeError, match="every row of 'frame' is a positive"):
        mq.split(data, positive_threshold=4)
    assert mq.load(ratings_frame(), rating=None).implicit


def test_a_file_is_read_as_the_pipeline_reads_it(data, tmp_path):
    ratings_frame().rename(columns={"userId": "user_id"}).to_csv(tmp_path / "ratings.csv", index=False)
    movies_frame().to_csv(tmp_path / "movies.csv", index=False)
    own = mq.load(tmp_path)
    pd.testing.assert_frame_equal(own.ratings, data.ratings)
    pd.testing.assert_frame_equal(own.movies, data.movies)
    ratings_frame().drop(columns="timestamp").to_parquet(tmp_path / "mine.parquet")
    assert "without times" in repr(mq.load(tmp_path / "mine.parquet"))


@pytest.mark.parametrize(
    ("frame", "columns", "message"),
    [
        (changed(rating=np.nan), {}, "700 of 700 rows: the rating in column 'rating' is no finite number"),
        (
            changed(userId=IDS.where(IDS > 11)),
            {},
            r"column 'userId' has no value \(first: nan at index \d+\)",
        ),
        (changed(userId=IDS + 0.5), {}, "column 'userId' is no whole number or text"),
        (
            changed(rating="good"),
            {},
            "rating in column 'rating' is no finite number .first: 'good' at index 0",
        ),
        (changed(timestamp="soon"), {}, "timestamp in column 'timestamp' is no date"),
        (ratings_frame().rename(columns={"rating": "liking"}), {}, "is the rating: name it with rating="),
        (ratings_frame().rename(columns={"userId": "who"}), {}, "is the user: name it with user="),
        (changed(item=1), {}, "'movieId', 'item' may all be the movie"),
        (ratings_frame(), {"user": "who"}, "user='who' is not a column of 'userId', 'movieId'"),
        (ratings_frame().iloc[:0], {}, "the ratings have no rows"),
    ],
)
def test_what_is_wrong_with_a_frame_is_said_with_column_and_row(frame, columns, message):
    with pytest.raises(mq.MarqueeError, match=message):
        mq.load(frame, **columns)


def test_a_misspelt_release_is_named(tmp_path):
    with pytest.raises(
        mq.MarqueeError, match="'ml-100' is neither a file nor a release; did you mean 'ml-100k'"
    ):
        mq.load("ml-100")
    with pytest.raises(mq.MarqueeError, match="ml-1m has columns of its own: leave out user"):
        mq.load("ml-1m", user="who")


# Splits


def test_parts_are_disjoint_and_know_their_task(data, parts):
    train, _, test = parts
    assert [part.task for part in parts] == ["ranking"] * 3
    assert (train.ratings["rating"] == 1).all()
    pairs = pd.concat([part.ratings for part in parts])[["user_id", "movie_id"]]
    assert not pairs.duplicated().any()
    assert len(pairs) == (data.ratings["rating"] >= 4).sum()
    last = data.ratings.query("rating >= 4").groupby("user_id")["timestamp"].max()
    assert (test.ratings.set_index("user_id")["timestamp"] == last).all()
    assert "test part of 'frame': 40 positives of 40 users" in repr(test)


def test_what_a_split_cannot_do_is_said(data):
    untimed = mq.load(ratings_frame().drop(columns="timestamp"))
    with pytest.raises(
        mq.MarqueeError, match="'leave_last_out' orders ratings by time, and 'frame' has no times"
    ):
        mq.split(untimed)
    assert len(mq.split(untimed, "random_per_user")[0]) > 0
    with pytest.raises(mq.MarqueeError, match="validatoin is not a parameter; did you mean 'validation'"):
        mq.split(data, "random", validatoin=0.1)
    with pytest.raises(mq.MarqueeError, match="did you mean 'leave_last_out'"):
        mq.split(data, "leave_one_out")
    with pytest.raises(mq.MarqueeError, match="split 'file' reads the files of a release"):
        mq.split(data, "file")


# Models


def test_a_misspelt_option_and_a_wrong_value_are_named():
    with pytest.raises(
        mq.MarqueeError, match=r"EASE\.regularisation is not a parameter; did you mean 'regularization'"
    ):
        mq.EASE(regularisation=3)
    with pytest.raises(mq.MarqueeError, match=r"EASE\.regularization is -1.* must be above 0"):
        mq.EASE(regularization=-1)
    with pytest.raises(mq.MarqueeError, match=r"EASE\.task is 'rating', but ease is made for ranking"):
        mq.EASE(task="rating")


def test_the_signature_shows_the_options_with_their_defaults():
    import inspect

    shown = inspect.signature(mq.EASE).parameters
    assert shown["regularization"].default == 300
    assert "Steck 2019" in mq.EASE.__doc__


def test_a_model_of_both_tasks_takes_that_of_its_data(data, parts):
    assert mq.NeuralMF(epochs=1).fit(*parts[:2]).task == "ranking"
    train, validation, test = mq.split(data, "random")
    model = mq.NeuralMF(epochs=2).fit(train, validation)
    assert model.task == "rating"
    assert model.learning_curve["epoch"].tolist() == [1, 2]
    result = mq.evaluate(model, test)
    assert result["rmse"] == pytest.approx(
        np.sqrt(np.mean((result.predictions["predicted"] - result.predictions["rating"]) ** 2)), abs=1e-6
    )


def test_data_of_the_other_task_or_of_another_split_is_refused(data, parts, model):
    rating_parts = mq.split(data, "random")
    with pytest.raises(mq.MarqueeError, match="EASE ranks, and learns from positives only"):
        mq.EASE().fit(rating_parts[0])
    with pytest.raises(mq.MarqueeError, match="EASE ranks, and learns from positives only"):
        mq.EASE().fit(data)
    with pytest.raises(mq.MarqueeError, match="ALS predicts ratings, but train holds positives only"):
        mq.ALS().fit(parts[0])
    with pytest.raises(mq.MarqueeError, match="come from two calls of"):
        mq.EASE().fit(parts[0], mq.split(data, "random", positive_threshold=4)[1])
    with pytest.raises(mq.MarqueeError, match="EASE is a ranking model, and this split is for rating"):
        mq.evaluate(model, rating_parts[2])
    with pytest.raises(mq.MarqueeError, match="the train part shows only how well a model remembers"):
        mq.evaluate(model, parts[0])
    with pytest.raises(mq.MarqueeError, match=r"EASE was trained on \d+ of the \d+ rows of this test part"):
        mq.evaluate(model, mq.split(data, "random", positive_threshold=4)[2])
    with pytest.raises(mq.MarqueeError, match="EASE was fitted on other data"):
        mq.evaluate(model, mq.split(mq.load(changed(userId=IDS + 1)), positive_threshold=4)[2])
    with pytest.raises(mq.MarqueeError, match="EASE is not trained: call fit first"):
        mq.EASE().recommend(user_id=11)


def test_a_result_is_a_mapping_and_a_table(parts, model):
    result = mq.evaluate(model, parts[2], ks=(1, 10))
    assert result["ndcg@10"] == result.to_frame().loc["ndcg", "10"] > 0.03
    assert len(result.per_user) == result.counts["test_users"] == 40
    assert result.per_user["ndcg@10"].mean() == pytest.approx(result["ndcg@10"])
    assert "EASE on test: 40 rows of 40 users" in repr(result)
    assert mq.evaluate(model, parts[1])["ndcg@10"] > 0.03


def test_a_new_user_gets_movies_of_the_same_group(model):
    listed = model.recommend({"Alien (1979)": 5, "film 2": 5, "#105": 4, 107: 4, "Heat": 1}, k=5)
    assert listed.index.tolist() == [1, 2, 3, 4, 5]
    assert (listed["movie_id"] % 2 == 1).all()
    assert listed["score"].is_monotonic_decreasing
    assert not set(listed["movie_id"]) & {101, 102, 103, 105, 107}
    assert (model.recommend(["Alien (1979)", "Film 2"], genres="crime")["genres"] == "Crime").all()
    explained = model.recommend({"Alien (1979)": 5, "film 2": 5}, k=2, explain=True)
    assert explained["explanation"].str.contains("Alien").any()


def test_a_known_user_gets_what_is_not_rated(data, model):
    rated = data.ratings.query("user_id == 12")["movie_id"]
    listed = model.recommend(user_id=12, k=N_ITEMS)
    assert sorted([*listed["movie_id"], *rated]) == data.movies["movie_id"].tolist()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"taste": {"Alien": 7}}, "the rating 7 of 'Alien' is off the scale: give one from 1 to 5"),
        ({"taste": {"Alien": "good"}}, "the rating 'good' of 'Alien' is off the scale"),
        ({"taste": {"Alien": 1}}, "none of your 1 ratings is at least 4"),
        ({"taste": {"Allien and friends": 5}}, "no movie is called"),
        ({"taste": {}}, "the ratings are empty"),
        ({"taste": "Alien"}, "ratings are 'Alien': give a dict"),
        ({"user_id": 9999}, "user 9999 is not in this data, whose users go from 11 to 50"),
        ({}, "one of ratings and user_id"),
        ({"user_id": 12, "k": 0}, "k is 0: ask for at least 1 movie"),
    ],
)
def test_what_cannot_be_recommended_is_said(model, asked, message):
    with pytest.raises(mq.MarqueeError, match=message):
        model.recommend(**asked)


def test_similar_movies_are_of_the_same_group(model):
    found = mq.similar(model, "Alien (1979)", k=5)
    assert (found["movie_id"] % 2 == 1).all()
    assert found["similarity"].is_monotonic_decreasing


@pytest.mark.parametrize("name", ["EASE", "ALS", "NeuralMF"])
def test_a_saved_model_gives_the_same_answers(data, name, tmp_path):
    parts = mq.split(data, "user_holdout", positive_threshold=None if name == "ALS" else 4)
    model = getattr(mq, name)(**({"epochs": 2} if name != "EASE" else {})).fit(*parts[:2])
    model.save(tmp_path / "m")
    loaded = mq.load_model(tmp_path / "m")
    held_out = parts[2].ratings["user_id"].iloc[0]
    for asked in ({"user_id": held_out}, {"user_id": 11}, {"taste": {"Alien": 5, "Heat": 4}}):
        pd.testing.assert_frame_equal(loaded.recommend(**asked), model.recommend(**asked))
    assert dict(mq.evaluate(loaded, parts[2])) == dict(mq.evaluate(model, parts[2]))
    model.save(tmp_path / "m")
    (tmp_path / "notes").mkdir()
    with pytest.raises(mq.MarqueeError, match="exists and holds no model"):
        model.save(tmp_path / "notes")
    with pytest.raises(mq.MarqueeError, match=r"holds no model that Model\.save wrote"):
        mq.load_model(tmp_path / "notes")


def test_a_final_fit_takes_all_positives(data):
    model = mq.ItemKNN().fit(data.positives(4))
    assert len(model.trained_on) == (data.ratings["rating"] >= 4).sum()
    assert len(mq.BiasModel().fit(data).trained_on) == 700
