"""What a run will take, before it runs; and a stage that does not fit."""

from __future__ import annotations

import json
import re

import pytest


def test_a_stage_that_does_not_fit_stops_before_it_starts(workshop, monkeypatch):
    monkeypatch.setenv("MARQUEE_MEMORY", "0.01")
    line = workshop.refused("train", "ease")
    assert re.match(r"train@ease: needs about 0\.\d GiB for 2,400 ratings of 60 users and 80 items", line)
    assert "MARQUEE_MEMORY allows 0.01 GiB" in line
    assert "leave ease out" in line


@pytest.mark.slow
def test_the_plan_has_a_line_for_each_stage_and_leaves_the_pipeline_alone(fresh):
    workshop = fresh("planned")
    before = workshop.fingerprint()
    done = workshop.stage("plan")
    assert done.returncode == 0, done.stderr
    named = re.findall(r"^(\S+) +[\d.]+ m?s +[\d.]+ [MG]iB +[\d.]+ [MG]iB", done.stdout, re.M)
    assert len(named) == 7 + 4 + 4
    assert {"download", "split@rating", "train@mf_bce", "evaluate", "compare", "report"} <= set(named)
    assert "at most: 12 epochs" in done.stdout
    assert workshop.fingerprint() == before
    kept = json.loads((workshop / "logs/rehearsal.json").read_text())
    again = workshop.stage("plan")
    assert again.stdout.splitlines()[:-1] == done.stdout.splitlines()[:-1]  # the last: what memory is left
    assert json.loads((workshop / "logs/rehearsal.json").read_text()) == kept
