"""The snapshot that requests use, and its replacement when a run has finished."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Executor

from marquee.errors import MarqueeError, explain
from marquee.recommenders.base import Recommender
from marquee.server import memory
from marquee.server.snapshot import Snapshot
from marquee.terminal import say

EVERY = 1.0  # seconds between two looks at the files


class Current:
    """Hold what answers: `snapshot`, which is the last finished run, `fitted`, with what was learned since.

    read   reads a snapshot from the project's files; raises MarqueeError where they do not fit together
    stamp  says which files these are, cheaply: it differs once one of them was replaced
    busy   whether a run is writing them

    A request takes `snapshot` once and keeps it to its end, so a swap is one assignment.
    """

    def __init__(
        self, read: Callable[[], Snapshot], stamp: Callable[[], Hashable], busy: Callable[[], bool]
    ) -> None:
        self._read, self._stamp, self._busy = read, stamp, busy
        self._seen = stamp()
        self.swaps = -1
        self._swap(self._load())
        self._settled = self._seen

    def _load(self) -> Snapshot:
        found = self._read()
        found.warm()
        memory.release_libraries()
        return found

    def _swap(self, found: Snapshot, fitted: Snapshot | None = None) -> None:
        self.snapshot, self.fitted = found, fitted or found
        self.since = time.time()
        self.swaps += 1

    async def learned(self, run: Snapshot, models: Mapping[str, Recommender], pool: Executor) -> None:
        """Answer from `run` with these `models` instead of its own, unless another run has finished by now.

        Raises MarqueeError for models of another catalogue.
        """
        if any(model.fitted.get("data") != run.data for model in models.values()):
            raise MarqueeError("the data changed meanwhile: it is learned again after the run")
        found = run.with_models(models)
        await asyncio.get_running_loop().run_in_executor(pool, found.warm)
        if run is self.fitted:
            self._swap(found, run)
            say(f"marquee serve: {len(models)} models learned what visitors rated")

    async def watch(self, pool: Executor, every: float = EVERY) -> None:
        """Swap the snapshot whenever the files have changed, have stopped changing, and no run is active.

        Files that do not fit together, as in the middle of a run or after one that failed, change nothing.
        """
        while True:
            await asyncio.sleep(every)
            try:
                await self._look(pool)
            except Exception as error:  # the watch outlives whatever it finds
                say(f"marquee serve: still the earlier models: {explain(error) or repr(error)}")

    async def _look(self, pool: Executor) -> None:
        loop = asyncio.get_running_loop()
        now = await loop.run_in_executor(pool, self._stamp)
        moving, self._settled = now != self._settled, now
        if now == self._seen or moving or await loop.run_in_executor(pool, self._busy):
            return
        self._seen = now
        found = await loop.run_in_executor(pool, self._load)
        if await loop.run_in_executor(pool, self._stamp) != now:
            raise MarqueeError("files changed while they were read: they are read again when they rest")
        self._swap(found)
        say(f"marquee serve: {len(found.models)} models of the run that has finished")
