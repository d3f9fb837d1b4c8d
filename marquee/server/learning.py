"""Have the served models learn what visitors rate, in a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from marquee.errors import MarqueeError, explain
from marquee.recommenders import load
from marquee.recommenders.base import Recommender
from marquee.server.current import Current
from marquee.terminal import say

EVERY = 1.0  # seconds between two looks at what is due


class Learner:
    """Let the models of the last run learn all ratings of visitors, whenever `every` more of them came.

    command  starts a process that reads JSON from stdin, `about` and the names of `models`, and stores these
             in `folder`; each line on its stderr says why one has learned nothing
    waiting  whether there are ratings already
    busy     whether a run is writing the models

    Each learning begins from the models of the run, with the ratings that are there by then: one that was
    taken back or deleted is gone from the answers. A deletion does not wait for `every` ratings.
    """

    def __init__(
        self,
        current: Current,
        command: Sequence[str],
        about: Mapping[str, Any],
        every: int,
        waiting: bool,
        busy: Callable[[], bool],
    ) -> None:
        self._current, self._command, self._about, self._busy = current, command, about, busy
        self._every, self._pending = every, every if waiting else 0
        self._base, self._begun, self._forget = current.fitted, False, False

    def given(self, count: int) -> None:
        """Count ratings that were stored."""
        self._pending += count

    def forgotten(self) -> None:
        """Note that ratings were deleted, which a model may have learned."""
        self._forget = self._begun

    @property
    def due(self) -> bool:
        other_run = self._begun and self._base is not self._current.fitted
        return self._pending >= self._every or self._forget or other_run

    async def watch(self, pool: Executor, every: float = EVERY) -> None:
        """Learn whenever it is due and no run is active."""
        while True:
            await asyncio.sleep(every)
            await self.look(pool)

    async def look(self, pool: Executor) -> None:
        """Learn if it is due. A learning that fails is a line, and leaves the earlier models."""
        try:
            if self.due and not await asyncio.get_running_loop().run_in_executor(pool, self._busy):
                await self._learn(pool)
        except Exception as error:  # the watch outlives whatever it finds
            say(f"marquee serve: nothing learned: {explain(error) or repr(error)}")

    async def _learn(self, pool: Executor) -> None:
        """Have the models of the last run learn, and answer from them.

        Raises MarqueeError where none learned; after a deletion the models of the run answer then.
        """
        base = self._base = self._current.fitted
        forget, self._forget, self._begun, self._pending = self._forget, False, True, 0
        try:
            with TemporaryDirectory(prefix="marquee-") as name:
                await self._run({**self._about, "models": list(base.models), "folder": name})
                models = await asyncio.get_running_loop().run_in_executor(pool, stored, Path(name))
            if models or forget:
                await self._current.learned(base, models, pool)
        except MarqueeError:
            if forget:
                await self._current.learned(base, {}, pool)
            raise

    async def _run(self, wanted: Mapping[str, Any]) -> None:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stderr=pipe)
        try:
            _, said = await process.communicate(json.dumps(wanted).encode())
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
        lines = said.decode(errors="replace").splitlines()
        if process.returncode:
            reason = lines[-1] if lines else f"its process ended with code {process.returncode}"
            raise MarqueeError(reason)
        for line in lines:
            say(f"marquee serve: {line}")


def stored(folder: Path) -> dict[str, Recommender]:
    """Return the models in `folder`, by their names. Their weights stay mapped when the folder goes."""
    return {one.parent.name: load(one.parent, mapped=True) for one in sorted(folder.glob("*/model.json"))}
