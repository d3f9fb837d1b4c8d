"""params.yaml, block by block; each block's options are declared in the module that uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from marquee.foundation.errors import MarqueeError, nearest
from marquee.foundation.options import option, parse

T = TypeVar("T")
TASKS = ("rating", "ranking")


@dataclass(frozen=True)
class Dataset:
    name: str
    source: str = "official"


@dataclass(frozen=True)
class Evaluation:
    ks: tuple[int, ...] = option((5, 10, 20), low=1)


@dataclass(frozen=True)
class Report:
    title: str = "Marquee"


@dataclass(frozen=True)
class ModelEntry:
    """One block of `models:`. What is not named here belongs to the algorithm's own options."""

    name: str
    task: str
    trains_on: str
    algorithm: str
    options: dict[str, Any]


BLOCKS = (
    "seed",
    "dataset",
    "simulate",
    "ingest",
    "tasks",
    "negatives",
    "candidates",
    "models",
    "evaluation",
    "compare",
    "report",
)


def read(path: Path) -> dict[str, Any]:
    """The parsed file. Raises MarqueeError for a missing file, broken YAML or an unknown block."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MarqueeError(f"{path} is missing; run from the repository's top folder") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise MarqueeError(f"{path}{line}: not readable as YAML; mend that line") from None
    if not isinstance(content, Mapping):
        raise MarqueeError(f"{path} holds no blocks; restore it with `git checkout {path}`")
    for block in content:
        if block not in BLOCKS:
            raise MarqueeError(f"{block} is not a block of {path}{nearest(str(block), BLOCKS)}")
    return dict(content)


def block(params: Mapping[str, Any], name: str, cls: type[T]) -> T:
    """The block at the dotted `name` (an absent one takes all defaults) as a `cls`."""
    found: Any = params
    for part in name.split("."):
        found = (found or {}).get(part)
    return parse(cls, found, name)


def seed(params: Mapping[str, Any]) -> int:
    @dataclass(frozen=True)
    class Seed:
        seed: int = option(low=0)

    return parse(Seed, {key: params[key] for key in params if key == "seed"}, "").seed


def model(params: Mapping[str, Any], name: str) -> ModelEntry:
    """The entry `models.<name>`; its options are still unparsed."""
    models = params.get("models") or {}
    if name.startswith("oracle"):
        raise MarqueeError(f"models.{name} cannot be called so: oracle is the planted truth; rename it")
    if name not in models:
        raise MarqueeError(f"models.{name} is not in params.yaml{nearest(name, models)}")
    entry = models[name]
    where = f"models.{name}"
    if not isinstance(entry, Mapping):
        raise MarqueeError(f"{where} is {entry!r}, but must be a block of keys")
    common = {}
    for key, choices in (("task", TASKS), ("trains_on", (*TASKS, "negatives")), ("algorithm", None)):
        if key not in entry:
            raise MarqueeError(f"{where}.{key} is missing; give it a value")
        common[key] = str(entry[key])
        if choices and common[key] not in choices:
            raise MarqueeError(f"{where}.{key} is {entry[key]!r}{nearest(common[key], choices)}")
    options = {key: value for key, value in entry.items() if key not in common}
    return ModelEntry(name=name, **common, options=options)
