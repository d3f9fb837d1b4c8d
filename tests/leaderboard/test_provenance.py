"""What a leaderboard says of the data and the models that it was made from."""

from __future__ import annotations

import subprocess

import pytest

from marquee.errors import MarqueeError
from marquee.io import sha256
from marquee.leaderboard.provenance import git_blob_id, outdated, provenance

OLD = {"name": "synthetic-100k", "fingerprint": "3f2a9c1d00000000"}
NEW = {"name": "ml-100k", "fingerprint": "77aa00ff00000000"}


def evaluation(data=OLD, model="a1") -> dict:
    return {"data": data, "model_sha256": model}


def test_models_of_two_data_sets_are_not_compared():
    with pytest.raises(MarqueeError) as caught:
        provenance({"bias": evaluation(), "ease": evaluation(NEW), "als": evaluation()})
    assert str(caught.value) == (
        "bias was evaluated on synthetic-100k (3f2a9c1d) and ease on ml-100k (77aa00ff): "
        "run `dvc repro compare`"
    )
    with pytest.raises(MarqueeError, match="run `dvc repro evaluate@bias`"):
        provenance({"bias": {"model": "bias"}})


def test_the_id_of_the_results_is_that_of_git(tmp_path):
    file = tmp_path / "summary.json"
    file.write_bytes(b'{"als": {}}\n')
    told = subprocess.run(["git", "hash-object", file], capture_output=True, text=True, check=True)
    assert git_blob_id(file) == told.stdout.strip()


def test_a_leaderboard_is_out_of_date_when_its_data_or_a_model_changed(tmp_path):
    folders = {name: tmp_path / name for name in ("bias", "ease")}
    for folder in folders.values():
        folder.mkdir()
        (folder / "model.json").write_text(folder.name)
    ids = {name: sha256(folder / "model.json") for name, folder in folders.items()}
    about = provenance({name: evaluation(model=ids[name]) for name in folders})
    assert outdated(about, OLD, folders) is None
    assert outdated(about, NEW, folders) == (
        "this is synthetic-100k (3f2a9c1d), but data/ holds ml-100k (77aa00ff): run `dvc repro`"
    )
    assert "holds no data" in outdated(about, None, folders)
    assert (
        outdated(about, OLD, {"bias": folders["bias"]}) == "ease is no longer in params.yaml: run `dvc repro`"
    )
    (folders["bias"] / "model.json").write_text("trained again")
    (folders["ease"] / "model.json").unlink()
    line = outdated(about, OLD, {**folders, "als": tmp_path / "als"})
    assert line == "bias, ease, als changed since it was made: run `dvc repro`"
