"""What a search has done so far: a file for each finished fit, from which a killed search goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from marquee.errors import MarqueeError
from marquee.io import damaged, read_arrays, read_sealed, remove, write_arrays, write_sealed
from marquee.terminal import say

PARTS = 3  # of the validation users, on one of which a closed form is compared before the best are fitted


@dataclass(frozen=True, eq=False)  # is itself the key of its result
class Fit:
    """One fit of one trial.

    trial    its number; 0 are the defaults
    options  the searched ones, and their values
    epochs   after which an iterative fit pauses; None: it runs to its end
    partial  a closed form: compared with others on one of `PARTS` of the validation users
    """

    trial: int
    options: Mapping[str, Any]
    epochs: int | None = None
    partial: bool = False

    @property
    def whole(self) -> bool:
        return self.epochs is None and not self.partial

    @property
    def name(self) -> str:
        return f"{self.trial}-{'part' if self.partial else self.epochs or 'whole'}"


@dataclass(frozen=True)
class Fitted:
    """The result of a fit.

    value     of the best epoch so far on the validation data; None: the fit failed, by `error`
    curve     that value after each epoch; empty for a closed form
    seconds   and peak_mib: as measured; a repetition has others
    """

    value: float | None
    curve: list[float] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0
    peak_mib: int | None = None


def read(folder: Path, fit: Fit) -> Fitted | None:
    """Return the stored result of `fit`; None where there is none that can be used."""
    path = folder / f"{fit.name}.json"
    if not path.is_file():
        return None
    try:
        stored = read_sealed(path)
        if stored.pop("options", None) != dict(fit.options):
            raise damaged(path, "it belongs to another trial")
        if fit.whole and stored.get("value") is not None:
            by_user(folder, fit.trial)
        return Fitted(**{key: value for key, value in stored.items() if key in Fitted.__annotations__})
    except (MarqueeError, OSError, TypeError, KeyError) as error:
        say(
            f"trial {fit.trial} runs again, its stored result cannot be used ({str(error).partition(':')[0]})"
        )
        remove(path)
        return None


def write(folder: Path, fit: Fit, found: Fitted, users: Mapping[str, np.ndarray] | None = None) -> None:
    """Store the result of `fit`, and of a whole one what `validate_users` returned."""
    if users is not None:
        write_arrays(folder / f"{fit.trial}.users.safetensors", users, "users")
    write_sealed(folder / f"{fit.name}.json", {**asdict(found), "options": dict(fit.options)})


def by_user(folder: Path, trial: int) -> dict[str, np.ndarray]:
    """Return what a whole fit's `validate_users` returned."""
    return read_arrays(folder / f"{trial}.users.safetensors")[0]


def checkpoint(folder: Path, trial: int) -> Path:
    """Return where the weights of a trial lie between two of its fits."""
    return folder / f"{trial}.safetensors"
