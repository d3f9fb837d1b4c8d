"""Models side by side, ratings added to a known user's, and movies with few ratings."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from marquee import recommenders
from marquee.cli.main import main
from marquee.data.ratings import Ratings
from marquee.io import read_parquet
from tests.cli.small_project import build, recommend


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return build(tmp_path)


def test_the_lists_of_models_stand_side_by_side(place, capsys):
    words = ("--user", "3", "--top", "3", "--min-ratings", "0")
    both, _ = recommend(capsys, "--models", "ease,bias", *words)
    for model, column in (("ease", "score"), ("bias", "rating")):
        alone, _ = recommend(capsys, model, *words)
        first = {row[f"{model}_rank"]: row for row in both if (row[f"{model}_rank"] or 9) <= 3}
        assert sorted(first) == [row["rank"] for row in alone]
        for row in alone:
            assert first[row["rank"]]["movie_id"] == row["movie_id"]
            assert first[row["rank"]][f"{model}_{column}"] == row[column]
    agreed = [1 / row["ease_rank"] + 1 / row["bias_rank"] for row in both]
    assert agreed == sorted(agreed, reverse=True)


def test_side_by_side_as_a_table_and_in_files(place, capsys):
    words = ("recommend", "--models", "ease,bias", "--users", "3,4", "--top", "2")
    assert main([*words]) == 0
    out = capsys.readouterr().out
    assert out.count("user ") == 2
    assert len([line for line in out.splitlines() if line.endswith("bias")]) == 2
    assert "(1)" in out
    for name in ("a.csv", "a.parquet"):
        assert main([*words, "--out", name]) == 0
    columns = pq.read_table("a.parquet").column_names
    assert columns == next(csv.reader(io.StringIO(Path("a.csv").read_text())))
    assert columns[-4:] == ["ease_score", "ease_rank", "bias_rating", "bias_rank"]


def test_what_is_known_of_a_user_heads_the_table(place, capsys):
    for words in (("ease",), ("--models", "ease,bias")):
        assert main(["recommend", *words, "--user", "3", "--top", "1"]) == 0
        assert capsys.readouterr().out.startswith("user 3: age 30, gender F; ")


def test_a_movie_that_one_model_does_not_list_has_its_value_and_no_rank(place, capsys):
    rows, _ = recommend(capsys, "--models", "ease,bias", "--user", "3", "--top", "12", "--min-ratings", "0")
    counts = np.bincount(read_parquet(place / "data/rating/train.parquet")["item"].to_numpy())
    few = counts.min() + 1
    fewer, said = recommend(
        capsys, "--models", "bias", "--user", "3", "--top", "12", "--min-ratings", str(few)
    )
    assert {row["movie_id"] for row in fewer} < {row["movie_id"] for row in rows}
    assert f"fewer than {few} ratings and are not listed" in said


@pytest.mark.parametrize("model", ["ease", "bias"])
def test_ratings_add_to_those_of_a_known_user(place, capsys, model):
    """The list is that of a new user with the old ratings and the new one."""
    task = "rating" if model == "bias" else "ranking"
    train, everyone = (
        Ratings.from_table(read_parquet(place / f"data/{name}.parquet"))
        for name in (f"{task}/train", "ratings")
    )
    own = train.take(train.user == 2)
    unseen = min(set(range(12)) - set(everyone.item[everyone.user == 2].tolist()))
    words = ("--user", "3", "--rate", f"#{unseen + 1}=5", "--top", "12", "--min-ratings", "0")
    rows, _ = recommend(capsys, model, *words)
    history = Ratings.of(
        [0] * (len(own) + 1), [*own.item, unseen], [*own.rating, 5 if task == "rating" else 1]
    )
    scores = recommenders.load(place / "models" / model).fold_in(history).scores(np.zeros(1, np.int32))[0]
    if task == "rating":
        scores = scores.clip(1, 5)
    column = "rating" if task == "rating" else "score"
    assert rows
    assert unseen + 1 not in {row["movie_id"] for row in rows}
    assert [row[column] for row in rows] == pytest.approx(
        [scores[row["movie_id"] - 1] for row in rows], abs=1e-5
    )


def test_a_new_rating_of_a_rated_movie_replaces_it(place, capsys):
    everyone = Ratings.from_table(read_parquet(place / "data/ratings.parquet"))
    mine = everyone.take(everyone.user == 2)
    item, old = int(mine.item[0]), float(mine.rating[0])
    words = ("bias", "--user", "3", "--top", "12", "--min-ratings", "0")
    plain = recommend(capsys, *words)[0]
    same = recommend(capsys, *words, "--rate", f"#{item + 1}={old:g}")[0]
    other = recommend(capsys, *words, "--rate", f"#{item + 1}={6 - old if old != 3 else 5:g}")[0]
    values = [{row["movie_id"]: row["rating"] for row in rows} for rows in (plain, same, other)]
    assert values[0] == pytest.approx(values[1], abs=1e-4)
    assert values[1].keys() == values[2].keys()
    assert values[1] != pytest.approx(values[2], abs=1e-4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--user", "3"), "give one model, or several"),
        (("ease", "--models", "ease,bias", "--user", "3"), "give one model, or several"),
        (("--models", ",", "--user", "3"), "names no model"),
        (("ease", "--users", "3,4", "--rate", "heat=5"), "give one of --users"),
        (("ease", "--users", "3,4", "--seen", "x.csv"), "--seen is for one user"),
        (("ease", "--seen", "x.csv"), "give one of --users"),
        (("ease", "--user", "3", "--unmatched", "x.csv"), "--unmatched needs"),
        (("bias", "--user", "3", "--min-ratings", "-1"), "--min-ratings: '-1'"),
        (("bias", "--user", "3", "--year-from", "9" * 500), "is not a year"),
    ],
)
def test_what_does_not_go_together_is_said(place, capsys, words, said):
    try:
        code = main(["recommend", *words])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
