"""`dvc repro`, killed at random moments, ends after a rerun with the lock of an undisturbed run.

MARQUEE_KILLS and MARQUEE_KILL_SEED ask for more of them, or others.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess

import pytest

KILLS = int(os.environ.get("MARQUEE_KILLS", "6"))
SEED = int(os.environ.get("MARQUEE_KILL_SEED", "1"))


def killed_after(process: subprocess.Popen, seconds: float) -> bool:
    """`kill -9` to the whole process group; False where it had ended by then."""
    try:
        process.communicate(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_a_run_killed_at_a_random_moment_ends_as_an_undisturbed_one(project, number):
    chance = random.Random(f"{SEED} {number}")
    lock, whole = (project / "dvc.lock").read_bytes(), project.fingerprint()
    for _ in range(chance.randrange(1, 4)):  # a rerun can be killed, too
        killed_after(project.start("dvc", "repro", "--force", "--no-run-cache"), chance.uniform(0.5, 25))
        # DVC writes neither its lock nor its list of readers and writers atomically; `make run` restores both
        assert project.call("python", "-m", "marquee", "check", "--restore").returncode == 0
    project.repro(*["--no-run-cache"] * chance.randrange(2))
    assert (project / "dvc.lock").read_bytes() == lock
    left = {name: found for name, found in project.fingerprint().items() if ".partial" not in name}
    assert left == whole
    assert project.call("python", "-m", "marquee", "check", "--prune").returncode == 0  # as `make run`
    assert not list(project.folder.rglob("*.partial"))
