"""`kill -9` at any moment: a rating that was acknowledged is there."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
import time
from http.client import HTTPException

import pytest

from marquee.server.feedback import hashed
from tests.cli.small_project import build
from tests.server.conftest import Server, rated

KILLS = 50


@pytest.mark.slow
def test_every_acknowledged_rating_survives_fifty_kills(tmp_path):
    folder, chance, acknowledged, asked = build(tmp_path), random.Random(0), [], 0
    for _ in range(KILLS):
        server = Server(folder, "--rate-limit", "0", "--models", "bias")
        lock = threading.Lock()

        def visit(server: Server = server, lock: threading.Lock = lock) -> None:
            nonlocal asked
            while True:
                with lock:
                    asked += 1
                    token = f"visitor-{asked:020}"
                try:
                    given = {"visitor": token, "ratings": rated((1, 5), (2, 4))}
                    status, _, _ = server.ask("/api/ratings", given)
                except (OSError, HTTPException):
                    return  # it was killed
                if status == 201:
                    with lock:
                        acknowledged.append(token)

        visitors = [threading.Thread(target=visit) for _ in range(3)]
        for one in visitors:
            one.start()
        time.sleep(chance.uniform(0.02, 0.3))
        server.stop(signal.SIGKILL)
        for one in visitors:
            one.join()
    with sqlite3.connect(folder / "data/feedback/feedback.sqlite") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        stored = dict(database.execute("select visitor, count(*) from ratings group by visitor"))
    assert len(acknowledged) > 5 * KILLS
    assert {stored.get(hashed(token)) for token in acknowledged} == {2}  # whole, or not at all
    assert set(stored.values()) == {2}
