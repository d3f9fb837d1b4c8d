"""Decide by a whole column whether its ids are whole numbers or text."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# 007 is not 7, so with leading zeros ids are text; pandas writes whole numbers as 7.0 where a column has gaps
IDS = ("user", "movie")
WHOLE = r"^(?:0|-?[1-9][0-9]{0,18})(?:\.0+)?$"
NINE = ord("9")


def settle(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return ids as int64 where each is a whole number, otherwise as text without blanks around it.

    None where an id is empty or contains a NUL, which ends a name in most programs.
    """
    if (numbers := _plain_numbers(texts)) is not None:
        return numbers
    known = pc.unique(texts)
    names = pc.utf8_trim_whitespace(known)
    if pc.any(pc.or_(pc.equal(names, ""), pc.match_substring(names, "\0"))).as_py():
        return None
    if pc.all(pc.match_substring_regex(names, WHOLE)).as_py():
        with suppress(pa.ArrowInvalid):  # beyond 64 bits
            names = pc.replace_substring_regex(names, r"\..*", "").cast(pa.int64())
    if names.equals(known):
        return texts
    return pa.chunked_array([names.take(pc.index_in(chunk, known)) for chunk in texts.chunks], names.type)


def settle_part(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return ids of one file of several as int64 where `str` gives back each text, otherwise as they are.

    `settle` of all parts as text then is that of one file. None where an id is empty or contains a NUL.
    """
    numbers = _plain_numbers(texts)
    return numbers if numbers is not None else texts if settle(texts) is not None else None


def _plain_numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return int64 where every text is what its number prints as; None otherwise. A tenth of the time.

    Arrow reads 007 and 0x7 as 7. So no letter may occur, and the texts must be as long as their numbers.
    """
    numbers = []
    for chunk in texts.chunks:
        _, offsets, letters = chunk.buffers()
        first, last = np.frombuffer(offsets, np.int32)[[chunk.offset, chunk.offset + len(chunk)]]
        if first == last or np.frombuffer(letters, np.uint8)[first:last].max() > NINE:
            return None
        try:
            found = chunk.cast(pa.int64())
        except pa.ArrowInvalid:
            return None
        if last - first != _printed_length(found.to_numpy()):
            return None
        numbers.append(found)
    return pa.chunked_array(numbers, pa.int64())


def _printed_length(numbers: np.ndarray) -> int:
    """Return the digits and minus signs of all `numbers`, int64 [n], together."""
    low, high = int(numbers.min()), int(numbers.max())
    length = len(numbers) + (np.count_nonzero(numbers < 0) if low < 0 else 0)
    for power in (10**digits for digits in range(1, 19)):
        length += np.count_nonzero(numbers >= power) if high >= power else 0
        length += np.count_nonzero(numbers <= -power) if low <= -power else 0
    return int(length)


def of_one_type(*columns: pa.ChunkedArray) -> list[pa.ChunkedArray]:
    """Return id columns that can be compared: all as text where one has text."""
    types = {column.type for column in columns}
    if len(types) == 1:
        return list(columns)
    common = pa.int64() if all(map(pa.types.is_integer, types)) else pa.string()
    return [column.cast(common) for column in columns]


def with_narrow_ids(table: pa.Table) -> pa.Table:
    """Return int64 ids as int32 where all of a column fit: half of what a driver holds of them."""
    for place, name in enumerate(table.column_names):
        if name in IDS and table[name].type == pa.int64():
            with suppress(pa.ArrowInvalid):
                table = table.set_column(place, name, table[name].cast(pa.int32()))
    return table
