"""Models under the field's names: options, faults, results, lists, files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marquee as mq
from marquee.io import read_parquet, write_parquet
from tests.api.sample import IDS, N_ITEMS, changed


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
    assert mq.NeuralMF(epochs=1).fit(train).fit(*parts[:2]).task == "ranking"
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
    with pytest.raises(mq.MarqueeError, match="train is the test part of a split"):
        mq.EASE().fit(parts[2])
    with pytest.raises(mq.MarqueeError, match="train is the validation part of a split"):
        mq.EASE().fit(parts[1])
    with pytest.raises(mq.MarqueeError, match="validation is the test part of a split"):
        mq.EASE().fit(parts[0], parts[2])
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


def test_recommend_movies_lists_titles_that_the_user_has_not_rated(data, model):
    listed = mq.recommend_movies(model, 12, 7)
    assert listed.equals(model.recommend(user_id=12, k=7))
    assert not set(listed["movie_id"]) & set(data.ratings.query("user_id == 12")["movie_id"])
    assert listed["title"].str.contains("Film|Alien|Heat").all()


def test_ratings_beside_a_user_id_add_to_the_user_s_own(data, model):
    rated = set(data.ratings.query("user_id == 12")["movie_id"])
    new = min(set(data.movies["movie_id"]) - rated)
    plain, more = (model.recommend(given, user_id=12, k=N_ITEMS) for given in (None, {f"#{new}": 5}))
    assert set(plain["movie_id"]) - set(more["movie_id"]) == {new}
    assert plain["score"].sum() < more["score"].sum()


def test_a_rating_model_lists_movies_with_enough_ratings(data):
    rare = data.ratings["movie_id"].value_counts().index[-1]
    frame = changed().groupby("movieId").head(30)  # few enough for the limit of 20 to be above some
    frame = frame[(frame["movieId"] != rare) | ~frame.duplicated("movieId")]
    model = mq.BiasModel().fit(mq.load(frame))
    counts = frame["movieId"].value_counts()
    listed = [model.recommend({"#101": 5}, k=N_ITEMS, min_ratings=least)["movie_id"] for least in (None, 0)]
    assert rare in set(listed[1]) - set(listed[0])
    assert counts[listed[0]].min() >= counts.sort_values().iloc[1]


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
        ({}, "needs ratings or a user_id"),
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ks": ()}, "ks is empty"),
        ({"ks": (0,)}, "ks is 0, but must be at least 1"),
        ({"ks": 5}, "ks is 5, but must be a list"),
        ({"candidates": -1}, "per_user is -1, but must be at least 1"),
        ({"positive_threshold": "nan"}, "positive_threshold is 'nan', but must be a rating, auto"),
        ({"positive_threshold": "150%"}, "positive_threshold is '150%', but must be a rating, auto"),
        ({"positive_threshold": "high"}, "positive_threshold is 'high', but must be a rating, auto"),
    ],
)
def test_an_impossible_evaluation_is_refused(parts, model, options, message):
    with pytest.raises(mq.MarqueeError, match=message):
        mq.evaluate(model, parts[2], **options)


def test_a_threshold_may_be_a_percentage_of_the_scale(data, parts):
    relative = mq.split(data, "leave_last_out", positive_threshold="75%")
    assert relative[2].positive_threshold == data.lowest_positive("75%") == data.lowest_positive("auto")


def test_a_saved_model_beside_the_tables_of_other_data_is_refused(model, tmp_path):
    model.save(tmp_path / "m")
    path = tmp_path / "m" / "movies.parquet"
    movies = read_parquet(path)
    titles = movies["title"].to_pylist()[::-1]
    place = movies.column_names.index("title")
    write_parquet(path, movies.set_column(place, "title", [titles]))
    with pytest.raises(mq.MarqueeError, match="fit the model and save it again"):
        mq.load_model(tmp_path / "m")


def test_a_final_fit_takes_all_positives(data):
    model = mq.ItemKNN().fit(data.positives(4))
    assert len(model.trained_on) == (data.ratings["rating"] >= 4).sum()
    assert len(mq.BiasModel().fit(data).trained_on) == 700
