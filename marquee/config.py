"""Options as frozen dataclasses, and the one way to read them from a parsed YAML block.

    @dataclass(frozen=True)
    class Options:
        dim: int = option(32, low=1)
        sampling: str = option("uniform", choices=("uniform", "popularity"))

A value is converted by the declared type (`1e-05`, which YAML 1.1 reads as text, becomes a float) and
held against its bounds; whatever does not fit is a MarqueeError that names the key.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, TypeVar

from marquee.errors import MarqueeError, did_you_mean

T = TypeVar("T")


def option(
    default: Any = MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[Any] | None = None,
) -> Any:
    """A dataclass field with bounds: `low` and `high` inclusive, `above` and `below` exclusive.

    Without a default the key is required.
    """
    bounds = {"low": low, "high": high, "above": above, "below": below, "choices": choices}
    return dataclasses.field(default=default, metadata={k: v for k, v in bounds.items() if v is not None})


def parse(cls: type[T], block: Any, where: str) -> T:
    """`block` (a mapping; None counts as empty) as a `cls`. `where` is the block's dotted key.

    Raises MarqueeError for an unknown key, a missing one, a wrong type or an impossible value.
    """
    if block is None:
        block = {}
    if not isinstance(block, Mapping):
        raise MarqueeError(f"{where} is {block!r}, but must be a block of keys")
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in block:
        if key not in known:
            raise MarqueeError(f"{_join(where, key)} is not a parameter{did_you_mean(str(key), known)}")
    kinds = typing.get_type_hints(cls)
    values = {}
    for name, field in known.items():
        place = _join(where, name)
        if name in block:
            values[name] = _convert(block[name], kinds[name], place)
            _hold_to_bounds(values[name], field.metadata, place)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise MarqueeError(f"{place} is missing; give it a value")
    return cls(**values)


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _convert(value: Any, kind: Any, where: str) -> Any:
    """`value` as the declared type `kind`."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return parse(kind, value, where)
    if origin is types.UnionType:  # X | None
        inner = next(k for k in typing.get_args(kind) if k is not type(None))
        return None if value is None else _convert(value, inner, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise MarqueeError(f"{where} is {value!r}, but must be a list")
        return tuple(_convert(v, typing.get_args(kind)[0], f"{where}[{n}]") for n, v in enumerate(value))
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str):
        return value
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if kind is int and _is_whole(value):
        return int(value)
    if kind is float and not isinstance(value, bool):
        number = _number(value)
        if number is not None:
            return number
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    raise MarqueeError(f"{where} is {value!r}, but must be {names[kind]}")


def _is_whole(value: Any) -> bool:
    number = _number(value)
    return not isinstance(value, bool) and number is not None and number.is_integer()


def _number(value: Any) -> float | None:
    """A finite number, also from text such as `1e-05`; otherwise None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _hold_to_bounds(value: Any, bounds: Mapping[str, Any], where: str) -> None:
    if value is None:
        return
    for one in value if isinstance(value, tuple) else (value,):
        if "choices" in bounds and one not in bounds["choices"]:
            raise MarqueeError(f"{where} is {one!r}{did_you_mean(str(one), map(str, bounds['choices']))}")
        for name, broken, words in (
            ("low", lambda v, b: v < b, "at least"),
            ("high", lambda v, b: v > b, "at most"),
            ("above", lambda v, b: v <= b, "above"),
            ("below", lambda v, b: v >= b, "below"),
        ):
            if name in bounds and broken(one, bounds[name]):
                raise MarqueeError(f"{where} is {one}, but must be {words} {bounds[name]}")


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
    train_data: str
    algorithm: str
    options: dict[str, Any]


BLOCKS = (
    "seed",
    "dataset",
    "simulator",
    "ingest",
    "tasks",
    "negatives",
    "candidates",
    "models",
    "evaluate",
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
            raise MarqueeError(f"{block} is not a block of {path}{did_you_mean(str(block), BLOCKS)}")
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
        raise MarqueeError(f"models.{name} is not in params.yaml{did_you_mean(name, models)}")
    entry = models[name]
    where = f"models.{name}"
    if not isinstance(entry, Mapping):
        raise MarqueeError(f"{where} is {entry!r}, but must be a block of keys")
    common = {}
    for key, choices in (("task", TASKS), ("train_data", (*TASKS, "negatives")), ("algorithm", None)):
        if key not in entry:
            raise MarqueeError(f"{where}.{key} is missing; give it a value")
        common[key] = str(entry[key])
        if choices and common[key] not in choices:
            raise MarqueeError(f"{where}.{key} is {entry[key]!r}{did_you_mean(common[key], choices)}")
    options = {key: value for key, value in entry.items() if key not in common}
    return ModelEntry(name=name, **common, options=options)
