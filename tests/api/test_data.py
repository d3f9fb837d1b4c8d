"""Data of one's own in many forms, and its parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marquee as mq
from marquee.data.ratings import count_weights
from tests.api.sample import IDS, changed, movies_frame, ratings_frame


def test_a_frame_keeps_its_ids_titles_and_times(data):
    first = ratings_frame().sort_values(["userId", "timestamp"]).iloc[0]
    shown = data.ratings.iloc[0]
    assert (shown["user_id"], shown["movie_id"], shown["rating"]) == tuple(first[:3])
    assert shown["timestamp"] == pd.Timestamp(first["timestamp"], unit="s")
    assert data.movies.loc[0, ["movie_id", "title", "year"]].tolist() == [101, "Alien", 1979]
    assert "700 ratings (1 to 5 in steps of 1) of 30 movies by 40 users" in repr(data)


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


def test_a_file_is_the_same_data_as_its_frame(data, tmp_path):
    ratings_frame().rename(columns={"userId": "user_id"}).to_csv(tmp_path / "ratings.csv", index=False)
    movies_frame().to_csv(tmp_path / "movies.csv", index=False)
    own = mq.load(tmp_path)
    pd.testing.assert_frame_equal(own.ratings, data.ratings)
    pd.testing.assert_frame_equal(own.movies, data.movies)
    ratings_frame().drop(columns="timestamp").to_parquet(tmp_path / "mine.parquet")
    assert "without times" in repr(mq.load(tmp_path / "mine.parquet"))
    (tmp_path / "ratings.csv").write_bytes(b"user,movie,rating\n\xff,1,5\n")
    with pytest.raises(mq.MarqueeError, match=r"ratings is not readable .*: save it as CSV in UTF-8"):
        mq.load(tmp_path)
    with pytest.raises(mq.MarqueeError, match=r"has no ratings\.csv or ratings\.parquet"):
        mq.load(tmp_path.parent)


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
    with pytest.raises(mq.MarqueeError, match="did you mean 'leave_"):
        mq.split(data, "leave_one_out")
    with pytest.raises(mq.MarqueeError, match="split 'file' reads the files of a release"):
        mq.split(data, "file")


def test_counts_are_weights_of_positives_and_rows_of_a_pair_are_added_up():
    frame = changed(rating=ratings_frame()["rating"] * 1000).rename(columns={"rating": "plays"})
    played = mq.load(pd.concat([frame, frame]), rating="plays", implicit=True)
    assert (len(played.rows), played.card["added_up"]) == (len(frame), len(frame))
    train, validation, test = mq.split(played)
    assert train.task == "ranking"
    weights = count_weights(played.rows.rating)
    assert sorted({*train.rows.rating, *validation.rows.rating, *test.rows.rating}) == sorted({*weights})
    counted = mq.IALS(dim=2, epochs=2).fit(train, validation)
    plain = mq.IALS(dim=2, epochs=2).fit(*mq.split(mq.load(frame, rating=None))[:2])
    assert abs(counted.recommender.items - plain.recommender.items).max() > 0
    assert len(counted.recommend({"#101": 3}, k=3)) == 3


def test_a_count_of_nothing_is_refused():
    with pytest.raises(mq.MarqueeError, match="counts nothing"):
        mq.load(changed(rating=0), implicit=True)


def test_a_split_by_time_of_equal_times_warns():
    with pytest.warns(UserWarning, match="all ratings have one timestamp"):
        mq.split(mq.load(changed(timestamp=7)), "leave_last_out")


def test_masked_lists_leave_out_what_was_rated_low(data, parts, model):
    shown, hidden = (mq.evaluate(model, parts[2], mask=mask) for mask in ("positives", "rated"))
    assert hidden["ndcg@10"] > shown["ndcg@10"]
    assert hidden["sampled_ndcg@10"] >= shown["sampled_ndcg@10"]
    with pytest.raises(mq.MarqueeError, match="mask is 'all'"):
        mq.evaluate(model, parts[2], mask="all")
