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
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from typing import Any, TypeVar

from marquee.config.names import dotted, require_file, require_names, require_text, shown
from marquee.errors import MarqueeError, did_you_mean

T = TypeVar("T")
LARGEST_WHOLE = 2**31 - 1  # of a whole number without a bound of its own: it may count rows
LARGEST = 1e12  # of any other number: its square is still finite in float32
LONGEST_LIST = 20


class Percent(str):
    """Stand for a text such as `75%` in the type of an option."""


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
    names: bool | None = None,
    file: bool | None = None,
) -> Any:
    """Declare a dataclass field with bounds: `low` and `high` inclusive, `above` and `below` exclusive.

    Without a default the key is required. `keys` are those that a dict must have; `other_keys` marks the dict
    that collects the keys which its dataclass does not name; `names` marks a dict whose keys the user names,
    `file` a text that names a file in data/raw.
    """
    bounds = {"low": low, "high": high, "above": above, "below": below, "choices": choices, "keys": keys}
    bounds |= {"other_keys": other_keys, "names": names, "file": file}
    return dataclasses.field(default=default, metadata={k: v for k, v in bounds.items() if v is not None})


def parse(cls: type[T], block: Any, where: str) -> T:
    """Convert `block` (a mapping; None counts as empty) to a `cls`. `where` is the block's dotted key.

    Raises MarqueeError for an unknown key, a missing one, a wrong type or an impossible value.
    """
    block = mapping(block, where)
    kinds = typing.get_type_hints(cls)
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    rest = next((name for name, field in known.items() if "other_keys" in field.metadata), None)
    if rest:
        own = known.keys() - {rest}
        others = {key: value for key, value in block.items() if key not in own}
        block = {**{key: block[key] for key in own & block.keys()}, rest: others}
    for key in block:
        if key not in known:
            raise MarqueeError(
                f"{dotted(where, key)} is not a parameter{did_you_mean(dotted('', key), known)}"
            )
    values = {}
    for name, field in known.items():
        place, kind = dotted(where, name), kinds[name]
        if name in block or dataclasses.is_dataclass(kind) or typing.get_origin(kind) is Mapping:
            value = block.get(name)
            if "keys" in field.metadata:
                value = _with_keys(mapping(value, place), field.metadata["keys"], place)
            if "names" in field.metadata:
                require_names(mapping(value, place), place)
            values[name] = _convert(value, kind, place)
            _check_bounds(values[name], field.metadata, place)
        elif field.default is MISSING:
            raise MarqueeError(f"{place} is missing; give it a value")
    return cls(**values)


def mapping(block: Any, where: str) -> Mapping[str, Any]:
    """Return `block`, None as an empty one. Raises MarqueeError for anything else."""
    block = {} if block is None else block
    if not isinstance(block, Mapping):
        raise MarqueeError(f"{where} is {shown(block)}, but must be a block of keys")
    return block


def _with_keys(block: Mapping[str, Any], keys: Sequence[str], where: str) -> dict[str, Any]:
    for key in block:
        if key not in keys:
            raise MarqueeError(
                f"{dotted(where, key)} is not a parameter{did_you_mean(dotted('', key), keys)}"
            )
    return {key: block.get(key) for key in keys}


def _convert(value: Any, kind: Any, where: str, or_words: str = "") -> Any:
    """Convert `value` to the declared type `kind`."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return parse(kind, value, where)
    if origin is Mapping:
        block = mapping(value, where)
        return {str(key): _convert(v, inner[1], dotted(where, key)) for key, v in block.items()}
    if origin in (types.UnionType, typing.Union):  # X | None, X | Literal["auto"] | Percent | None
        words = [word for one in inner for word in typing.get_args(one)]
        if value is None or value in words:
            return value
        if Percent in inner:
            words.append("a percentage such as 75%")
            if isinstance(value, str) and _is_percentage(value):
                return value
        return _convert(value, inner[0], where, "".join(f" or {word}" for word in words))
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise MarqueeError(f"{where} is {shown(value)}, but must be a list")
        if len(value) > LONGEST_LIST:
            raise MarqueeError(f"{where} has {len(value):,} values, but must have at most {LONGEST_LIST}")
        return tuple(_convert(v, inner[0], f"{where}[{n}]") for n, v in enumerate(value))
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str):
        require_text(value, where)
        return value
    if kind is str and as_number(value) is not None:  # YAML reads a title such as 1984 as a number
        return str(value)
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    number = as_number(value)
    if kind is float and number is not None:
        return number
    if kind is int and number is not None and number.is_integer():
        return int(number)
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    quotes = "; put it in quotes" * (kind is str and not isinstance(value, Mapping | list | None))
    raise MarqueeError(f"{where} is {shown(value)}, but must be {names[kind]}{or_words}{quotes}")


def as_number(value: Any) -> float | None:
    """Return a finite number, also from text such as `1e-05`; otherwise None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_percentage(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?%", text)) and float(text[:-1]) <= 100


def _check_bounds(value: Any, bounds: Mapping[str, Any], where: str) -> None:
    for one in value if isinstance(value, tuple) else (value,):
        if one is None:
            continue
        if "file" in bounds:
            require_file(one, where)
        if "choices" in bounds and one not in bounds["choices"]:
            raise MarqueeError(
                f"{where} is {shown(one)}{did_you_mean(str(one), map(str, bounds['choices']))}"
            )
        for name, broken, words in (
            ("low", lambda v, b: v < b, "at least"),
            ("high", lambda v, b: v > b, "at most"),
            ("above", lambda v, b: v <= b, "above"),
            ("below", lambda v, b: v >= b, "below"),
        ):
            if name in bounds and broken(one, bounds[name]):
                raise MarqueeError(f"{where} is {shown(one)}, but must be {words} {bounds[name]}")
        if isinstance(one, int | float) and not isinstance(one, bool) and "high" not in bounds:
            most = LARGEST_WHOLE if isinstance(one, int) else LARGEST
            if abs(one) > most:
                raise MarqueeError(f"{where} is {shown(one)}, but must be at most {most:.0f} in size")
