"""Declare what `marquee tune` may try for an algorithm's options: the `SPACE` beside its `Options`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """Every number from `low` to `high`, both included; `log`: evenly on a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        return value in self.values


Space = Mapping[str, Range | Choice]
