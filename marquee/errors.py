"""What a user can cause: one line that says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MarqueeError(Exception):
    """A fault in data, parameters or surroundings. Its text is one complete line for the user."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'dim'? (known: alpha, dim)` for a misspelt word, ready to append to a message."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return (f"; did you mean '{close[0]}'?" if close else "") + f" (known: {', '.join(names)})"
