"""Nothing answers from a model of other data, and whoever shows older results says so."""

from __future__ import annotations

import json
import re

from tests.cli.conftest import asked, marquee, refused


def test_a_model_of_other_data_is_refused_by_whoever_loads_it(project):
    """Another seed simulates as many users and movies, with the same ids and other titles."""
    assert not marquee(project, "leaderboard").stderr
    project.set({"seed": 7})
    for stage in ("download", "ingest"):
        assert project.stage(stage).returncode == 0
    both = r"models/bias was made from synthetic-100k \((\w{8})\), but data/ holds synthetic-100k \((\w{8})\)"
    for line in (
        refused(project, "recommend", "bias", "--user", "42"),
        refused(project, "similar", "bias", "#1"),
        project.refused("evaluate", "bias"),
    ):
        found = re.search(both, line)
        assert found, line
        assert found[1] != found[2]
        assert line.endswith("run `dvc repro train@bias`")
    shown = marquee(project, "leaderboard")
    assert shown.stdout.startswith(f"synthetic-100k ({found[1]}), ")
    assert f"out of date: this is synthetic-100k ({found[1]}), but data/ holds" in shown.stderr


def test_parameters_that_changed_since_the_training_are_said_and_stop_a_stage(project):
    project.set({"models": {"bias": {"user_damping": 9.5}}})
    done = marquee(project, "recommend", "bias", "--user", "7", "--top", "3")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 3
    said = "models/bias was fitted with user_damping 5.0 instead of 9.5 in params.yaml: run `dvc repro "
    said += "train@bias`"
    assert said in done.stderr.splitlines()
    assert said in project.refused("evaluate", "bias")
    project.set({"models": {"bias": {"user_damping": "5.0e0"}}})
    assert "was fitted with" not in marquee(project, "recommend", "bias", "--user", "7").stderr


def test_a_removed_or_renamed_model_does_not_answer(project):
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("\n  ease:", "\n  ease_two:"))
    line = refused(project, "recommend", "ease", "--user", "7")
    assert "models.ease is not in params.yaml, and models/ease is of an earlier run" in line
    assert "holds no trained model: run `dvc repro train@ease_two`" in refused(
        project, "recommend", "ease_two", "--user", "7"
    )
    assert "ease_two changed since it was made; ease is no longer" in marquee(project, "leaderboard").stderr


def test_a_model_trained_since_is_named_by_the_leaderboard_and_its_commit_is_found(project):
    for words in (["add", "-A"], ["commit", "-q", "-m", "results"]):
        assert project.call("git", *words).returncode == 0
    head = project.call("git", "rev-parse", "--short", "HEAD").stdout.strip()
    assert f"), commit {head}\n" in asked(project, "leaderboard")
    project.set({"models": {"bias": {"user_damping": 9.5}}})
    assert project.stage("train", "bias").returncode == 0
    assert (
        "out of date: bias changed since it was made: run `dvc repro`"
        in marquee(project, "leaderboard").stderr
    )
    file = project / "metrics/summary.json"
    file.write_text(file.read_text().replace("0", "1"))
    about = json.loads((project / "data/leaderboard/about.json").read_text())
    assert project.call("git", "commit", "-qam", "other results").returncode == 0
    assert f"commit {head}, not the present " in asked(project, "leaderboard")
    found = project.call("git", "log", "--format=%h", f"--find-object={about['results']}").stdout.split()
    assert found[-1] == head
    page = (project / "plots/report.html").read_text()
    assert f"<title>Marquee: {about['data']['name']} ({about['data']['fingerprint'][:8]})</title>" in page
    assert f"--find-object={about['results']}" in page
