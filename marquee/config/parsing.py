"""Declare options as frozen dataclasses, and read them from a block of YAML.

    @dataclass(frozen=True)
    class Options:
        dim: int = option(32, low=1)
        sampling: str = option("uniform", choices=("uniform", "popularity"))

A value is converted by its declared type: PyYAML reads `1e-05`, as DVC writes it, as text.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
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
    keys: Sequence[str] | None = None,
    other_keys: bool | None = None,
) -> Any:
    """Declare a dataclass field with bounds: `low` and `high` inclusive, `above` and `below` exclusive.

    Without a default the key is required. `keys` are those that a dict must have; `other_keys` marks the dict
    that collects the keys which its dataclass does not name.
    """
    bounds = {"low": low, "high": high, "above": above, "below": below, "choices": choices, "keys": keys}
    bounds["other_keys"] = other_keys
    return dataclasses.field(default=default, metadata={k: v for k, v in bounds.items() if v is not None})


def parse(cls: type[T], block: Any, where: str) -> T:
    """Convert `block` (a mapping; None counts as empty) to a `cls`. `where` is the block's dotted key.

    Raises MarqueeError for an unknown key, a missing one, a wrong type or an impossible value.
    """
    block = _mapping(block, where)
    kinds = typing.get_type_hints(cls)
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    rest = next((name for name, field in known.items() if "other_keys" in field.metadata), None)
    if rest:
        own = known.keys() - {rest}
        others = {key: value for key, value in block.items() if key not in own}
        block = {**{key: block[key] for key in own & block.keys()}, rest: others}
    for key in block:
        if key not in known:
            raise MarqueeError(f"{_join(where, key)} is not a parameter{did_you_mean(str(key), known)}")
    values = {}
    for name, field in known.items():
        place, kind = _join(where, name), kinds[name]
        if name in block or dataclasses.is_dataclass(kind) or typing.get_origin(kind) is Mapping:
            value = block.get(name)
            if "keys" in field.metadata:
                value = _with_keys(_mapping(value, place), field.metadata["keys"], place)
            values[name] = _convert(value, kind, place)
            _check_bounds(values[name], field.metadata, place)
        elif field.default is MISSING:
            raise MarqueeError(f"{place} is missing; give it a value")
    return cls(**values)


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _mapping(block: Any, where: str) -> Mapping[str, Any]:
    block = {} if block is None else block
    if not isinstance(block, Mapping):
        raise MarqueeError(f"{where} is {block!r}, but must be a block of keys")
    return block


def _with_keys(block: Mapping[str, Any], keys: Sequence[str], where: str) -> dict[str, Any]:
    for key in block:
        if key not in keys:
            raise MarqueeError(f"{_join(where, key)} is not a parameter{did_you_mean(str(key), keys)}")
    return {key: block.get(key) for key in keys}


def _convert(value: Any, kind: Any, where: str, or_words: str = "") -> Any:
    """Convert `value` to the declared type `kind`."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return parse(kind, value, where)
    if origin is Mapping:
        block = _mapping(value, where)
        return {str(key): _convert(v, inner[1], _join(where, key)) for key, v in block.items()}
    if origin in (types.UnionType, typing.Union):  # X | None, X | Literal["auto"] | None
        words = [word for one in inner for word in typing.get_args(one)]
        if value is None or value in words:
            return value
        return _convert(value, inner[0], where, "".join(f" or {word}" for word in words))
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise MarqueeError(f"{where} is {value!r}, but must be a list")
        return tuple(_convert(v, inner[0], f"{where}[{n}]") for n, v in enumerate(value))
    if kind in (bool, str) and isinstance(value, kind):
        return value
    if not isinstance(value, bool):
        if kind is str and isinstance(value, int | float):
            return str(value)
        number = as_number(value)
        if kind is float and number is not None:
            return number
        if kind is int and number is not None and number.is_integer():
            return int(value) if isinstance(value, int) else int(number)
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    raise MarqueeError(f"{where} is {value!r}, but must be {names[kind]}{or_words}")


def as_number(value: Any) -> float | None:
    """Return a finite number, also from text such as `1e-05`; otherwise None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _check_bounds(value: Any, bounds: Mapping[str, Any], where: str) -> None:
    for one in value if isinstance(value, tuple) else (value,):
        if one is None:
            continue
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
