"""The server's models learn what visitors rate, and forget what they delete, while requests are answered."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from marquee.cli.serve import snapshot
from marquee.server.current import Current
from marquee.server.learning import Learner
from tests.cli.small_project import build
from tests.server.conftest import Server, rated, until

ASKED = {"ratings": rated((1, 5)), "model": "ease", "k": 100}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("learning"))


@pytest.fixture(scope="module")
def learning(folder) -> Iterator[Server]:
    running = Server(folder, "--learn-every", "24", "--rate-limit", "0")
    yield running
    running.stop()


def place(items: list[dict[str, Any]], movie: int) -> int:
    return [one["movie"] for one in items].index(movie)


@pytest.mark.slow
def test_models_learn_from_visitors_under_load_and_forget_who_leaves(learning):
    """Twelve visitors like the first movie with the one that it had led to least."""
    before = learning.ask("/api/recommend", ASKED)[1]["items"]
    other = before[-1]["movie"]
    failed, done = [], threading.Event()

    def load() -> None:
        while not done.is_set():
            status, found, _ = learning.ask("/api/recommend", ASKED)
            if status != 200 or len(found["items"]) != len(before):
                failed.append(found)

    asking = threading.Thread(target=load)
    asking.start()
    try:
        tokens = [
            learning.ask("/api/ratings", {"ratings": rated((1, 5), (other, 5))})[1]["visitor"]
            for _ in range(12)
        ]
        until(learning.swaps, 60)
        after = learning.ask("/api/recommend", ASKED)[1]["items"]
        assert place(after, other) < place(before, other)
        assert after[place(after, other)]["score"] > before[-1]["score"] + 0.01
        for token in tokens:
            assert learning.ask(f"/api/visitors/{token}", method="DELETE")[1] == {"deleted": 2}
        until(lambda: learning.ask("/api/recommend", ASKED)[1]["items"] == before, 60)
    finally:
        done.set()
        asking.join()
    assert failed == []


def current_of(folder: Path, monkeypatch) -> Current:
    monkeypatch.chdir(folder)
    return Current(lambda: snapshot(["ease", "bias"], False), lambda: 1, lambda: False)


def learn(current: Current, code: str, gone: bool = False) -> Learner:
    learner = Learner(current, (sys.executable, "-c", code), {}, 1, True, lambda: False)

    learner._begun = gone
    if gone:
        learner.forgotten()
    with ThreadPoolExecutor(1) as pool:
        asyncio.run(learner.look(pool))
    return learner


COPIES = """
import json, shutil, sys
asked = json.load(sys.stdin)
for name in asked["models"]:
    shutil.copytree(f"models/{name}", f"{asked['folder']}/{name}")
"""
FAILS = "import sys; sys.stdin.read(); print('no disk', file=sys.stderr); sys.exit(1)"


def test_a_learning_that_fails_is_a_line_and_leaves_the_models(folder, monkeypatch, capsys):
    current = current_of(folder, monkeypatch)
    run = current.snapshot
    learner = learn(current, COPIES)
    assert current.snapshot is not run
    assert current.fitted is run
    taught = current.snapshot
    assert not learner.due
    capsys.readouterr()
    learn(current, FAILS)
    assert current.snapshot is taught
    assert capsys.readouterr().err == "marquee serve: nothing learned: no disk\n"
    learn(current, FAILS, gone=True)
    assert current.snapshot.models == run.models, "what a visitor deleted does not answer on"


def test_models_of_another_catalogue_are_not_taken(folder, monkeypatch, capsys):
    current = current_of(folder, monkeypatch)
    run = current.snapshot
    seal = "from marquee import recommenders as r; from pathlib import Path; import sys, json\n"
    seal += "a = json.load(sys.stdin); m = r.load(Path('models/ease'))\n"
    seal += "m.fitted['data'] = {}; r.store(m, Path(a['folder']) / 'ease', m.fitted)"
    learn(current, seal)
    assert current.snapshot is run
    assert "the data changed meanwhile" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="/proc lists the processes")
def test_the_process_that_learns_ends_with_the_server(learning):
    def children() -> list[str]:
        process = learning.process.pid
        return Path(f"/proc/{process}/task/{process}/children").read_text().split()

    learning.ask("/api/ratings", {"ratings": rated(*((1 + number % 9, 5) for number in range(24)))})
    until(children)
    (learner,) = children()
    learning.stop()
    until(lambda: not Path(f"/proc/{learner}").exists())
