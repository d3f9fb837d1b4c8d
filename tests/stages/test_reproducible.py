"""The same parameters give the same bytes, wherever and whenever they run."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.stages.conftest import ROOT, clone


def test_a_second_repro_runs_nothing(project):
    assert "Running stage" not in project.repro()


def test_a_clone_without_data_knows_that_nothing_would_run(project):
    import shutil

    for folder in ("data", "models", ".dvc/cache"):
        shutil.rmtree(project / folder)
    out = project.repro("--allow-missing", "--dry")
    assert "Running stage" not in out


@pytest.mark.slow
def test_two_clones_have_the_same_lock(finished, fresh):
    """Hashes of text differ between these two processes; nothing may hang on them."""
    other = fresh("other")
    other.repro(PYTHONHASHSEED="77", OMP_NUM_THREADS="2")
    assert (other / "dvc.lock").read_bytes() == (finished / "dvc.lock").read_bytes()


def test_another_seed_gives_other_weights(project):
    before = project.fingerprint("models")
    project.set({"seed": 7})
    project.repro("train@mf_bce", "--single-item", "--force")
    name = "models/mf_bce/weights.safetensors"
    assert project.fingerprint("models")[name] != before[name]


@pytest.mark.slow
def test_another_processor_gives_the_committed_metrics_within_five_thousandths(tmp_path):
    """The whole default run, without this processor's vector instructions, against metrics/ in Git."""
    other = clone(tmp_path / "other", {}, tuple(yaml.safe_load((ROOT / "params.yaml").read_text())["models"]))
    other.repro(ATEN_CPU_CAPABILITY="default", MKL_CBWR="COMPATIBLE", OPENBLAS_CORETYPE="Haswell")
    ours, theirs = (json.loads((w / "metrics/summary.json").read_text()) for w in (ROOT, other))
    values = [
        {(model, name): entry["value"] for model, metrics in one.items() for name, entry in metrics.items()}
        for one in (ours, theirs)
    ]
    assert values[1] == pytest.approx(values[0], abs=0.005)
