"""Write to a file how long the imports of a stage take: `bench.profile_repro` puts this on its path.

An import inside of another one is not counted again. Python's own PYTHONPROFILEIMPORTTIME prints two thousand
lines for each stage through DVC, which made a run of 77 s one of 100 s.
"""

import atexit
import builtins
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHORT = 1e-4  # seconds; a module that is loaded already takes less


def watch(file: Path) -> None:
    spans: list[str] = []
    inside = False

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **names: Any) -> Any:
            nonlocal inside
            if inside:
                return function(*args, **names)
            inside, started = True, time.time()
            try:
                return function(*args, **names)
            finally:
                inside, took = False, time.time() - started
                if took > SHORT:
                    spans.append(f"{started + took} {took}\n")

        return call

    builtins.__import__ = timed(builtins.__import__)
    importlib.import_module = timed(importlib.import_module)
    atexit.register(lambda: file.write_text("".join(spans)))


if any(word.startswith("stages.") for word in sys.orig_argv):
    watch(Path(os.environ["MARQUEE_IMPORTS"]) / str(os.getpid()))
