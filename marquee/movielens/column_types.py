"""Types of the fields of a text file: an Arrow type for the fast reader, a function for the slow one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

FIRST_TIME, LAST_TIME = -2_208_988_800, 10_413_791_999  # Unix seconds of the years 1900 to 2299
YEAR = 31_556_952  # seconds
LARGEST_RATING = 1e9  # a count of plays may be large; what is larger is an id or a time


@dataclass(frozen=True)
class ColumnType:
    """The Arrow type of a column, and the slow reader's conversion; its ValueError says what is wrong."""

    type: pa.DataType
    convert: Callable[[str], object]


_is_whole = re.compile(r"\s*-?[0-9]+\s*").fullmatch
_is_number = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*").fullmatch


def whole(bits: int) -> ColumnType:
    """Return the type of signed whole numbers of so many bits."""
    limit = 2 ** (bits - 1)

    def convert(text: str) -> int:
        if not _is_whole(text):
            raise ValueError(f"{_shown(text)} is not a whole number")
        if len(text) > 40 or not -limit <= int(text) < limit:
            raise ValueError(f"{_shown(text)} is too large")
        return int(text)

    return ColumnType(pa.type_for_alias(f"int{bits}"), convert)


def _number(text: str) -> float:
    if not _is_number(text):
        raise ValueError(f"{_shown(text)} is not a number")
    value = float(text)
    if not abs(value) <= LARGEST_RATING:
        raise ValueError(f"{_shown(text)} is too large")
    return value


def _comma_number(text: str) -> float:
    if "." in text:
        raise ValueError(f"{_shown(text)} is not a number with a decimal comma")
    return _number(text.replace(",", "."))


def _seconds(text: str) -> int:
    if not _is_number(text):
        raise ValueError(f"{_shown(text)} is not a whole number of Unix seconds")
    return _moment(float(text))


def _date_time(text: str) -> int:
    try:
        date = datetime.fromisoformat(text.strip())
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(text)} is not a date and time such as 2005-04-02 23:53:47") from None
    return _moment(seconds)


def _moment(seconds: float) -> int:
    if not FIRST_TIME <= seconds <= LAST_TIME:
        raise ValueError(wrong_time(seconds))
    return math.floor(seconds)


def wrong_time(seconds: float) -> str:
    """Say what is wrong with a time outside of FIRST_TIME to LAST_TIME, and what it may be."""
    units = {1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
    fits = [name for size, name in units.items() if 0 < seconds / size <= LAST_TIME]
    guess = f"; these may be {fits[0]}" if fits else ""
    return f"{seconds:.0f} is in the year {1970 + seconds / YEAR:.0f}, not in 1900 to 2299{guess}"


def times_fit(column: pa.ChunkedArray) -> bool:
    """Return whether all Unix seconds of an Arrow column of numbers or times lie in 1900 to 2299."""
    if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column)).as_py():
        return False
    ends = pc.min_max(column)
    low, high = (end.cast(pa.int64(), safe=False).as_py() for end in (ends["min"], ends["max"]))
    return low is None or (low >= FIRST_TIME and high <= LAST_TIME)


def _text(text: str) -> str:
    text.encode()  # UnicodeEncodeError, a ValueError, where bytes were not UTF-8
    return text


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    if "\0" in text:
        raise ValueError(f"{_shown(text)} contains a NUL")
    return _text(text)


def _shown(text: str) -> str:
    """Quote the text, cut after 40 letters."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


WHOLE = whole(64)
NUMBER = ColumnType(pa.float32(), _number)
COMMA_NUMBER = ColumnType(pa.float32(), _comma_number)  # 4,5 as spreadsheets write it in half of the world
SECONDS = ColumnType(pa.int64(), _seconds)
FRACTIONS = ColumnType(
    pa.float64(), _seconds
)  # of seconds: whole numbers with a point, as pandas writes them
DATE_TIME = ColumnType(pa.timestamp("s"), _date_time)  # ISO 8601, UTC without a zone
NAME = ColumnType(pa.string(), _name)  # an id; empty text is a fault
NAME_IN_PART = ColumnType(pa.string(), _name)  # an id in one of several files, which decide together
TEXT = ColumnType(pa.string(), _text)
