"""`marquee plan` for the data of params.yaml and for another release."""

from __future__ import annotations

import json

from tests.cli.conftest import asked, marquee, refused


def test_a_release_is_planned_before_it_is_downloaded(finished):
    plan = json.loads(asked(finished, "plan", "--dataset", "ml-1m", "--json"))
    assert plan["dataset"] == "ml-1m"
    stages = {stage["stage"]: stage for stage in plan["stages"]}
    assert stages["download"]["disk_bytes"] > 20e6
    assert stages["train@ease"]["memory_bytes"] > 4 * 3_706**2
    assert all(stage["last_seconds"] is None for stage in stages.values()), "another data set was run"


def test_the_seconds_of_the_last_run_stand_beside_the_plan(finished):
    stages = json.loads(asked(finished, "plan", "--json"))["stages"]
    log = (finished.folder / "logs/stages.jsonl").read_text().splitlines()
    rows = {row["stage"]: row for row in map(json.loads, log)}
    assert {(stage["stage"], stage["last_seconds"], stage["last_peak_mib"]) for stage in stages} == {
        (name, row["seconds"], row.get("peak_mib")) for name, row in rows.items()
    }
    assert len(asked(finished, "plan").splitlines()) > len(stages)


def test_a_stage_that_does_not_fit_says_what_to_lower(finished):
    done = finished.call("python", "-m", "marquee", "plan", "--dataset", "ml-32m", MARQUEE_MEMORY="2")
    assert done.returncode == 0
    assert "models.ease.max_memory_gib" in done.stdout


def test_data_of_unknown_size_must_be_ingested_first(finished):
    assert "dvc repro ingest" in refused(finished, "plan", "--dataset", "custom")
    assert marquee(finished, "plan", "--dataset", "ml-2m").returncode == 2
