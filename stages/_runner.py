"""Start a stage: read params.yaml, guard the memory, turn a fault into one line, keep a log."""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from marquee import config, dvc_state, store
from marquee.engine import on_spark
from marquee.engine.clock import SECONDS
from marquee.errors import MarqueeError, explain
from marquee.terminal import say, standard_streams

PARAMS = Path("params.yaml")
STORING = (
    "check",
    "ingest",
    "split",
    "negatives",
    "candidates",
)  # stages that write to a store, and the first
LOG = Path("logs/stages.jsonl")  # seconds and memory: untracked, since they differ from run to run
PHASES: list[dict[str, Any]] = []  # of this process, for the log


def run(main: Callable[..., None]) -> None:
    """Call `main(params, *arguments of the command line)`.

    A fault of the user's making ends in one line on stderr and exit code 1; `--debug` shows the traceback.
    A message that cannot be printed, or a row that cannot be logged, fails nothing.
    """
    with standard_streams(forgiving=True):
        _run(main)


def _run(main: Callable[..., None]) -> None:
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    module = sys.modules["__main__"].__spec__
    name = module.name.rpartition(".")[2] if module else Path(sys.argv[0]).stem
    label = "@".join([name, *arguments])
    row = {"stage": label, "began": round(time.time(), 3), "start_up": _start_up()}
    started = time.perf_counter()
    try:
        wanted = list(inspect.signature(main).parameters.values())[1:]
        if len(arguments) != len(wanted):
            usage = " ".join(["python -m", f"stages.{name}", *(f"<{word.name}>" for word in wanted)])
            raise MarqueeError(f"stages.{name} got {len(arguments)} argument(s); usage: {usage}")
        params = config.read(PARAMS)
        row["dataset"] = params.dataset.name
        dvc_state.keep_lock()
        if name in STORING:
            store.require_writable()
        # Imported by name: the guard changes no result, so no stage depends on its code.
        import_module("stages._memory_guard").require_memory(label, params)
        if on_spark() and (line := import_module("stages._engine").place(label, params)):
            say(line)
        main(params, *arguments)
    except Exception as error:
        if "--debug" in sys.argv or (line := explain(error)) is None:
            raise
        say(f"{label}: {line}")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    _log({**row, "seconds": round(time.perf_counter() - started, 3)})


@contextmanager
def phase(name: str, of: str) -> Iterator[None]:
    """Log the seconds of the block; `name` is what is done (`fitting`, `scoring`), `of` the model."""
    began, started = time.time(), time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    PHASES.append({"phase": name, "of": of, "began": round(began, 3), "seconds": round(seconds, 3)})


def _start_up() -> float | None:
    """Seconds since the process started, on Linux: the interpreter and the first imports."""
    try:
        ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        return round(time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf("SC_CLK_TCK"), 3)
    except (OSError, AttributeError):
        return None


def _log(row: dict[str, Any]) -> None:
    row |= {"ended": time.strftime("%Y-%m-%dT%H:%M:%S"), "phases": PHASES}
    row["processor_seconds"] = round(sum(os.times()[:4]), 3)  # of child processes, too
    if SECONDS:
        row["spark"] = {part: round(seconds, 3) for part, seconds in SECONDS.items()}
    if find_spec("resource"):  # not on Windows
        import resource

        whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # the largest process of them
        row["peak_mib"] = round(max(resource.getrusage(who).ru_maxrss for who in whose) / 1024)
    with suppress(OSError):
        LOG.parent.mkdir(exist_ok=True)
        with LOG.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(row) + "\n")
