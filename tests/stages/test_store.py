"""The pipeline with its large tables in a store is the pipeline without one."""

from __future__ import annotations

import json

import pytest

STORED = {
    "data/ratings.parquet",
    "data/negatives/train.parquet",
    *(
        f"data/{task}/{part}.parquet"
        for task in ("rating", "ranking")
        for part in ("train", "val", "test", "fold_in", "low_rated", "candidates")
    ),
}


CHECKPOINT = "models/mf_bce.checkpoint.safetensors"  # a fit goes on only from the very files it began with


@pytest.mark.slow
def test_a_run_with_a_store_differs_in_the_tables_there_and_in_nothing_else(project, fresh, tmp_path):
    store, other = tmp_path / "store", fresh("other")
    store.mkdir()
    variable = {"MARQUEE_STORE": f"file:{store}"}
    other.repro(**variable)
    with_store, without = other.fingerprint(), project.fingerprint()
    assert with_store.keys() == without.keys()
    assert {name for name in without if with_store[name] != without[name]} == STORED | {CHECKPOINT}
    parts = {one["sha256"] for name in STORED for one in json.loads((other / name).read_text())["parts"]}
    assert {path.stem for path in store.iterdir()} == parts
    assert "Running stage" not in other.repro(**variable)

    lost = json.loads((other / "data/ranking/train.parquet").read_text())["parts"][0]["sha256"]
    (store / f"{lost}.parquet").unlink()
    done = other.call("python", "-m", "stages.train", "ease", **variable)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{lost}.parquet, a part of data/ranking/train.parquet, is missing" in done.stderr
    other.repro("--force", "--single-item", "split@ranking", **variable)
    assert other.fingerprint() == with_store
    assert "Running stage" not in other.repro(**variable)
    assert "set MARQUEE_STORE=" in other.call("python", "-m", "stages.train", "ease").stderr
    for stage in (["check"], ["split", "ranking"]):
        done = other.call("python", "-m", f"stages.{stage[0]}", *stage[1:], MARQUEE_STORE="s3://bucket/big")
        assert (done.returncode, done.stderr.count("\n"), "must be the absolute" in done.stderr) == (
            1,
            1,
            True,
        )

    for command in (
        ("recommend", "ease", "--user", "1"),
        ("judge", "ease", "--task", "ranking", "-k", "5"),
        ("judge", "bias", "--task", "rating", "--predictions"),
        ("similar", "ease", "#1"),
        ("update", "ease", "--ratings", "new.csv"),
        ("check", "--prune"),
    ):
        said = []
        for one in (other, project):
            (one / "new.csv").write_text("userId,movieId,rating,timestamp\n1,2,5,2000000000\n")
            said.append(one.call("python", "-m", "marquee", *command, **variable))
        assert (said[0].returncode, said[0].stdout) == (0, said[1].stdout), said[0].stderr
