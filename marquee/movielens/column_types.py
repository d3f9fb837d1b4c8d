"""Types of the fields of a text file: an Arrow type for the fast reader, a function for the slow one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa


@dataclass(frozen=True)
class ColumnType:
    """The Arrow type of a column, and the slow reader's conversion; its ValueError says what is wrong."""

    type: pa.DataType
    convert: Callable[[str], object]


_is_whole = re.compile(r"\s*-?[0-9]+\s*").fullmatch


def whole(bits: int) -> ColumnType:
    """Return the type of signed whole numbers of so many bits."""
    limit = 2 ** (bits - 1)

    def convert(text: str) -> int:
        if not _is_whole(text):
            raise ValueError(f"{text!r} is not a whole number")
        if not -limit <= int(text) < limit:
            raise ValueError(f"{text} is too large")
        return int(text)

    return ColumnType(pa.type_for_alias(f"int{bits}"), convert)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value


def _date_time(text: str) -> int:
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a date and time such as 2005-04-02 23:53:47") from None
    return math.floor((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())


def _text(text: str) -> str:
    text.encode()  # UnicodeEncodeError, a ValueError, where bytes were not UTF-8
    return text


def _name(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return _text(text)


WHOLE = whole(64)
NUMBER = ColumnType(pa.float32(), _number)
DATE_TIME = ColumnType(pa.timestamp("s"), _date_time)  # ISO 8601, UTC without a zone
NAME = ColumnType(pa.string(), _name)  # empty text is a fault
TEXT = ColumnType(pa.string(), _text)
