"""Read the settings chosen for each release: presets/<release>.yaml, with the keys of params.yaml."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marquee.config import INCOMING, load
from marquee.config.parsing import as_number

PRESETS = Path("presets")


def flatten(block: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return dotted key → value of nested blocks; a list is a value."""
    flat: dict[str, Any] = {}
    for key, value in block.items():
        place = f"{where}.{key}" if where else str(key)
        flat |= flatten(value, place) if isinstance(value, Mapping) else {place: value}
    return flat


def preset(name: str) -> dict[str, Any] | None:
    """Return dotted key → value chosen for the release `name`; None where it has no preset.

    presets/synthetic-100k.yaml has the default of every key that any preset sets.
    """
    path = PRESETS / f"{name}.yaml"
    return flatten(load(PRESETS / "synthetic-100k.yaml")) | flatten(load(path)) if path.is_file() else None


def preset_not_followed(path: Path) -> str | None:
    """Say how to follow the preset of the release that params.yaml at `path` names; None where it does."""
    flat = flatten(load(path))
    name, own = flat["dataset.name"], str(flat.get("dataset.path", INCOMING))
    source = str(flat.get("dataset.source", "official")) if own == INCOMING else own
    chosen = (preset(name) or {}).items()
    n = sum(key in flat and not _equal(flat[key], value) for key, value in chosen)
    command = f"marquee use {name}" + ("" if source == "official" else f" --source {shlex.quote(source)}")
    return f"{path} does not follow the preset of {name} in {n} values: `{command}` sets them" if n else None


def _equal(one: Any, other: Any) -> bool:
    return one == other or (as_number(one) is not None and as_number(one) == as_number(other))
