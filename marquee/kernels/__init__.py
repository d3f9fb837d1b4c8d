"""Compiled loops. The only package that imports numba; import its modules where they are used."""

import os

from marquee.errors import MarqueeError

LAYERS = ("default", "safe", "threadsafe", "forksafe", "tbb", "omp", "workqueue")


def check_environment() -> None:
    """Raise MarqueeError for variables that numba would end with a traceback at, now or in the first loop."""
    threads, layer = (os.environ.get(f"NUMBA_{name}") for name in ("NUM_THREADS", "THREADING_LAYER"))
    if threads is not None and not (threads.strip().isdecimal() and int(threads)):
        raise MarqueeError(
            f"NUMBA_NUM_THREADS is {threads!r}, but must be a whole number of at least 1: unset it"
        )
    if layer is not None and layer not in LAYERS:
        raise MarqueeError(
            f"NUMBA_THREADING_LAYER is {layer!r}, but must be one of {', '.join(LAYERS)}: unset it"
        )


check_environment()
