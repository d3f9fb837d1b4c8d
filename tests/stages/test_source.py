"""A user's own files: DVC sees each change of them, and reruns only what reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stages.test_experiments import stages_run

ROWS = [f"{user},{movie},{(user * movie) % 5 + 1},{1000 + movie}" for user in range(12) for movie in range(9)]


def write(folder: Path, rows: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows, ""]))


def n_ratings(project) -> int:
    return json.loads((project / "data/dataset.json").read_text())["ratings"]


def test_rows_that_are_added_to_the_file_are_in_the_next_run(fresh, tmp_path):
    """The folder's name is one that a shell and a template could trip over."""
    project, folder = fresh("clone"), tmp_path / "my data (1) #{x}"
    write(folder, ROWS)
    used = project.call("python", "-m", "marquee", "use", "custom", "--source", str(folder))
    assert used.returncode == 0, used.stderr
    assert stages_run(project.repro("ingest"))[-2:] == ["download", "ingest"]
    assert n_ratings(project) == len(ROWS)
    assert stages_run(project.repro("ingest")) == []

    write(folder, [*ROWS, "77,3,5,2000"])
    assert stages_run(project.repro("ingest"))[-2:] == ["download", "ingest"]
    assert n_ratings(project) == len(ROWS) + 1

    folder.rename(tmp_path / "elsewhere")
    project.set({"dataset": {"path": str(tmp_path / "elsewhere")}})
    ran = stages_run(project.repro("ingest"))
    assert "download" in ran
    assert "ingest" not in ran, "the same bytes from another place end the run there"


@pytest.mark.slow
def test_files_put_into_the_folder_of_the_repository_are_read_and_git_leaves_them(fresh):
    project = fresh("clone")
    project.set({"dataset": {"name": "custom"}})
    write(project / "data/incoming", ROWS)
    project.repro("ingest")
    assert n_ratings(project) == len(ROWS)
    assert "incoming" not in project.call("git", "status", "--short", "--untracked-files=all").stdout


@pytest.mark.slow
def test_a_path_as_source_is_refused_where_dvc_would_skip_its_changes(fresh, tmp_path):
    project = fresh("clone")
    write(tmp_path / "mine", ROWS)
    project.set({"dataset": {"name": "custom", "source": str(tmp_path / "mine")}})
    done = project.call("dvc", "repro", "ingest")
    assert done.returncode != 0
    assert "whose changes DVC does not see: `marquee use custom --source PATH`" in done.stdout + done.stderr
    assert project.stage("download").returncode == 0, "by hand it is read each time"


@pytest.mark.slow
def test_a_queued_experiment_reads_files_outside_of_the_repository(fresh, tmp_path):
    project = fresh("clone")
    write(tmp_path / "mine", ROWS)
    for keys in (["dataset.name=custom", f"dataset.path={tmp_path / 'mine'}"],):
        words = [word for key in keys for word in ("-S", key)]
        assert project.call("dvc", "exp", "run", "--queue", *words, "ingest").returncode == 0
    project.call("dvc", "exp", "run", "--run-all")
    shown = json.loads(project.call("dvc", "exp", "show", "--json").stdout)
    states = [one["executor"]["state"] for one in shown[1]["experiments"]]
    assert states == ["success"], project.call("dvc", "queue", "status").stdout
