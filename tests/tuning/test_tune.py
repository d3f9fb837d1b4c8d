"""`marquee tune`: the same trials for any number of workers and after a kill, without the test set."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from marquee import config
from marquee.cli.main import main
from marquee.tuning import records, sampler, store
from stages import train
from tests.crash import Killed
from tests.stages.conftest import finished, project  # noqa: F401

TRIALS = "13"  # a whole batch and a part of one
SMALL = {"mf_bce": {"epochs": 24, "dim": 16, "resample_negatives": True}}


@pytest.fixture
def place(project, monkeypatch):  # noqa: F811
    """A project that has no test data at all, as the current folder."""
    project.set({"models": SMALL})
    for path in (project / "data").glob("*/test.parquet"):
        path.unlink()
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture
def refused(capsys):
    """Return the one line that `marquee tune` ends with; it writes nothing."""

    def refused(*words: str, code: int = 1) -> str:
        if code == 2:  # of the command line's parser
            with pytest.raises(SystemExit, match="2"):
                main(["tune", *words])
        else:
            assert main(["tune", *words]) == code
        printed = capsys.readouterr()
        assert not printed.out
        (line,) = printed.err.strip().splitlines()
        return line

    return refused


def tune(place, *words: str) -> dict[str, str]:
    """Run it, and return the bytes of all that must not differ between runs."""
    assert main(["tune", *words]) == 0
    assert not any((place / ".checkpoints").glob("tune-*"))
    return place.fingerprint("data/tuning")


def trials(name: str) -> list[dict]:
    return pq.read_table(f"data/tuning/{name}/trials.parquet").to_pylist()


def summary(name: str) -> dict:
    return json.loads(Path(f"data/tuning/{name}/summary.json").read_text("utf-8"))


def add(place, name: str, task: str, **block) -> None:
    place.set({"models": {name: {"task": task, "train_data": task, **block}}})


def die_after(monkeypatch, fits: int) -> None:
    write, left = store.write, [fits]

    def dying(*words):
        write(*words)
        left[0] -= 1
        if not left[0]:
            raise Killed

    monkeypatch.setattr("marquee.tuning.store.write", dying)


@pytest.mark.parametrize(("name", "workers"), [("factors", "2"), ("ease", "1")])
def test_a_search_killed_twice_ends_with_the_bytes_of_an_undisturbed_one(place, name, workers, monkeypatch):
    add(place, "factors", "rating", algorithm="sgd_mf", epochs=8)
    undisturbed = tune(place, name, "--trials", TRIALS)
    shutil.rmtree(place / "data/tuning")
    for fits in (3, 12):
        with monkeypatch.context() as inner:
            die_after(inner, fits)
            with pytest.raises(Killed):
                main(["tune", name, "--trials", TRIALS])
        assert not (place / "data/tuning").exists()
    assert tune(place, name, "--trials", TRIALS, "--workers", workers) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_search_killed_by_the_system_goes_on_past_a_damaged_file(place, workers):
    undisturbed = tune(place, "mf_bce", "--trials", TRIALS)
    shutil.rmtree(place / "data/tuning")
    words = ("python", "-m", "marquee", "tune", "mf_bce", "--trials", TRIALS, "--workers", workers)
    process = place.start(*words)
    while len(done := list((place / ".checkpoints").glob("tune-*/*.json"))) < 6:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)  # of the process alone: its workers must end by themselves
    process.communicate(timeout=60)  # both pipes close when the last of them is gone
    damaged = min(done)
    damaged.write_text(damaged.read_text().replace("value", "valeu"))
    again = place.call(*words)
    assert again.returncode == 0, again.stderr
    assert re.search(r"trial \d+ runs again, its stored result cannot be used", again.stderr)
    assert place.fingerprint("data/tuning") == undisturbed


def test_the_defaults_are_the_first_trial_and_run_to_their_end(place):
    tune(place, "mf_bce", "--trials", TRIALS)
    first, *others = trials("mf_bce")
    assert len(others) == int(TRIALS) - 1
    block = yaml.safe_load((place / "params.yaml").read_text())["models"]["mf_bce"]
    assert first["trial"] == 0
    assert first["dim"] == block["dim"]
    assert first["learning_rate"] == block["learning_rate"]
    assert first["whole"] is not None
    assert sum(one["whole"] is not None for one in others) == 2, "the best of each batch"
    assert all(one["epochs"] in summary("mf_bce")["rungs"] for one in others if one["whole"] is None)
    best = max(one["whole"] for one in trials("mf_bce") if one["whole"] is not None)
    assert summary("mf_bce")["winner"]["value"] == best >= first["whole"]


@pytest.mark.parametrize("name", ["mf_bce", "ease"])
def test_the_pipeline_repeats_the_winner_and_the_leaderboard_says_so(place, name, capsys):
    def claimed() -> str:
        assert main(["leaderboard"]) == 0
        found = re.search(rf"^{name} +(tuned|defaults) +{TRIALS} ", capsys.readouterr().out, re.M)
        return found[1] if found else ""

    def fit() -> float:
        train.main(config.read(place / "params.yaml"), name)
        return max(validated(place / f"plots/train/{name}.csv"))

    tune(place, name, "--trials", TRIALS, "--record")
    found, block = summary(name), yaml.safe_load((place / f"data/tuning/{name}/winner.yaml").read_text())
    assert found["winner"]["trial"], "the search finds nothing better: this test needs another seed"
    assert fit() == found["defaults"]["value"]
    assert claimed() == "defaults"
    place.set(block)
    assert claimed() == "defaults", "the model has not been fitted again"
    assert fit() == found["winner"]["value"]
    assert claimed() == "tuned"
    place.set({"models": {name: {"dim": 17} if name == "mf_bce" else {"regularization": 12.5}}})
    fit()
    assert not claimed(), "these options were never compared"


def validated(path) -> list[float]:
    header, *lines = path.read_text().splitlines()
    column = header.split(",").index("validation")
    return [float(line.split(",")[column]) for line in lines]


def test_a_record_does_not_hold_for_another_split_and_a_damaged_one_is_named(place, refused, capsys):
    tune(place, "bias", "--trials", "2", "--record")
    params = config.read(place / "params.yaml")
    held = records.read(params.dataset.name)
    assert len(records.rows(params.models, params.tasks, held)) == 1
    place.set({"tasks": {"rating": {"test": 0.2}}})
    params = config.read(place / "params.yaml")
    assert records.rows(params.models, params.tasks, held) == []
    path = records.path_of(params.dataset.name)
    path.write_text(path.read_text().replace("trials: 2", "trials: many"))
    capsys.readouterr()
    assert main(["leaderboard"]) == 1
    assert "the record of bias is damaged" in capsys.readouterr().err


def test_sampled_compares_among_candidates_and_its_record_says_so(place, refused, capsys):
    place.set({"candidates": {"per_user": 9}})
    tune(place, "ease", "--trials", "3")
    whole = summary("ease")["defaults"]["value"]
    first = tune(place, "ease", "--trials", "3", "--sampled", "--record")
    assert summary("ease")["metric"] == "sampled_ndcg@10"
    assert summary("ease")["defaults"]["value"] > 2 * whole, "nine rivals instead of the whole catalogue"
    assert tune(place, "ease", "--trials", "3", "--sampled") == first
    params = config.read(place / "params.yaml")
    (row,) = records.rows(params.models, params.tasks, records.read(params.dataset.name))
    assert records.cells(row)[-1].endswith("], among candidates")
    capsys.readouterr()
    assert "models.bias predicts ratings: --sampled is for ranking models" in refused("bias", "--sampled")


def test_a_record_of_a_published_split_holds_with_and_without_a_validation_part(place):
    entry = config.ModelEntry("ranking", "ranking", "ease", {"regularization": 7.0})
    split = config.SplitOptions("file", validation=0.1, rounding="one")
    options = {"regularization": 7.0, "max_memory_gib": 4.0}
    found = {key: {"options": options} for key in ("defaults", "winner")}
    found |= {"trials": 1, "metric": "ndcg@10", "gain": dict.fromkeys(("value", "low", "high"), 0.0)}
    known = {"ease": records.record(found, 1.0, "ranking", split)}
    assert records.how_tuned("ease", entry, replace(split, validation=0.0), known) == "tuned"
    assert records.how_tuned("ease", entry, replace(split, rounding="coin"), known) == ""


def test_a_trial_that_diverges_is_a_row_with_its_error(place, monkeypatch):
    add(place, "wild", "rating", algorithm="sgd_mf", epochs=4)
    ask = sampler.Sampler.ask

    def asked(self, n):
        (told, first), *others = ask(self, n)
        return [(told, {**first, "learning_rate": 1e6}), *others]

    monkeypatch.setattr(sampler.Sampler, "ask", asked)
    tune(place, "wild", "--trials", "4")
    assert summary("wild")["failed"] == 1
    assert "the loss is not finite in epoch 1" in trials("wild")[1]["error"]
    assert trials("wild")[1]["rung_1"] is None
    assert trials("wild")[1]["whole"] is None


def test_what_cannot_be_tuned_ends_with_one_line(place, refused, monkeypatch):
    assert "models.eas is not in params.yaml; did you mean 'ease'?" in refused("eas")
    assert "popularity has nothing to tune: choose a model of als, " in refused("popularity")
    assert "--trials is 0, but must be at least 1" in refused("ease", "--trials", "0", code=2)
    assert "--workers is 0, but must be at least 1" in refused("ease", "--workers", "0", code=2)
    monkeypatch.setenv("MARQUEE_MEMORY", "0.1")
    assert "the largest trial of ease needs about" in refused("ease")
    monkeypatch.delenv("MARQUEE_MEMORY")
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert "needs optuna: install it with `pip install .[tune]`" in refused("ease")
    assert not (place / "data/tuning").exists()


def test_only_as_many_workers_start_as_fit_into_memory(place, monkeypatch, capsys):
    monkeypatch.setenv("MARQUEE_MEMORY", "0.7")
    tune(place, "mf_bce", "--trials", "1", "--workers", "2")
    assert (
        "mf_bce: 1 of 2 workers, each needs up to 0.5 GiB and MARQUEE_MEMORY allows 0.7"
        in capsys.readouterr().err
    )


@pytest.mark.slow
def test_the_stage_is_cached_sees_no_test_data_and_is_outside_of_the_default_graph(project):  # noqa: F811
    block = yaml.safe_load((project / "params.yaml").read_text())["models"]["ease"]
    listed = {"tuned": {"ease": {key: block[key] for key in ("task", "train_data", "algorithm")}}}
    (project / "tune/models.yaml").write_text(yaml.safe_dump(listed))
    stage = yaml.safe_load((project / "tune/dvc.yaml").read_text())["stages"]["tune"]["do"]
    assert not any("test" in dep or dep.endswith(("data", "}")) for dep in stage["deps"])
    target = "tune/dvc.yaml:tune@ease"
    assert "Running stage" in project.repro(target)
    assert (project / "data/tuning/ease/trials.png").is_file()
    assert "didn't change, skipping" in project.repro(target)
    project.set({"models": {"ease": {"regularization": 200.0}}})
    assert "tune@" not in project.repro("--dry")
    assert f"Running stage '{target}'" in project.repro("--dry", target)
