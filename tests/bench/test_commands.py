"""Every command of bench says what it does, and writes nothing until it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(
    path.stem for path in (ROOT / "bench").glob("*.py") if "__main__" in path.read_text("utf-8")
)
PAGES = ("results_page", "speed_page", "online")


def run(command: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"bench.{command}", *words], cwd=ROOT, capture_output=True, text=True
    )


def changed() -> str:
    status = ["git", "status", "--porcelain"]
    return subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_does_and_changes_no_file(command):
    before = changed()
    done = run(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout
    assert command in done.stdout
    assert "write" in done.stdout or "not tracked" in done.stdout
    assert changed() == before


@pytest.mark.parametrize("command", PAGES)
def test_a_page_is_printed_unless_it_is_to_be_written(command):
    before = changed()
    done = run(command)
    assert done.stdout.startswith("# ")
    assert changed() == before


def test_an_unknown_protocol_or_benchmark_is_a_usage_error():
    for command in ("reproduce_results", "run"):
        done = run(command, "nonesuch")
        assert done.returncode == 2
        assert "'nonesuch'" in done.stderr
