"""What a user can get wrong, or what can go wrong around them: one line, exit code 1, outputs untouched.

How archives and connections fail is in tests/movielens; here it is what a stage makes of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile

import pytest


def release_zip(project, path, **changed: str) -> None:
    """The simulated dataset as an `ml-100k.zip`, with the text of some files changed."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((project / "data/raw").iterdir()):
            if file.suffix != ".safetensors":
                content = changed.get(file.name.replace(".", "_"), file.read_bytes())
                archive.writestr(f"ml-100k/{file.name}", content)


@pytest.fixture
def rows(project) -> list[str]:
    return (project / "data/raw/u.data").read_text().splitlines()


def ingest_refuses(project, rows: list[str], **changes) -> str:
    """What ingest says to a `u.data` of `rows`."""
    (project / "data/raw/u.data").write_text("".join(f"{row}\n" for row in rows))
    project.set(changes)
    return project.refused("ingest")


@pytest.mark.parametrize("name", ["../docs", "a;touch x", "../../outside"])
def test_dvc_itself_stops_at_a_name_before_it_removes_or_runs_anything(project, name):
    """DVC puts the name into paths that it removes and into a shell command: `check` comes before."""
    for folder in (project / "docs", project.folder.parent / "outside"):
        folder.mkdir()
        (folder / "kept.md").write_text("kept")
    before = project.fingerprint("models", "plots", "data/evaluation")
    project.set({"models": {name: {"task": "ranking", "train_data": "ranking", "algorithm": "ease"}}})
    for command in (["dvc", "repro"], ["dvc", "repro", f"train@{name}"], ["python", "-m", "stages.download"]):
        done = project.call(*command)
        assert done.returncode != 0
        assert f"models.{name} cannot be a name" in done.stderr
        assert "Running stage 'train" not in done.stdout
    assert project.fingerprint("models", "plots", "data/evaluation") == before
    assert (project / "docs/kept.md").is_file()
    assert (project.folder.parent / "outside/kept.md").is_file()
    assert not (project / "x").exists()


def test_no_network_names_the_address_the_file_and_the_parameter(project):
    project.set({"dataset": {"name": "ml-100k"}})
    line = project.call("python", "-c", OFFLINE).stderr.strip()
    assert "\n" not in line
    for words in ("files.grouplens.org", "ml-100k.zip", "dataset.path"):
        assert words in line


# The stage itself, in a process that has no network: every connection is refused at once.
OFFLINE = """
import socket, sys
def refuse(*_, **__): raise OSError(101, "Network is unreachable")
socket.create_connection = refuse
sys.argv = ["stages.download"]
import runpy; runpy.run_module("stages.download", run_name="__main__")
"""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": {"name": "ml-100"}}, "did you mean 'ml-100k'?"),
        ({"dataset": {"nmae": "ml-1m"}}, "dataset.nmae is not a parameter; did you mean 'name'?"),
        ({"dataset": {"name": "ml-100k", "source": "nowhere"}}, "nowhere"),
        ({"seed": "soon"}, "seed is 'soon', but must be a whole number"),
        ({"simulator": {"ratings": 10}}, "simulator.ratings"),
    ],
)
def test_download_names_the_parameter_at_fault(project, changes, words):
    project.set(changes)
    assert words in project.refused("download")


