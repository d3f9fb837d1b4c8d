"""The command itself: its subcommands, its exit codes, and how quickly it starts."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import marquee
from marquee.cli.main import COMMANDS, main
from tests.cli.conftest import asked, refused

ROOT = Path(__file__).parents[2]


def output(capsys, *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys):
    assert output(capsys, "--version") == f"marquee {marquee.__version__}\n"


def test_help_names_every_command(capsys):
    text = output(capsys, "--help")
    assert all(f" {name} " in text or f" {name}\n" in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_debug(capsys, name):
    assert "--debug" in output(capsys, name, "--help")


@pytest.mark.parametrize(
    "words",
    [
        *([], ["recomend"], ["--versoin"], ["plan", "--dataset", "ml-1mm"], ["judge", "x", "-k", "9" * 5000]),
        *(["judge", "x", "-k", "9" * 20], ["judge", "x", "--resamples", "9" * 20]),
    ],
)
def test_a_fault_in_the_command_line_is_one_line_and_exits_with_2(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert len(said) < 1200


@pytest.mark.parametrize("name", ["plan", "check", "leaderboard", "experiments"])
def test_outside_a_project_a_line_says_so(capsys, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    assert main([name]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line
    assert "params.yaml" in line


def test_a_project_without_data_names_the_missing_file(capsys, monkeypatch, tmp_path):
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text("utf-8"), "utf-8")
    monkeypatch.chdir(tmp_path)
    for words, name in (
        (["recommend", "ease", "--user", "1"], "data/movies.parquet"),
        (["leaderboard"], "data/leaderboard/table.csv"),
    ):
        assert main(words) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert name in line
        assert "dvc repro" in line


def test_a_reader_that_stops_early_ends_the_command_quietly(finished):
    command = f"{shlex.quote(sys.executable)} -m marquee recommend ease --user 7 --top 60 | head -1"
    done = subprocess.run(
        command, shell=True, cwd=finished.folder, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_closed_output_ends_the_command_quietly(finished):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "marquee", "leaderboard", "--json"]
    done = subprocess.run(command, cwd=finished.folder, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 141


def test_help_imports_no_library():
    script = "import sys; from marquee.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    script += "print([name for name in ('numpy', 'pandas', 'pyarrow', 'tabulate') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.endswith("[]\n")


def test_the_leaderboard_is_printed_and_given_as_json(finished):
    assert "ease" in asked(finished, "leaderboard")
    assert '"metric": "ndcg@10"' in asked(finished, "leaderboard", "--json")


def test_the_check_finds_a_fault_in_any_block(project):
    asked(project, "check")
    project.set({"compare": {"bootstrpa_samples": 10}})
    assert "did you mean 'bootstrap_samples'?" in refused(project, "check")
    done = project.call("python", "-m", "marquee", "check", "--debug")
    assert "Traceback" in done.stderr
