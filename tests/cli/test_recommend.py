"""`marquee recommend` and `marquee similar` on every model of the small project, and what they refuse."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
import yaml

from marquee import recommenders
from marquee.io import read_parquet, write_parquet
from marquee.serving.catalogue import COLUMNS, MovieCatalogue
from stages._inputs import ratings
from tests.cli.conftest import asked, marquee, refused


def listed(place, path, *words: str) -> list[dict]:
    """The rows that --out writes, of movies with few ratings, too."""
    asked(place, "recommend", *words, "--min-ratings", "0", "--out", str(path))
    return json.loads(path.read_text())["rows"]


@pytest.fixture(scope="module")
def movies(finished) -> MovieCatalogue:
    return MovieCatalogue.from_table(read_parquet(finished / "data/movies.parquet", COLUMNS))


@pytest.fixture(scope="module")
def names(finished) -> list[str]:
    return list(yaml.safe_load((finished / "params.yaml").read_text())["models"])


@pytest.fixture(scope="module")
def three(movies) -> list[str]:
    """--rate three movies whose names are their own."""
    return [word for item in (3, 5, 8) for word in ("--rate", f"{movies.name(item)}=5")]


def test_every_model_recommends_to_the_three_kinds_of_users(finished, movies, names, three, tmp_path):
    """A known user, a new one at the prompt and one with a CSV; the last two rated the same."""
    csv = tmp_path / "mine.csv"
    csv.write_text("title,rating\n" + "".join(f'"{movies.name(item)}",5\n' for item in (3, 5, 8)))
    everyone = ratings(finished / "data/ratings.parquet")
    seen = everyone.item[everyone.user == 6]
    for name in names:
        user = listed(finished, tmp_path / "a.json", name, "--user", "7")
        scores = recommenders.load(finished / "models" / name).scores(seen[:1] * 0 + 6)[0]
        scores[seen] = -9e9
        best = sorted(range(len(scores)), key=lambda item: (-scores[item], item))[:10]
        assert [row["movie_id"] for row in user] == [movies.ids[item] for item in best], name
        assert all(row["user"] == 7 and row["explanation"] for row in user), name
        prompt = listed(finished, tmp_path / "b.json", name, *three)
        assert len(prompt) == 10, name
        assert not {movies.ids[item] for item in (3, 5, 8)} & {row["movie_id"] for row in prompt}, name
        assert listed(finished, tmp_path / "c.json", name, "--ratings", str(csv)) == prompt, name


def test_torch_is_not_loaded_to_score(finished, names, three):
    script = """
import json, sys
from marquee.cli.main import main
for words in json.loads(sys.argv[1]):
    assert main(["recommend", *words]) == 0, words
    assert 'torch' not in sys.modules, words
