"""Keep the server's memory near what it answers from. On Linux with glibc; elsewhere nothing happens."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

MMAP_THRESHOLD, ARENA_MAX = -3, -8  # of malloc.h
LARGE = 1 << 20
DONT_NEED = 4  # of mman.h


def prepare() -> None:
    """Have large arrays go back to the system as soon as they are freed, in every thread."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # another C library
            libc = ctypes.CDLL(None)
            libc.mallopt(MMAP_THRESHOLD, LARGE)
            libc.mallopt(ARENA_MAX, 1)


def release_compiler() -> None:
    """Let go of LLVM's code, 60 MB, which all loops are compiled without; a later call reads it again.

    These pages are only read, so the file has all that is in them.
    """
    if sys.platform != "linux":
        return
    with suppress(AttributeError, OSError, ValueError):
        libc = ctypes.CDLL(None)
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, mode, *_ = line.split()
            if "libllvmlite" in line and mode == "r-xp":
                first, last = (int(end, 16) for end in span.split("-"))
                libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), DONT_NEED)
