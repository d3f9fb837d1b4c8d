"""Read presets: presets/<name>.yaml, with the keys of params.yaml.

The preset of a release has the settings chosen for it. That of a published protocol names its release
(`dataset.name`), whose preset it adds to. Where it has whole model blocks, these are all its models.
presets/models/more.yaml has blocks that params.yaml lacks; `marquee use --models` brings them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marquee.config import INCOMING, load
from marquee.config.names import dotted, require_names
from marquee.config.parsing import as_number, mapping

PRESETS = Path("presets")
MORE_MODELS = PRESETS / "models/more.yaml"


def flatten(block: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return dotted key → value of nested blocks; a list is a value."""
    flat: dict[str, Any] = {}
    for key, value in block.items():
        place = f"{where}.{key}" if where else str(key)
        flat |= flatten(value, place) if isinstance(value, Mapping) else {place: value}
    return flat


def names() -> list[str]:
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def preset(name: str) -> dict[str, Any] | None:
    """Return dotted key → value that the preset `name` sets; None where there is none.

    presets/synthetic-100k.yaml has the default of every key that any preset sets. Keys of models are left out
    where `models_of` has whole blocks.
    """
    if name not in names():
        return None
    base, whole = flatten(_read("synthetic-100k")), models_of(name)
    if (release := release_of(name)) != name and release in names():
        base |= flatten(_read(release))
    found = base | flatten(_read(name))
    return {key: value for key, value in found.items() if not (whole and key.startswith("models."))}


def release_of(name: str) -> str:
    """Return the release that a preset belongs to: its `dataset.name`, or one of the preset's own name."""
    return str(_read(name)["dataset"].get("name", name)) if name in names() else name


def models_of(name: str) -> dict[str, Any]:
    """Return the model blocks of a preset that has whole ones; they are then all models. {} otherwise."""
    models: dict[str, Any] = _read(name)["models"]
    return models if models and all("algorithm" in block for block in models.values()) else {}


def more_models() -> dict[str, Any]:
    """Return the model blocks that params.yaml has not by default."""
    return _blocks(MORE_MODELS)["models"] if MORE_MODELS.is_file() else {}


def is_from_preset(models: Any) -> bool:
    """Whether these model blocks are those of a protocol, which `marquee use` put there."""
    return any(models == models_of(name) for name in names())


def preset_not_followed(path: Path) -> str | None:
    """Say how to follow the preset of the release that params.yaml at `path` names.

    None where it does, and where it follows that of a protocol.
    """
    tree = load(path)
    flat = flatten(tree)
    name, own = flat["dataset.name"], str(flat.get("dataset.path", INCOMING))
    source = str(flat.get("dataset.source", "official")) if own == INCOMING else own
    n = _differing(flat, name)
    if not n or any(_followed(tree, flat, one) for one in names() if release_of(one) != one):
        return None
    command = f"marquee use {name}" + ("" if source == "official" else f" --source {shlex.quote(source)}")
    return f"{path} does not follow the preset of {name} in {n} values: `{command}` sets them"


def _followed(tree: Mapping[str, Any], flat: Mapping[str, Any], name: str) -> bool:
    return _differing(flat, name) == 0 and models_of(name) in ({}, tree["models"])


def _differing(flat: Mapping[str, Any], name: str) -> int:
    """Count the keys of a preset with another value; another release does not count."""
    chosen = {**(preset(name) or {}), "dataset.name": flat["dataset.name"]}
    return sum(key in flat and not _equal(flat[key], value) for key, value in chosen.items())


def _read(name: str) -> dict[str, Any]:
    return _blocks(PRESETS / f"{name}.yaml")


def _blocks(path: Path) -> dict[str, Any]:
    """Read a preset. Raises MarqueeError where `dataset` or `models` is no block, or a model is none."""
    found = load(path)
    for key in ("dataset", "models"):
        found[key] = dict(mapping(found.get(key), f"{path}: {key}"))
    require_names(found["models"], f"{path}: models")
    for model, block in found["models"].items():
        found["models"][model] = mapping(block, f"{path}: {dotted('models', model)}")
    return found


def _equal(one: Any, other: Any) -> bool:
    return one == other or (as_number(one) is not None and as_number(one) == as_number(other))
