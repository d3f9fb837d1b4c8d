"""Keep the server's memory near what it answers from. On Linux with glibc; elsewhere nothing happens."""

from __future__ import annotations

import ctypes
import gc
import re
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


def release_libraries() -> None:
    """Let go of the code of libraries that no answer needs: the compiler's, 60 MB, and those that read files.

    Only pages that nothing was written to go: a call that needs one again reads it from its file.
    """
    gc.collect()
    if sys.platform != "linux":
        return
    with suppress(AttributeError, OSError, ValueError, IndexError):
        libc = ctypes.CDLL(None)
        libc.malloc_trim(0)
        for block in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text()):
            span, mode, *_ = block.split(maxsplit=2)
            changed = re.findall(r"^(?:Private_Dirty|Swap): +([1-9]\d*) kB", block, re.M)
            if "w" not in mode and not changed and re.search(r"/lib(llvmlite|arrow|parquet)", block):
                first, last = (int(end, 16) for end in span.split("-"))
                libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), DONT_NEED)