"""
    names = [name for name in names if name != "mf_bce"]  # it folds in by torch, here to explain
    asked_for = [[name, *words] for name in names for words in (["--user", "7"], three)]
    done = finished.call("python", "-c", script, json.dumps(asked_for))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("you rated") == len(names)
    assert done.stdout.count("\n") == len(names) * 43, (
        "the user; twice a heading, ten movies, ten explanations"
    )


def test_a_rating_model_shows_ratings_on_the_scale(finished, tmp_path):
    rows = listed(finished, tmp_path / "a.json", "bias", "--user", "7")
    assert all(1 <= row["rating"] <= 5 for row in rows)
    assert "average" in rows[0]["explanation"]
    assert "users" in listed(finished, tmp_path / "a.json", "popularity", "--user", "7")[0]["explanation"]


def test_ease_explains_by_the_users_own_positives(finished, movies, tmp_path):
    train = ratings(finished / "data/ranking/train.parquet")
    own = {movies.name(item) for item in train.item[train.user == 6]}
    for row in listed(finished, tmp_path / "a.json", "ease", "--user", "7"):
        assert {named.rpartition(" ")[0] for named in row["explanation"].split(", ")} <= own


def test_filters_hold(finished, tmp_path):
    words = ("--genre", "drama", "--year-from", "1980", "--year-to", "1996", "--top", "200")
    rows = listed(finished, tmp_path / "a.json", "ease", "--user", "7", *words)
    assert rows
    assert all("Drama" in row["genres"] and 1980 <= row["year"] <= 1996 for row in rows)


def test_movies_titled_unknown_are_left_out_when_asked(project, tmp_path):
    path = project / "data/movies.parquet"
    table = read_parquet(path)
    titles = ["unknown"] * table.num_rows
    titles[:40] = table["title"].to_pylist()[:40]
    write_parquet(path, table.set_column(table.column_names.index("title"), "title", [titles]))
    rows = listed(project, tmp_path / "a.json", "bias", "--user", "7", "--top", "80", "--exclude-unknown")
    assert rows
    assert "unknown" not in {row["title"] for row in rows}
    assert "unknown" in asked(
        project, "recommend", "bias", "--user", "7", "--top", "80", "--min-ratings", "0"
    )


def test_several_users_at_once_in_each_kind_of_file(finished, tmp_path):
    (tmp_path / "users.txt").write_text("3\n1 2\n3\n")
    words = ("--users-file", str(tmp_path / "users.txt"), "--top", "4")
    rows = listed(finished, tmp_path / "a.json", "ease", *words)
    assert [row["user"] for row in rows] == [3] * 4 + [1] * 4 + [2] * 4
    assert "explanation" not in rows[0]
    asked(
        finished, "recommend", "ease", "--users", "3,1,2", "--top", "4", "--out", str(tmp_path / "a.parquet")
    )
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == rows
    asked(finished, "recommend", "ease", "--users", "3,1,2", "--top", "4", "--out", str(tmp_path / "a.csv"))
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 13
    one = listed(finished, tmp_path / "a.json", "ease", "--user", "1", "--top", "4")
    assert [row["movie_id"] for row in one] == [row["movie_id"] for row in rows[4:8]]
    assert asked(finished, "recommend", "ease", "--users", "3,1").count("user ") == 2


def test_an_export_is_read_and_what_is_not_here_is_told(finished, movies, tmp_path):
    lines = [f'2024-01-01,"{movies.titles[i]}",{movies.years[i]},https://x,{5 - i / 2}' for i in (3, 5)]
    lines += ["2024-01-01,Nowhere to be Found,1931,https://x,4", "2024-01-01,Unrated,1931,https://x,"]
    (tmp_path / "ratings.csv").write_text("\n".join(["Date,Name,Year,Letterboxd URI,Rating", *lines]))
    done = marquee(finished, "recommend", "bias", "--ratings", str(tmp_path / "ratings.csv"))
    assert done.returncode == 0, done.stderr
    assert "not in this data, left out: Nowhere to be Found (1931)" in done.stderr
    assert "2 of 3 movies found" in done.stderr
    assert "1 without a rating, passed over" in done.stderr


def test_movies_similar_to_a_movie(finished, movies):
    for name in ("ease", "mf_bce"):
        rows = json.loads(asked(finished, "similar", name, movies.name(3), "--json", "--top", "5"))
        assert len(rows) == 5
        assert movies.ids[3] not in {row["movie_id"] for row in rows}
        assert len(asked(finished, "similar", name, movies.name(3), "--top", "5").splitlines()) == 6
    assert "ask another model" in refused(finished, "similar", "bias", movies.name(3))


def test_json_has_the_rows_of_the_table(finished, tmp_path):
    rows = json.loads(asked(finished, "recommend", "ease", "--user", "7", "--json"))
    assert rows == listed(finished, tmp_path / "a.json", "ease", "--user", "7")


def test_a_training_user_folded_in_gets_their_list_back(finished):
    """All of it for popularity, bias and ease; most of it for mf_bce, which is fitted by another method."""
    least = {"popularity": 10, "bias": 10, "ease": 10, "mf_bce": 7}
    for name in least:
        train = ratings(finished / f"data/{'rating' if name == 'bias' else 'ranking'}/train.parquet")
        model = recommenders.load(finished / "models" / name)
        view = model.fold_in(train)
        users = sorted(set(train.user.tolist()))
        overlap = []
        for user in users:
            row = train.user[train.user == user][:1]
            best = [set((-m.scores(row)[0]).argsort(kind="stable")[:10].tolist()) for m in (model, view)]
            overlap.append(len(best[0] & best[1]))
        assert sum(overlap) / len(overlap) >= least[name], name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ease", "--user", "4200"], "user '4200' is not in this data, whose users go from 1 to 60"),
        (["ease", "--user", ""], "user '' is not in this data"),
        (["ease", "--users", ","], "no user is named"),
        (["ease", "--users", "1,abc"], "user 'abc' is not in this data"),
        (["eas", "--user", "7"], "models.eas is not in params.yaml; did you mean 'ease'?"),
        (["ease", "--rate", "Qwxyz Vbnm=5"], "'Qwxyz Vbnm'"),
        (["ease", "--rate", "{0}x y=5"], "did you mean one of: {0}"),
        (["ease", "--rate", "{0}=6"], "is off the scale: give one from 1 to 5 in steps of 1"),
        (["ease", "--rate", "{0}=2"], "none of your 1 ratings is at least 4"),
        (["ease", "--user", "7", "--genre", "Dramma"], "'Dramma' is not a genre of this data; did you mean"),
        (["ease", "--user", "7", "--year-from", "2100"], "none of 80 movies"),
        (["ease", "--ratings", "no.csv"], "no.csv"),
        (["ease", "--users-file", "no.txt"], "no.txt"),
    ],
)
def test_a_fault_in_the_data_is_one_line_with_the_next_step(finished, movies, words, said):
    title = movies.name(3)
    line = refused(finished, "recommend", *(word.replace("{0}", title) for word in words))
    assert said.replace("{0}", title) in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ease", "--rate", "Heat"], "'Heat' has no rating"),
        (["ease", "--user", "7", "--out", "list.xlsx"], ".parquet, .csv, .json"),
        (["ease", "--user", "7", "--out", "list.csv", "--json"], "--json"),
        (["ease", "--user", "7", "--top", "0"], "--top: '0'"),
        (["ease", "--user", "7", "--top", "ten"], "--top: 'ten'"),
        (["ease"], "give one of --user"),
        (["ease", "--users", "7,8", "--rate", "Heat=5"], "give one of --user"),
        (["ease", "--user", "7", "--genrre", "Drama"], "--genrre"),
        (["--user", "7"], "give one model"),
    ],
)
def test_a_fault_in_the_command_line_exits_with_2(finished, words, said):
    line = refused(finished, "recommend", *words, code=2)
    assert said in line
    assert line.endswith("--help")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("title,rating\n", "has no ratings"),
        ("film,stars\nHeat,5\n", "title,rating or movieId,rating"),
        ("title,rating\nHeat,11\n", "line 2: the rating '11' is off the scale"),
    ],
)
def test_a_csv_that_does_not_serve_is_named(finished, tmp_path, text, said):
    (tmp_path / "mine.csv").write_text(text)
    line = refused(finished, "recommend", "ease", "--ratings", str(tmp_path / "mine.csv"))
    assert "mine.csv" in line
    assert said in line


def test_a_new_user_all_of_whose_movies_are_unknown_is_told(finished, tmp_path):
    (tmp_path / "mine.csv").write_text("title,rating\nQwxyz,5\nVbnm,4\n")
    line = refused(finished, "recommend", "ease", "--ratings", str(tmp_path / "mine.csv"))
    assert "none of the 2 movies" in line


def test_a_title_that_fits_several_asks_back(project):
    path = project / "data/movies.parquet"
    table = read_parquet(path)
    titles, years = (table[name].to_pylist() for name in ("title", "year"))
    titles[:2], years[:2] = ["Heat", "Heat"], [1995, 1972]
    for name, values in (("title", titles), ("year", years)):
        table = table.set_column(table.column_names.index(name), name, [values])
    write_parquet(path, table)
    line = refused(project, "recommend", "ease", "--rate", "the heat=5")
    assert "'the heat' fits 2 movies: Heat (1995); Heat (1972)" in line
    assert "Heat (1972) 5" in marquee(project, "recommend", "ease", "--rate", "the heat (1972)=5").stderr


def test_a_model_that_is_not_trained_or_trained_on_other_data_says_what_to_run(project):
    path = project / "data/movies.parquet"
    write_parquet(path, read_parquet(path).slice(0, 70))
    assert "dvc repro train@ease" in refused(project, "recommend", "ease", "--user", "7")
    text = (project / "models/bias/model.json").read_text()
    (project / "models/bias/model.json").write_text(text.replace('"mean"', '"average"'))
    assert "dvc repro train@bias" in refused(project, "recommend", "bias", "--user", "7")
    (project / "models/ease/model.json").unlink()
    line = refused(project, "recommend", "ease", "--user", "7")
    assert line.endswith("run `dvc repro train@ease`")


def test_asking_changes_nothing(finished):
    """What DVC tracks stays as it was, and the same question has the same answer."""
    before = finished.fingerprint()
    first = asked(finished, "recommend", "mf_bce", "--user", "7")
    assert asked(finished, "recommend", "mf_bce", "--user", "7", "--debug") == first
    assert finished.fingerprint() == before
