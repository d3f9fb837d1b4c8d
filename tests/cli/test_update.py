"""`marquee update`, and the lists of the model that it writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marquee import recommenders
from marquee.cli.main import main
from marquee.data.ratings import Ratings
from marquee.io import sha256
from tests.cli.small_project import build, recommend


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    build(tmp_path)
    rows = ["userId,movieId,rating,timestamp", "2,1,5,900", "77,1,5,901", "77,3,4,902", "77,5,1,903"]
    Path("new.csv").write_text("\n".join([*rows, "3,999,5,904"]) + "\n")
    return tmp_path


def update(capsys, *words: str, code: int = 0) -> tuple[str, str]:
    assert main(["update", *words]) == code
    found = capsys.readouterr()
    if code:
        assert len(found.err.splitlines()) == 1, found.err
    return found.out, found.err


@pytest.mark.parametrize("name", ["ease", "bias"])
def test_a_new_user_gets_lists_and_the_fitted_model_stays(place, capsys, name):
    before = {path: sha256(path) for path in (place / "models" / name).iterdir()}
    out, err = update(capsys, name, "--ratings", "new.csv")
    assert f"models/{name}.updated: " in out
    assert "(1 new)" in out
    assert "1 of 5 ratings are of unknown movies" in err
    assert {path: sha256(path) for path in (place / "models" / name).iterdir()} == before
    folder = ("--model-dir", f"models/{name}.updated")
    rows, _ = recommend(capsys, name, *folder, "--user", "77", "--top", "12", "--min-ratings", "0")
    assert len(rows) == 12 - 3, "what user 77 rated is not listed, the movie of one star included"
    assert not {row["movie_id"] for row in rows} & {1, 3, 5}
    assert main(["recommend", name, *folder, "--user", "77"]) == 0
    assert capsys.readouterr().out.startswith("user 77: new since the fit")
    similar = ["similar", name, "Heat (1995)", *folder, "--top", "2"]
    assert main(similar) == (1 if name == "bias" else 0)  # biases alone make no two movies alike
    capsys.readouterr()
    assert main(["recommend", name, "--user", "77"]) == 1
    assert "user '77' is not in this data" in capsys.readouterr().err


def test_an_updated_model_is_that_of_a_fit_on_everything_and_says_what_it_learned(place, capsys):
    update(capsys, "bias", "--ratings", "new.csv")
    found = recommenders.load(Path("models/bias.updated"))
    learned = Ratings.read(Path("models/bias.updated/learned.parquet"))
    assert found.n_users == 11
    assert len(learned) == 4
    (said,) = found.fitted["updates"]
    assert said["sha256"] == sha256(Path("new.csv"))
    assert (said["file"], said["ratings"], said["of_unknown_movies"]) == ("new.csv", 4, 1)
    train = Ratings.read(Path("data/rating/train.parquet"))
    rest = train.take(~np.isin(train.user * 100 + train.item, learned.user * 100 + learned.item))
    mean = np.concatenate([rest.rating, learned.rating]).mean(dtype=np.float64)
    assert found.mean == pytest.approx(mean, abs=1e-9)


def test_a_second_file_is_learned_on_top_of_the_first_and_the_same_one_changes_nothing(place, capsys):
    update(capsys, "ease", "--ratings", "new.csv")
    first = sha256(Path("models/ease.updated/weights.safetensors"))
    out, err = update(capsys, "ease", "--ratings", "new.csv")
    assert "goes on from" in err
    assert ": 0 ratings learned, 0 replaced" in out
    assert sha256(Path("models/ease.updated/weights.safetensors")) == first
    table = pa.table({"userId": [77], "movieId": [1], "rating": [2.0], "timestamp": [2000]})
    pq.write_table(table, "more.parquet")
    out, _ = update(capsys, "ease", "--ratings", "more.parquet")
    assert "0 ratings learned, 1 replaced or withdrawn, of 1 users (0 new)" in out
    assert len(recommenders.load(Path("models/ease.updated")).fitted["updates"]) == 3
    update(capsys, "ease", "--ratings", "new.csv", "--fresh")
    assert sha256(Path("models/ease.updated/weights.safetensors")) == first


def test_refused_in_one_line(place, capsys):
    _, err = update(capsys, "ease", "--ratings", "new.csv", "--output", "models/ease", code=1)
    assert "models/ease is written by the stage train@ease" in err
    _, err = update(capsys, "ease", "--ratings", "none.csv", code=1)
    assert "none.csv" in err
    Path("far.csv").write_text("userId,movieId,rating,timestamp\n1,999,5,1\n")
    _, err = update(capsys, "ease", "--ratings", "far.csv", code=1)
    assert "none of the 1 ratings is of a movie of this data" in err
    Path("off.csv").write_text("userId,movieId,rating,timestamp\n1,1,9,1\n")
    _, err = update(capsys, "ease", "--ratings", "off.csv", code=1)
    assert "off.csv" in err
    Path("folder").mkdir()
    _, err = update(capsys, "ease", "--ratings", "new.csv", "--output", "folder", code=1)
    assert "folder exists and holds no model" in err
    assert not Path("models/ease.updated").exists(), "nothing is written"
    assert main(["recommend", "ease", "--model-dir", "models/ease", "--user", "1"]) == 1
    assert "holds no updated model" in capsys.readouterr().err


def test_an_update_that_does_not_fit_into_memory_is_refused_before_it_reads(place, capsys, monkeypatch):
    monkeypatch.setenv("MARQUEE_MEMORY", "0.0001")
    monkeypatch.setattr("marquee.cli.online_models.fitted_model", lambda name: pytest.fail("it reads"))
    _, err = update(capsys, "ease", "--ratings", "new.csv", code=1)
    assert "MARQUEE_MEMORY allows 0.0001 GiB" in err
    assert "an update of ease needs" in err
    assert not Path("models/ease.updated").exists()


def test_an_updated_model_of_another_fit_is_refused(place, capsys):
    update(capsys, "ease", "--ratings", "new.csv")
    path = Path("models/ease.updated/model.json")
    assert json.loads(path.read_text())["fitted"]["fit"]["train"] == sha256(
        Path("data/ranking/train.parquet")
    )
    model = recommenders.load(Path("models/ease"))
    model.weights = model.weights * np.float32(2)
    recommenders.store(model, Path("models/ease"), model.fitted)
    assert main(["recommend", "ease", "--model-dir", "models/ease.updated", "--user", "1"]) == 1
    assert "updated from another fit" in capsys.readouterr().err


def test_a_stream_gives_curves_as_tables_and_pictures(place, capsys):
    words = ["online", "bias", "ease", "--start", "0.5", "--every", "20", "--out", "o"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "ratings are fitted" in err
    with Path("o/curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["model"] for row in rows} == {"bias", "ease"}
    assert {row["policy"] for row in rows} == {"never", "fold_in", "update", "refit"}
    assert all(row["rmse"] for row in rows if row["model"] == "bias")
    assert {path.name for path in Path("o").iterdir()} == {
        *("curve.csv", "summary.csv", "curve.png", "curve.svg")
    }
    with Path("o/summary.csv").open(newline="") as file:
        assert f"{float(next(csv.DictReader(file))['value']):.4f}" in out
    assert main([*words, "--policy", "never"]) == 0, "an older run is replaced"
    capsys.readouterr()
    assert main([*words[:-1], "models"]) == 1
    assert "models exists and holds other files than curves" in capsys.readouterr().err
    for wrong in (["--every", "0"], ["--every", "3w"], ["--start", "1"], ["--policy", "often"]):
        with pytest.raises(SystemExit, match="2"):
            main(["online", "bias", *wrong])
        assert len(capsys.readouterr().err.splitlines()) == 1
