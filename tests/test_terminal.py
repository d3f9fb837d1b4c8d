"""What reaches a terminal, a page or a picture holds no control character; a stream that fails is said."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from marquee import terminal
from marquee.cli import project
from marquee.cli.main import Parser
from marquee.serving import output
from marquee.serving.catalogue import MovieCatalogue
from marquee.terminal import LineProgress, printable, printable_lines, say, standard_streams

ROOT = Path(__file__).parents[1]
EVIL = "Evil\x1b[2J\x1b]0;title\x07\u202egnp.exe\u2066\x9b31m\x00\r\nfake line\ttab\u2028next\ud800\x7f"
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800]"
)
LETTERS = "Amélie – 漢字 שלום 👩\u200d👧 می\u200cخواهم"


def test_printable_is_one_line_without_what_steers_a_terminal_and_keeps_every_letter():
    assert not FORBIDDEN.search(printable(EVIL))
    assert len(printable(EVIL).splitlines()) == 1
    assert "fake line tab" in printable(EVIL)
    assert printable(LETTERS) == printable_lines(LETTERS) == LETTERS
    assert printable_lines("a\tb\nc") == "a\tb\nc"


@pytest.fixture
def movies() -> MovieCatalogue:
    return MovieCatalogue([1, 2], [EVIL, "Heat"], [1995, None], [[EVIL, "Drama"], ["Drama"]])


def test_a_title_is_clean_in_tables_names_and_messages(movies):
    rows = output.list_rows(EVIL, np.array([0, 1]), np.array([2.0, 1.0]), movies, "score")
    printed = output.table(rows, "score")
    assert not FORBIDDEN.search(printed)
    assert len(printed.splitlines()) == 3
    assert not FORBIDDEN.search(movies.name(0))
    assert rows[0]["title"] == EVIL, "data stays as it is"


def test_json_escapes_what_a_terminal_obeys_and_reads_back_equal(capsys):
    content = {"title": EVIL.replace("\ud800", ""), "other": LETTERS}
    project.print_json(content)
    printed = capsys.readouterr().out
    assert not FORBIDDEN.search(printed.replace("\n", ""))
    assert json.loads(printed) == content


def test_notes_warnings_and_faults_are_clean(capsys):
    say(f"https://example.org could not be fetched ({EVIL})")
    with pytest.raises(SystemExit):
        Parser(prog="marquee").error(EVIL)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert not FORBIDDEN.search("".join(lines))


def test_whatever_is_printed_passes_the_filter(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    with standard_streams(forgiving=False):
        print(EVIL)
    assert not FORBIDDEN.search(re.sub("[\r\n]", "", out.getvalue()))


@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_drawing_is_clean_xml():
    from xml.etree import ElementTree

    from matplotlib.figure import Figure

    from marquee.figures.svg import svg

    figure = Figure()
    figure.subplots().set_title(EVIL.replace("\ud800", "").replace("\n", " "))
    drawn = svg(figure)
    assert not FORBIDDEN.search(drawn.replace("\n", ""))
    assert ElementTree.fromstring(drawn).tag == "svg"


def test_progress_in_a_pipe_is_a_line_every_ten_seconds_and_one_at_the_end(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    with LineProgress(100, 0, "mf_bce", "epochs") as bar:
        for epoch in range(100):
            now[0] += 0.35
            bar.set_postfix({"loss": f"{1 / (epoch + 1):.2f}"}, refresh=False)
            bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4, "35 seconds"
    assert lines[-1] == "mf_bce: 100 of 100 epochs, loss 0.01, 35 s"
    assert not any("\r" in line for line in lines)


SCRIPT = """
import sys
from marquee.terminal import say, standard_streams
from marquee.cli import main as cli
def run(args):
    for _ in range({lines}): print("Am\\u00e9lie \\u2013 \\u6f22")
    say("note")
sys.modules["marquee.cli.check"] = type(sys)("check")
sys.modules["marquee.cli.check"].run, sys.modules["marquee.cli.check"].configure = run, lambda parser: None
raise SystemExit(cli.main(["check"]))
"""


def shell(tmp_path, command: str, lines: int = 3, **environment: str) -> subprocess.CompletedProcess:
    (tmp_path / "params.yaml").write_text("seed: 1")
    (tmp_path / "script.py").write_text(SCRIPT.format(lines=lines))
    known = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable, **environment}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$PYTHON" script.py {command}'],
        cwd=tmp_path,
        env=known,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("lines", [3, 30_000])
def test_a_full_output_is_one_line_and_code_1(tmp_path, lines):
    done = shell(tmp_path, ">/dev/full", lines)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "standard output cannot be written (No space left on device)" in last
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_closed_stream_and_a_note_that_cannot_be_written_fail_nothing(tmp_path, command):
    done = shell(tmp_path, command)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_enough_ends_the_command_quietly(tmp_path):
    done = shell(tmp_path, "| head -1", 30_000)
    assert done.returncode == 141
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "Amelie ? ?"), ("latin-1", "Am\\xe9lie ? ?"), ("utf-8", "Amélie – 漢")]
)
def test_a_terminal_that_lacks_a_letter_shows_its_plain_form(tmp_path, encoding, shown):
    done = shell(tmp_path, "| cat -v" if encoding != "utf-8" else "", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    expected = shown.replace("\\xe9", "M-i")
    assert done.stdout.splitlines()[0] == expected


def test_a_stage_that_nobody_reads_goes_on(monkeypatch):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Broken())
    with standard_streams(forgiving=True):
        print("counts")


def test_the_workflow_pins_each_action_by_commit():
    found = re.findall(r"uses: (\S+)", (ROOT / ".github/workflows/ci.yml").read_text())
    assert found
    assert [name for name in found if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name)] == []
