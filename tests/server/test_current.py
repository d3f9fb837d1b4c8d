"""The models are replaced when a run has finished, at once, and not before."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from marquee import dvc_state
from marquee.errors import MarqueeError
from marquee.server.current import Current
from tests.server.conftest import rated, until


class Files:
    """What a project's files hold, by steps of a run."""

    def __init__(self) -> None:
        self.stamp, self.busy, self.fault, self.reads = 1, False, "", 0

    def read(self) -> Any:
        self.reads += 1
        if self.fault:
            raise MarqueeError(self.fault)
        return Read(self.stamp)


class Read:
    models = ()

    def __init__(self, stamp: int) -> None:
        self.stamp = stamp

    def warm(self) -> None:
        pass


def looked(current: Current, times: int) -> int:
    """The snapshot's stamp after so many looks."""

    async def look() -> None:
        with ThreadPoolExecutor(1) as pool:
            for _ in range(times):
                try:
                    await current._look(pool)
                except MarqueeError:
                    continue

    asyncio.run(look())
    return current.snapshot.stamp  # type: ignore[attr-defined]


def test_a_finished_run_replaces_the_models_once_its_files_rest():
    files = Files()
    current = Current(files.read, lambda: files.stamp, lambda: files.busy)
    assert looked(current, 3) == 1
    assert files.reads == 1
    files.stamp = 2
    assert looked(current, 1) == 1  # it may still be moving
    assert looked(current, 1) == 2
    assert (current.swaps, files.reads) == (1, 2)


def test_a_run_that_is_active_changes_nothing_until_it_ends():
    files = Files()
    current = Current(files.read, lambda: files.stamp, lambda: files.busy)
    files.stamp, files.busy = 2, True
    assert looked(current, 5) == 1
    files.busy = False
    assert looked(current, 1) == 2


def test_files_that_do_not_fit_together_leave_the_earlier_models(capsys):
    files = Files()
    current = Current(files.read, lambda: files.stamp, lambda: files.busy)
    files.stamp, files.fault = 2, "models/ease was made from other data"
    assert looked(current, 5) == 1
    assert files.reads == 2  # not tried again until they change
    files.stamp, files.fault = 3, ""
    assert looked(current, 2) == 3


def test_a_dvc_that_runs_a_stage_is_seen_and_one_that_was_killed_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not dvc_state.is_running()
    dvc_state.RWLOCK.parent.mkdir(parents=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid, expected in ((os.getpid(), True), (ended.pid, False)):
        held = {"/data": {"write": {"pid": pid, "cmd": "dvc repro"}}, "/raw": {"read": []}}
        dvc_state.RWLOCK.write_text(json.dumps(held))
        assert dvc_state.is_running() is expected
    dvc_state.RWLOCK.write_text("{")
    assert not dvc_state.is_running()


def rewritten(folder: Path) -> None:
    """Write the models again, as `atomic_folder` does."""
    for name in ("ease", "bias"):
        shutil.copytree(folder / name, folder / f"{name}.new")
        (folder / name).rename(folder / f"{name}.old")
        (folder / f"{name}.new").rename(folder / name)
        shutil.rmtree(folder / f"{name}.old")


def test_no_request_fails_while_models_are_replaced(server):
    statuses, ended, before = set(), threading.Event(), server.swaps()

    def visit() -> None:
        while not ended.is_set():
            statuses.add(server.ask("/api/recommend", {"ratings": rated((1, 5)), "model": "ease"})[0])

    visitors = [threading.Thread(target=visit) for _ in range(3)]
    for one in visitors:
        one.start()
    try:
        rewritten(server.folder / "models")
        until(lambda: server.swaps() > before)
    finally:
        ended.set()
        for one in visitors:
            one.join()
    assert statuses == {200}
