"""Faults that a user can cause, in one line: what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable

from marquee.outputs import PARTIAL, remedy

SPACE = "free some space and run again; no file is half written"
SYSTEM = {  # what is wrong, and what to do; by name, since not every system has all of them
    "ENOSPC": ("the disk is full", SPACE),
    "EDQUOT": ("the disk quota is used up", SPACE),
    "EROFS": ("the file system is read-only", "make it writable or work in another folder"),
    "EFBIG": ("a file is larger than allowed", "raise the limit (`ulimit -f unlimited`) and run again"),
    "EIO": ("the disk does not read or write", "check the disk; nothing in the project is at fault"),
    "ENAMETOOLONG": ("the name is too long", "use a shorter name or path"),
    "ENOTDIR": ("a part of the path is a file, not a folder", "move that file away and run again"),
    "EISDIR": ("a folder is in the place of a file", "move that folder away and run again"),
    "EEXIST": ("something else has the name", "move it away and run again"),
    "ENOTEMPTY": ("a folder is not empty", "move its files away and run again"),
    "ELOOP": ("links lead in a circle", "correct the link"),
    "EMFILE": ("too many files are open", "raise the limit (`ulimit -n 4096`) and run again"),
    "ENFILE": ("too many files are open on this machine", "close other programs and run again"),
    "ENOMEM": ("the memory is full", "close other programs and run again"),
    "EAGAIN": ("no further process can start", "close other programs and run again"),
    "ENODEV": ("the device is not available", "check the path"),
    "ENXIO": ("the device is not available", "check the path"),
    "ESTALE": ("the network's file system has changed", "run again"),
    "EBUSY": ("the file is in use", "close the program that uses it and run again"),
}
NO_MEMORY = "out of memory|allocate memory|failed to map segment"  # the last where a library is loaded
LONGEST = 200  # letters of another program's message
LONGEST_WORD = 100  # letters that are compared with known words


class MarqueeError(Exception):
    """A fault in data, parameters or surroundings. Its text is one complete line for the user."""


def explain(error: BaseException) -> str | None:
    """Return the one line for a fault that a user can cause; None for a fault of the program."""
    if isinstance(error, MarqueeError):
        return str(error)
    if isinstance(error, OSError):
        return _of_system(error)
    words = reason(error)
    no_memory = isinstance(error, RuntimeError | ImportError) and re.search(NO_MEMORY, str(error))
    if isinstance(error, MemoryError) or no_memory:
        return f"the memory is full ({words}): close other programs, or see what `marquee plan` advises"
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return "no further thread can start: close other programs, or raise the limit (`ulimit -u`)"
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object!a} has letters that this system's {error.encoding} lacks: set PYTHONUTF8=1"
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("marquee"):
        return f"the package {error.name} is not installed: run `pip install -r requirements.txt`"
    return None


def reason(error: BaseException) -> str:
    """Return the first line of another program's message, cut to `LONGEST` letters."""
    if isinstance(error, KeyError):
        return f"it lacks {str(error)[:LONGEST]}"
    lines = str(getattr(error, "strerror", None) or error).strip().splitlines()
    return lines[0][:LONGEST] if lines else type(error).__name__


def _of_system(error: OSError) -> str:
    """Return the line for what the operating system refused."""
    text = str(error)
    quoted = re.search("'(.+?)'", text)  # pyarrow names the file in its message alone
    name = error.filename2 or error.filename or (quoted and quoted[1])
    name = None if isinstance(name, int) else name and os.fsdecode(name)
    code = errno.errorcode.get(error.errno or 0) or next((c for c, words in _words() if words in text), "")
    if isinstance(error, FileNotFoundError):
        if name:
            return f"{name} is missing: {remedy(name, 'check the path')}"
        return "the current folder does not exist any more: change into another one"
    shown = name and re.sub(rf"{re.escape(PARTIAL)}(?=/|$)", "", name)
    at, of = (f" at {shown}", f" for {shown}") if shown else ("", "")
    if isinstance(error, PermissionError):
        return f"no permission{of}: change its owner or mode and run again"
    what, advice = SYSTEM.get(code, (reason(error), "check the path and run again"))
    return f"{what}{at}: {advice}"


def _words() -> Iterable[tuple[str, str]]:
    """Return each name of SYSTEM that this system has, and its own words for it."""
    return [(name, os.strerror(number)) for number, name in errno.errorcode.items() if name in SYSTEM]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'dim'? (known: alpha, dim)` for a misspelt word, to append to a message."""
    names = sorted(known)
    close = difflib.get_close_matches(word[:LONGEST_WORD], names, n=1, cutoff=0.5)
    return (f"; did you mean '{close[0]}'?" if close else "") + f" (known: {', '.join(names)})"
