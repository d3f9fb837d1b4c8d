"""Which parameters of a release were tuned: presets/tuned/<release>.yaml, written by `marquee tune --record`.

A record holds for the very options and the split that were compared. Change one, and nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from marquee.config import ModelEntry, SplitOptions, load
from marquee.config.presets import PRESETS
from marquee.errors import MarqueeError
from marquee.io import digest, write_text
from marquee.recommenders import create

Record = Mapping[str, Any]
HEAD = """\
# What `marquee tune --record` found on the validation data of this release; `marquee leaderboard` shows it.
# seconds: of all fits together. defaults, winner: hashes of all options of the model and of its split.
"""


def record(found: Mapping[str, Any], seconds: float, task: str, split: SplitOptions) -> Record:
    """Return what is kept of `summary` and of the seconds that all fits took."""
    gain = found["gain"]
    return {
        "metric": found["metric"],
        "trials": found["trials"],
        "seconds": round(seconds),
        "gain": {key: gain[key] for key in ("value", "low", "high")},
        **{name: _hash(found[name]["options"], task, split) for name in ("defaults", "winner")},
    }


def path_of(release: str) -> Path:
    return PRESETS / "tuned" / f"{release}.yaml"


def read(release: str) -> dict[str, Record]:
    """Return model -> its record; none where nothing was recorded. Raises MarqueeError for a damaged file."""
    path = path_of(release)
    if not path.is_file():
        return {}
    found = load(path)
    for name, one in found.items():
        try:
            numbers = [one["trials"], one["seconds"], *(one["gain"][key] for key in ("value", "low", "high"))]
            if not all(isinstance(number, int | float) for number in numbers):
                raise TypeError
            (one["defaults"], one["winner"])
        except (TypeError, KeyError):
            raise MarqueeError(
                f"{path}: the record of {name} is damaged: restore it with `git checkout {path}`"
            ) from None
    return found


def write(release: str, name: str, new: Record) -> Path:
    """Add the record of a model, or replace it; return the file."""
    import yaml

    known = {**read(release), name: new}
    text = yaml.safe_dump({key: known[key] for key in sorted(known)}, sort_keys=False)
    write_text(path_of(release), HEAD + text)
    return path_of(release)


def how_tuned(name: str, entry: ModelEntry, split: SplitOptions, records: Mapping[str, Record]) -> str:
    """Return `tuned` or `defaults` where a search compared these very parameters, else nothing.

    `tuned` are the winner's, `defaults` those that the winner was compared with.
    """
    if name not in records:
        return ""
    options = asdict(create(entry.algorithm, entry.task, entry.options, f"models.{name}").options)
    own = _hash(options, entry.task, split)
    return "tuned" if own == records[name]["winner"] else "defaults" * (own == records[name]["defaults"])


def rows(
    models: Mapping[str, ModelEntry], tasks: Mapping[str, SplitOptions], records: Mapping[str, Record]
) -> Sequence[tuple[str, str, Record]]:
    """Return (model, `tuned` or `defaults`, record) for each model that a record holds for."""
    found = [
        (name, how_tuned(name, entry, tasks[entry.task], records), records.get(name, {}))
        for name, entry in models.items()
    ]
    return [row for row in found if row[1]]


COLUMNS = ("model", "parameters", "trials", "seconds", "gain of the best over the defaults")


def cells(row: tuple[str, str, Record]) -> list[str]:
    """Return the cells of a row of `rows` under COLUMNS."""
    name, how, one = row
    gain = one["gain"]
    words = f"{gain['value']:+.4f} [{gain['low']:.4f}, {gain['high']:.4f}]"
    if one.get("metric", "").startswith("sampled_"):
        words += ", among candidates"
    return [name, how, str(one["trials"]), f"{one['seconds']:,}", words]


def _hash(options: Mapping[str, Any], task: str, split: SplitOptions) -> str:
    """Return a hash of all options and of what the split is told beside its defaults.

    Under `file`, validation is a part of the training file: without one the test is the same.
    """
    told = {one.name: value for one in fields(split) if (value := getattr(split, one.name)) != one.default}
    if split.split == "file":
        told.pop("validation", None)
    return digest([], {"options": dict(options), "task": task, "split": told})[:16]
