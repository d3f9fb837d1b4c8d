"""A process that is killed leaves whole files or none, and a killed training ends as if it had not been."""

from __future__ import annotations

import os
import signal
import time

import pytest


def kill_when(process, condition) -> None:
    """`kill -9` to the whole process group as soon as `condition()` holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, f"it ended before it could be killed: {process.communicate()}"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_training_killed_in_the_middle_ends_with_the_same_bytes(project):
    project.set({"models": {"mf_bce": {"epochs": 150, "patience": 150}}})
    project.repro("train@mf_bce")
    undisturbed = project.fingerprint("models", "plots/train")
    lock = (project / "dvc.lock").read_bytes()

    assert project.call("git", "checkout", "-q", "HEAD", "--", ".").returncode == 0
    project.set({"models": {"mf_bce": {"epochs": 150, "patience": 150}}})
    process = project.start("dvc", "repro", "--no-run-cache", "--force", "--single-item", "train@mf_bce")
    checkpoints = project / ".checkpoints"
    kill_when(process, lambda: any(checkpoints.glob("mf_bce-*.safetensors")))
    assert not (project / "models/mf_bce/weights.safetensors").exists()

    out = project.call("dvc", "repro", "--no-run-cache", "--single-item", "train@mf_bce")
    assert out.returncode == 0, out.stderr
    assert project.fingerprint("models", "plots/train") == undisturbed
    assert (project / "dvc.lock").read_bytes() == lock
    assert not any(checkpoints.glob("mf_bce-*.safetensors"))


@pytest.mark.parametrize(
    ("stage", "arguments", "folder"),
    [("download", (), "data/raw"), ("ingest", (), "data"), ("evaluate", ("ease",), "data/evaluation")],
)
def test_a_stage_killed_at_any_moment_leaves_whole_files_or_none(project, stage, arguments, folder):
    whole = project.fingerprint(folder)
    for delay in (0.2, 0.5, 0.8, 1.1):
        process = project.start("python", "-m", f"stages.{stage}", *arguments)
        time.sleep(delay)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        left = {
            name: digest for name, digest in project.fingerprint(folder).items() if ".partial" not in name
        }
        assert left == {name: whole[name] for name in left}
    done = project.stage(stage, *arguments)
    assert done.returncode == 0, done.stderr
    assert project.fingerprint(folder) == whole, "and nothing of the killed runs is left"
