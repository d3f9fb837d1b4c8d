"""What `marquee serve` and `marquee feedback` refuse in one line, and that nothing else needs their extra."""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from marquee.cli import serve
from marquee.cli.main import main
from marquee.io import read_parquet
from marquee.server.feedback import Feedback, hashed
from tests.cli.small_project import ROOT, build

EXTRA = {"fastapi", "starlette", "uvicorn", "sqlalchemy", "prometheus_client", "mcp", "pydantic", "httptools"}


def line(capsys: pytest.CaptureFixture[str], *words: str, code: int = 1) -> str:
    """The one line that a command ends with."""
    if code == 2:
        with pytest.raises(SystemExit, match="2"):
            main(words)
    else:
        assert main(words) == code
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1, err
    return err


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    folder = build(tmp_path)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MARQUEE_TOKEN", raising=False)
    monkeypatch.setattr(serve, "_use_one_thread", lambda: None)  # it would be for all tests of this process
    return folder


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "films.example.org"])
def test_other_machines_are_let_in_with_a_token_alone(place, capsys, host):
    assert "set MARQUEE_TOKEN" in line(capsys, "serve", "--host", host)


def test_a_token_has_letters_and_digits_and_is_long(place, capsys):
    for token in ("short", "é" * 40, "a b" * 20):
        assert "16 to 200" in line(capsys, "serve", "--token", token)


def test_a_port_that_is_taken_is_named(place, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert f"port {port} cannot be used" in line(capsys, "serve", "--models", "ease,bias", "--port", port)


def test_a_model_that_was_not_trained_is_named(place, capsys):
    assert "models/ials holds no trained model" in line(capsys, "serve", "--models", "ials")
    assert "did you mean 'ease'" in line(capsys, "serve", "--models", "eaze")


@pytest.mark.parametrize("words", [("--port", "70000"), ("--rate-limit", "-1"), ("--port", "x")])
def test_a_wrong_command_line_is_a_usage_error(place, capsys, words):
    line(capsys, "serve", *words, code=2)


def test_an_export_without_ratings_says_where_they_come_from(place, capsys):
    assert "`marquee serve` writes" in line(capsys, "feedback", "export")
    assert not Path("data/feedback").exists()


def test_an_export_has_each_last_rating_in_one_order(place, capsys):
    store = Feedback("sqlite:///data/feedback/feedback.sqlite")
    for token in ("one", "two"):
        rows = [{"movie": "1", "title": "Heat (1995)", "rating": rating, "position": 1} for rating in (2, 5)]
        store.add(token, "custom", "ease", rows)
    assert main(["feedback", "export"]) == 0
    table = read_parquet(Path("data/feedback/ratings.parquet"))
    assert table["visitor"].to_pylist() == sorted([hashed("one"), hashed("two")])
    assert table["rating"].to_pylist() == [5, 5]
    assert "2 ratings of 2 visitors" in capsys.readouterr().out
    store.forget("one")
    store.forget("two")
    store.close()
    assert main(["feedback", "export"]) == 0
    assert not Path("data/feedback/ratings.parquet").exists()


@pytest.mark.parametrize("words", [("serve",), ("serve", "--mcp"), ("feedback", "export")])
def test_without_the_extra_one_line_says_what_to_install(place, words):
    (place / "data/feedback").mkdir()
    (place / "data/feedback/feedback.sqlite").touch()
    hide = f"import sys; sys.modules.update(dict.fromkeys({sorted(EXTRA)!r}))\n"
    code = f"{hide}from marquee.cli.main import main; sys.exit(main({list(words)!r}))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1
    assert "run `make serve`, or `pip install 'marquee[serve]'`" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_only_the_server_imports_its_packages():
    found = {}
    for path in [*(ROOT / "marquee").rglob("*.py"), *(ROOT / "stages").glob("*.py")]:
        if path.is_relative_to(ROOT / "marquee/server"):
            continue
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        if wrong := {name.split(".")[0] for name in names} & EXTRA:
            found[path.name] = wrong
    assert found == {}


def test_the_extra_is_no_requirement_of_a_run():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    needed = "\n".join([*project["dependencies"], (ROOT / "requirements.txt").read_text("utf-8")])
    assert not [name for name in EXTRA if name.replace("_", "-") in needed]
    extra = {word.partition(">")[0] for word in project["optional-dependencies"]["serve"]}
    pinned = (ROOT / "requirements-serve.txt").read_text("utf-8").splitlines()
    assert extra == {word.partition("=")[0] for word in pinned if word[0] not in "#-"}


def test_tools_of_the_model_context_protocol(place):
    """A client of the official SDK lists and calls them."""
    asked = f"""
import anyio, json, sys
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
words = ["-m", "marquee", "serve", "--mcp", "--models", "ease,bias"]
server = StdioServerParameters(command=sys.executable, args=words, env={{"PYTHONPATH": {str(ROOT)!r}}})
async def main():
    async with Client(stdio_client(server)) as client:
        tools = await client.list_tools()
        print(json.dumps(sorted(one.name for one in tools.tools)))
        taste = [{{"movie": 1, "rating": 5}}]
        for name, arguments in (
            ("search_movies", {{"title": "heat"}}),
            ("recommend", {{"model": "ease", "ratings": taste, "k": 2}}),
            ("explain", {{"model": "ease", "ratings": taste, "k": 2}}),
            ("similar", {{"model": "ease", "movie": 1, "k": 2}}),
            ("recommend", {{"model": "nonesuch", "ratings": taste}}),
        ):
            found = await client.call_tool(name, arguments)
            print(json.dumps([found.is_error, found.structured_content, found.content[0].text]))
anyio.run(main)
"""
    done = subprocess.run([sys.executable, "-c", asked], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tools, *answers = map(json.loads, done.stdout.splitlines())
    assert tools == ["explain", "recommend", "search_movies", "similar"]
    found, listed, explained, similar, refused = answers
    assert found[1]["result"][0]["title"] == "Heat"
    assert [one["movie"] for one in listed[1]["result"]] == [one["movie"] for one in explained[1]["result"]]
    assert explained[1]["result"][0]["why"] == [{"movie": 1, "share": 1.0}]
    assert len(similar[1]["result"]) == 2
    assert refused[0] is True
    assert "is not served" in refused[2]
