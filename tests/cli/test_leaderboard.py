"""`marquee leaderboard --show`: what lies beside accuracy, and groups of users."""

from __future__ import annotations

import json

import pytest

from marquee.cli.main import main
from tests.stages.conftest import MODELS


@pytest.fixture
def inside(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    return finished


def test_seconds_and_memory_are_those_of_the_last_fit_in_the_log(inside, capsys):
    assert main(["leaderboard", "--show", "beyond", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    found = {(row["model"], row["metric"]): row["value"] for row in rows}
    log = [json.loads(line) for line in (inside / "logs/stages.jsonl").read_text().splitlines()]
    for model in MODELS:
        last = [row for row in log if row["stage"] == f"train@{model}"][-1]
        (seconds,) = [one["seconds"] for one in last["phases"] if one["phase"] == "fitting"]
        assert found[model, "fit_seconds"] == seconds
        assert found[model, "peak_MiB"] == last["peak_mib"]
    assert ("oracle", "fit_seconds") not in found
    assert all(row["low"] is not None for row in rows if row["metric"] == "coverage@10")


def test_nothing_that_differs_between_runs_is_in_a_versioned_file(inside):
    for name in ("data/leaderboard/table.csv", "metrics/summary.json", "plots/report.html"):
        assert "fit_seconds" not in (inside / name).read_text()


def test_groups_are_printed_for_each_task(inside, capsys):
    assert main(["leaderboard", "--show", "groups"]) == 0
    out = capsys.readouterr().out
    for heading in ("Ranking, ndcg@10 by activity", "Rating, rmse by age", "Rating, rmse by gender"):
        assert heading in out
