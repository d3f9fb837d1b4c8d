"""The checkpoint of a finished fit: it stays beside the model, and a fit with more epochs goes on from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from marquee.errors import MarqueeError
from marquee.io import read_arrays, write_arrays


def keep(checkpoint: Path, kept: Path, fit: str) -> None:
    """Write what the last epoch left in `checkpoint` to `kept`, with `fit`: all but epochs and patience.

    The arrays are `now/...`, the weights after the last epoch, `best/...`, those of the best one, and
    `optimizer/...`. The note is JSON with the learning curve (`rows`), the numbers of both epochs and the
    state of the generator (`metadata`).
    """
    if checkpoint.is_file():
        arrays, note = read_arrays(checkpoint)
        write_arrays(kept, arrays, json.dumps({**json.loads(note), "settings": fit}))


def continue_kept(
    kept: Path, checkpoint: Path, fit: str, options: Mapping[str, Any], higher_is_better: bool
) -> int:
    """Return the last epoch of `kept` where this fit passes through it and goes on, else 0.

    Its state is then in `checkpoint`, as if the fit had been killed after that epoch: it ends with the bytes
    of one from scratch. What does not read, or belongs to other data, code or options, counts as absent.
    """
    if checkpoint.exists() or not kept.is_file() or "epochs" not in options:
        return 0
    limits = options["epochs"], options["patience"], higher_is_better
    try:
        arrays, text = read_arrays(kept)
        note = json.loads(text)
        if note.pop("settings") != fit or not goes_on(note["rows"], *limits):
            return 0
        write_arrays(checkpoint, arrays, json.dumps({**note, "fit": checkpoint.stem}))
        return len(note["rows"])
    except (MarqueeError, SafetensorError, OSError, ValueError, KeyError, TypeError):
        return 0


def goes_on(
    rows: Sequence[Mapping[str, float]], epochs: int, patience: int, higher_is_better: bool = True
) -> bool:
    """Return whether a fit with `epochs` and `patience` has all of `rows`, a learning curve, and more."""
    best, waited = -math.inf, 0  # epochs since the best
    for row in rows:
        if waited >= patience:
            return False
        value = row.get("validation", math.inf if higher_is_better else -math.inf)  # without: never waits
        value = value if higher_is_better else -value
        waited = 0 if value > best or math.isinf(value) else waited + 1
        best = max(best, value)
    return waited < patience and 0 < len(rows) < epochs
