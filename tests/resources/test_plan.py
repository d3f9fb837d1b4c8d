"""A plan names every stage of dvc.yaml, what each takes, and what its last run took."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from marquee import config
from marquee.resources.disk_model import disk_bytes
from marquee.resources.memory_limit import GIB, Limit
from marquee.resources.pipeline_sizes import pipeline_sizes
from marquee.resources.plan import last_runs, plan, stages
from tests.stages.conftest import clone

ROOT = Path(__file__).parents[2]
PARAMS = config.read(ROOT / "params.yaml")
SIZES = pipeline_sizes(PARAMS)


def test_the_stages_are_those_of_dvc_yaml():
    over = {"${tasks}": PARAMS.tasks, "${models}": PARAMS.models}
    named = []
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        named += [f"{name}@{key}" for key in over[stage["foreach"]]] if "foreach" in stage else [name]
    assert sorted(stages(PARAMS)) == sorted(named)


def test_a_stage_that_does_not_fit_says_what_to_lower():
    generous, tight = (plan(PARAMS, SIZES, Limit(bytes, "")) for bytes in (64 * GIB, GIB / 8))
    assert not any(stage.remedy for stage in generous)
    assert not any(stage.remedy for stage in plan(PARAMS, SIZES, None))
    by_name = {stage.stage: stage for stage in tight}
    assert "models.ease.max_memory_gib" in by_name["train@ease"].remedy
    assert "simulator.ratings" in by_name["ingest"].remedy


def test_the_last_run_on_this_data_set_counts():
    rows = [
        {"stage": "ingest", "dataset": "ml-1m", "seconds": 3, "peak_mib": 400, "ended": "Monday"},
        {"stage": "ingest", "dataset": "ml-1m", "seconds": 2, "peak_mib": 300, "ended": "Tuesday"},
        {"stage": "ingest", "dataset": "ml-100k", "seconds": 1},
    ]
    log = [*map(json.dumps, rows), '{"stage": "ing']
    assert last_runs(log, "ml-1m")["ingest"]["seconds"] == 2
    assert last_runs(log, "ml-20m") == {}
    params = replace(PARAMS, dataset=config.DatasetOptions("ml-1m"))
    planned = {stage.stage: stage for stage in plan(params, pipeline_sizes(params), None, log)}
    ingest = planned["ingest"]
    assert (ingest.last_seconds, ingest.last_peak_mib, ingest.last_ended) == (2, 300, "Tuesday")
    assert planned["report"].last_seconds is None


@pytest.mark.slow
def test_what_the_formulas_say_of_the_disk_is_what_a_run_leaves(tmp_path):
    """The default data and three models: each stage within 30 % or 200 kB, figures at most twice."""
    project = clone(tmp_path / "marquee", changes={}, models=("popularity", "als_mf", "ease"))
    project.repro()
    params = config.read(project / "params.yaml")
    lock = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    for stage in stages(params):
        found = sum(_bytes(project / out["path"]) for out in lock[stage]["outs"])
        planned = disk_bytes(stage, params, SIZES)
        if stage in ("plot@popularity", "evaluate@popularity"):  # no embeddings, and few figures
            assert found <= planned, stage
        elif stage.startswith("plot"):
            assert found <= 2 * planned, stage
        else:
            assert planned == pytest.approx(found, rel=0.3, abs=200_000), stage


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
