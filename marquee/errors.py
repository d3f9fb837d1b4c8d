"""Faults that a user can cause, in one line: what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable

LONGEST_WORD = 100  # letters that are compared with known words


class MarqueeError(Exception):
    """A fault in data, parameters or surroundings. Its text is one complete line for the user."""


def explain(error: Exception) -> str | None:
    """Return the one line for a fault that a user can cause; None for a fault of the program."""
    if isinstance(error, MarqueeError):
        return str(error)
    if not isinstance(error, OSError):
        return None
    quoted = re.search("'(.+?)'", str(error))  # pyarrow names the file in its message alone
    name = error.filename or (quoted and quoted[1])
    at, of = (f" at {name}", f" for {name}") if name else ("", "")
    if error.errno == errno.ENOSPC or "No space left on device" in str(error):
        return f"the disk is full{at}: free some space and run again; no file is half written"
    if isinstance(error, PermissionError):
        return f"no permission{of}: change its owner or mode and run again"
    if isinstance(error, FileNotFoundError) and name:
        return f"{name} is missing: run `dvc repro`"
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'dim'? (known: alpha, dim)` for a misspelt word, to append to a message."""
    names = sorted(known)
    close = difflib.get_close_matches(word[:LONGEST_WORD], names, n=1, cutoff=0.5)
    return (f"; did you mean '{close[0]}'?" if close else "") + f" (known: {', '.join(names)})"