def test_download_refuses_a_truncated_zip(project):
    release_zip(project, project / "ml-100k.zip")
    whole = (project / "ml-100k.zip").read_bytes()
    (project / "ml-100k.zip").write_bytes(whole[: len(whole) // 2])
    project.set({"dataset": {"name": "ml-100k", "source": "ml-100k.zip"}})
    assert "ml-100k.zip" in project.refused("download")


def test_download_refuses_a_release_of_another_size(project):
    """A mirror is checked by its content: this one has 2,400 ratings, the real one 100,000."""
    release_zip(project, project / "ml-100k.zip")
    project.set({"dataset": {"name": "ml-100k", "source": "ml-100k.zip"}})
    line = project.refused("download")
    assert "2,400" in line
    assert "100,000" in line


def test_a_malformed_row_is_named_by_file_and_line(project, rows):
    assert "u.data line 3" in ingest_refuses(project, [*rows[:2], "1\t2\tthree\t4", *rows[3:]])


def test_a_rating_off_the_scale_is_named_by_file_and_line(project, rows):
    line = ingest_refuses(project, [*rows[:4], "1\t2\t9\t881250949", *rows[5:]])
    assert "u.data line 5" in line
    assert "ingest.max_bad_rows" in line


def test_bad_rows_that_are_allowed_are_dropped_and_counted(project, rows):
    (project / "data/raw/u.data").write_text("\n".join([*rows[:-1], "1\t2\t9\t881250949", ""]))
    project.set({"ingest": {"max_bad_rows": 1}})
    assert project.stage("ingest").returncode == 0
    assert '"off_scale": 1' in (project / "data/dataset.json").read_text()


def test_an_empty_file_is_named(project):
    assert "u.data" in ingest_refuses(project, [])


def test_no_positives_at_all_names_the_threshold(project):
    project.set({"tasks": {"ranking": {"positive_threshold": 6}}})
    line = project.refused("split", "ranking")
    assert "no user has a rating of at least 6" in line
    assert "tasks.ranking.positive_threshold" in line


def test_a_user_without_positives_is_no_test_user_and_no_fault(project):
    raw = project / "data/raw/u.data"
    cells = [row.split("\t") for row in raw.read_text().splitlines()]
    raw.write_text("".join("\t".join([u, m, "1" if u == "7" else r, t]) + "\n" for u, m, r, t in cells))
    for words in ("ingest", "split ranking", "candidates ranking", "train ease", "evaluate ease"):
        done = project.stage(*words.split())
        assert done.returncode == 0, done.stderr
    assert '"test_users": 59' in (project / "data/evaluation/ease/metrics.json").read_text()


def test_a_k_beyond_the_catalogue_names_the_parameter(project):
    project.set({"evaluate": {"ks": [10, 500]}})
    line = project.refused("evaluate", "popularity")
    assert "evaluate.ks" in line
    assert "80" in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dmi": 8}, "models.mf_bce.dmi is not a parameter; did you mean 'dim'?"),
        ({"dim": 0}, "models.mf_bce.dim is 0, but must be at least 1"),
        ({"device": "cuda"}, "device"),
        ({"algorithm": "mf_bec"}, "did you mean 'mf_bce'?"),
        ({"train_data": "ranking"}, "train_data: negatives"),
    ],
)
def test_a_model_block_names_what_is_wrong_in_it(project, options, words):
    project.set({"models": {"mf_bce": options}})
    assert words in project.refused("train", "mf_bce")


def test_an_unknown_model_or_stage_argument_is_named(project):
    assert "did you mean 'mf_bce'?" in project.refused("train", "mf_bec")
    assert "usage: python -m stages.train <name>" in project.refused("train")


def test_a_value_as_dvc_writes_it_works_as_a_number(project):
    """`-S models.mf_bce.learning_rate=0.00001` is written 1e-05, which YAML 1.1 reads as text."""
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("learning_rate: 0.002", "learning_rate: 1e-05"))
    done = project.stage("train", "mf_bce")
    assert done.returncode == 0, done.stderr


def test_debug_shows_where_a_fault_was_raised(project):
    project.set({"seed": -1})
    assert "Traceback" in project.stage("ingest", "--debug").stderr


def test_an_unreadable_folder_is_named(project):
    """Root may read everything, so the stage runs as nobody there."""
    closed = project / "closed"
    closed.mkdir()
    shutil.copy(project / "data/raw/u.data", closed)
    closed.chmod(0)
    project.set({"dataset": {"name": "ml-100k", "source": str(closed)}})
    if os.geteuid() != 0:
        assert "closed" in project.refused("download")
        return
    for folder in [project.folder, *project.folder.parents]:
        folder.chmod(folder.stat().st_mode | 0o055)
    subprocess.run(["chmod", "-R", "a+rwX", *project.folder.glob("[!c]*")], check=True)
    project.folder.chmod(0o777)
    before = project.fingerprint()
    done = project.call("python", "-c", AS_NOBODY)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "closed" in done.stderr
    assert project.fingerprint() == before


# The stage is imported first: the interpreter's own files may lie where nobody else can read them.
AS_NOBODY = """
import os, sys, stages.download, stages._memory_guard
from stages._runner import run
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.argv = ["stages.download"]
run(stages.download.main)
"""


def test_a_full_disk_is_said_and_leaves_nothing_half_written(project):
    """`data` on a file system with less space than the ratings need."""
    script = (
        "mount -t tmpfs -o size=20k none full && cp -r data/dataset.json full/ && "
        "mv data data.aside && ln -s full data && ln -s ../data.aside/raw full/raw && "
        "python -m stages.ingest; code=$?; ls -A full; exit $code"
    )
    (project / "full").mkdir()
    done = project.call("unshare", "--map-root-user", "--mount", "sh", "-c", script)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1, done.stderr
    assert len(lines) == 1, done.stderr
    assert "the disk is full" in lines[0]
    assert ".partial" not in done.stdout
    assert "ratings.parquet" not in done.stdout
