"""A small dataset run through the whole pipeline once; each test gets a copy to break."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import dumps_yaml
from filelock import FileLock

from tests.all_models import TREE

ROOT = Path(__file__).parents[2]
MODELS = ("popularity", "bias", "ease", "mf_bce")  # each path through the stages, and quick
SMALL = {
    "simulator": {"users": 60, "movies": 80, "ratings": 2400},
    "compare": {"bootstrap_samples": 100},
    "models": {"mf_bce": {"dim": 4, "epochs": 12, "batch_size": 256}},
}


class Project:
    """A clone of the repository in a folder of its own, and what a user does in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def set(self, changes: dict) -> None:
        path = self / "params.yaml"
        path.write_text(dumps_yaml(_merged(yaml.safe_load(path.read_text()), changes)))

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def call(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*command, **environment)
        out, err = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def stage(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.call("python", "-m", f"stages.{name}", *arguments)

    def repro(self, *arguments: str, **environment: str) -> str:
        done = self.call("dvc", "repro", *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, name: str, *arguments: str) -> str:
        """The one line that a stage ends with; its outputs must be as before."""
        before = self.fingerprint()
        done = self.stage(name, *arguments)
        lines = done.stderr.strip().splitlines()
        assert done.returncode == 1, done.stdout + done.stderr
        assert len(lines) == 1, done.stderr
        assert self.fingerprint() == before
        return lines[0]

    def fingerprint(self, *folders: str) -> dict[str, str]:
        """What every output file holds, half written ones included."""
        folders = folders or ("data", "models", "metrics", "plots")
        files = [path for folder in folders for path in sorted((self / folder).rglob("*")) if path.is_file()]
        return {str(f.relative_to(self.folder)): hashlib.md5(f.read_bytes()).hexdigest() for f in files}

    def copy(self, folder: Path) -> Project:
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)


def _merged(old: dict, new: dict) -> dict:
    out = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(old.get(key), dict)
        out[key] = _merged(old[key], value) if both else value
    return out


def clone(folder: Path, changes: dict = SMALL, models: tuple[str, ...] = MODELS) -> Project:
    """The repository's files with some parameters changed, committed to a repository of their own."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).is_file() and not name.startswith(
            ("metrics/", "plots/", "dvc.lock", "tests/", "docs/")
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    project = Project(folder)
    kept = {name: TREE["models"][name] for name in models}
    (project / "params.yaml").write_text(dumps_yaml({**TREE, "models": kept}))
    project.set(changes)
    for command in (
        ["git", "init", "-q"],
        ["git", "config", "user.name", "A User"],
        ["git", "config", "user.email", "user@example.org"],
        ["git", "add", "-A"],
        ["git", "commit", "-q", "-m", "A small dataset"],
    ):
        assert project.call(*command).returncode == 0, command
    return project


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The small dataset after one `dvc repro`, shared by all test processes. Change a `project` instead."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "finished" / "marquee"
    with FileLock(shared / "finished.lock"):
        if (folder / "plots/report.html").is_file():
            return Project(folder)
        project = clone(folder)
        project.repro()
        return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    return finished.copy(tmp_path / "marquee")


@pytest.fixture
def fresh(tmp_path) -> Callable[[str], Project]:
    """Clones in which nothing has run."""
    return lambda name: clone(tmp_path / name)
