"""The finished project of tests/stages, and the command `marquee` in it."""

from __future__ import annotations

import subprocess

from tests.stages.conftest import Project, finished, project  # noqa: F401


def marquee(place: Project, *words: str) -> subprocess.CompletedProcess[str]:
    return place.call("python", "-m", "marquee", *words)


def asked(place: Project, *words: str) -> str:
    """What the command prints."""
    done = marquee(place, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(place: Project, *words: str, code: int = 1) -> str:
    """The one line that the command ends with; the files of the project stay as they were."""
    before = place.fingerprint()
    done = marquee(place, *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert not done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert place.fingerprint() == before
    return done.stderr.strip()
