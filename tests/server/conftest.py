"""`marquee serve` in a process of its own, in the small project of tests/cli."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_project import ROOT, build


class Server:
    """A running server, and what a visitor asks of it."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "marquee", "serve", "--port", "0", "--models", "ease,bias", *words]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.line = self.process.stderr.readline()
        assert "http://" in self.line, self.line
        self.raw = b""  # the last answer
        self.port = int(self.line.partition(";")[0].rpartition(":")[2])

    def ask(
        self, path: str, body: Any = None, method: str | None = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Return status, content and headers; the content of JSON is read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Content-Type": "application/json", **named} if data is not None else named
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, data, named)
            answer = connection.getresponse()
            text = self.raw = answer.read()
            found = {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()
        is_json = "json" in found.get("content-type", "")
        return answer.status, json.loads(text) if is_json else text.decode(), found

    def swaps(self) -> int:
        """How often the models were replaced."""
        return int(self.ask("/metrics")[1].partition("\nmarquee_swaps ")[2].split()[0].partition(".")[0])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(20)
        assert self.process.stderr is not None
        self.process.stderr.close()


def rated(*pairs: tuple[Any, float]) -> list[dict[str, Any]]:
    return [{"movie": movie, "rating": rating} for movie, rating in pairs]


def until(true: Any, seconds: float = 20) -> None:
    """Wait until `true()`."""
    last = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    running = Server(build(tmp_path_factory.mktemp("served")), "--rate-limit", "0")
    yield running
    running.stop()
