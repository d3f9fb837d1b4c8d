"""Read the header of a CSV file, and find out what separates its fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.movielens.column_types import (
    COMMA_NUMBER,
    DATE_TIME,
    FRACTIONS,
    NAME,
    NUMBER,
    SECONDS,
    TEXT,
    ColumnType,
)
from marquee.movielens.text_rows import CsvSpec, encoding_of, not_utf8, rows
from marquee.terminal import excerpt

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
SAMPLE = 1000  # rows that decide between 4.5 and 4,5
OPTIONAL = ("timestamp", "title", "genres")


@dataclass(frozen=True)
class Header:
    """The column names of a file, its format, and its first rows of fields."""

    path: Path
    separator: str
    encoding: str
    names: Sequence[str]
    sample: Sequence[Sequence[str]]

    def spec(self, wanted: Mapping[str, str], ids: ColumnType | None) -> CsvSpec:
        """Return how to read the columns `wanted` (ours -> the file's); `ids`: the type of ids, if known.

        Raises MarqueeError where one is missing.
        """
        where = f"{self.path} line 1, separated by {SEPARATORS[self.separator]}s,"
        require(wanted, self.names, where)
        ours_of = {theirs: ours for ours, theirs in wanted.items()}
        fields = {
            ours_of.get(name, f"{n} unwanted"): self._type(ours_of[name], n, ids) if name in ours_of else None
            for n, name in enumerate(self.names)
        }
        return CsvSpec(self.path, self.separator, fields, header=True, quoted=True, encoding=self.encoding)

    def _type(self, ours: str, column: int, ids: ColumnType | None) -> ColumnType:
        """Return the type of our column `ours` by its first values."""
        values = [row[column] for row in self.sample if column < len(row)]
        first = values[0] if values else "0"
        if ours in ("user", "movie"):
            return ids or NAME
        if ours == "timestamp" and re.match(r"\s*[0-9]{4}-[0-9]", first):
            return DATE_TIME
        if ours == "timestamp":
            return FRACTIONS if "." in first else SECONDS
        if ours == "rating":
            points, commas = (sum(mark in value for value in values) for mark in ".,")
            return COMMA_NUMBER if self.separator == ";" and commas and commas >= points else NUMBER
        return TEXT


def read_header(path: Path, is_wanted: Callable[[str], bool]) -> Header | None:
    """Return the header by the separator that finds most of the wanted columns; None for an empty file.

    Raises MarqueeError for text in another encoding than UTF-8 or UTF-16.
    """
    encoding = encoding_of(path)

    def split(separator: str, lines: int) -> list[tuple[int, list[str]]]:
        return list(islice(rows(CsvSpec(path, separator, {}, quoted=True, encoding=encoding)), lines))

    found = {}
    for separator in SEPARATORS:
        first = split(separator, 1)
        if not first:
            return None
        line, names = first[0]
        if any("\ud800" <= letter <= "\udfff" for name in names for letter in name):
            raise not_utf8(path, line, "".join(names))
        found[separator] = [name.strip() for name in names]

    def fit(separator: str) -> tuple[int, int]:
        return sum(map(is_wanted, set(found[separator]))), len(found[separator])

    separator = max(found, key=fit)
    sample = [fields for _, fields in split(separator, SAMPLE)][1:]
    return Header(path, separator, encoding, found[separator], sample)


def require(wanted: Mapping[str, str], found: Sequence[str], where: str) -> None:
    """Raise MarqueeError unless each wanted column exists once, and none is wanted twice."""
    for ours, theirs in wanted.items():
        if list(wanted.values()).count(theirs) > 1:
            raise MarqueeError(
                f"ingest.columns.{ours} is {theirs!r}, and so is another key: name each column once"
            )
        if found.count(theirs) > 1:
            raise MarqueeError(f"{where} has {found.count(theirs)} columns {theirs!r}: rename or remove one")
        if theirs not in found:
            optional = " (null if there is none)" if ours in OPTIONAL else ""
            if ours == "rating":
                optional = (
                    "; data without ratings: `marquee use custom --implicit` makes every row a positive"
                )
            headless = not any(re.search("[^0-9.,:; -]", name) for name in found)
            advice = (
                "begin the file with a line of column names"
                if headless
                else f"set ingest.columns.{ours} to the right one{optional}"
            )
            raise MarqueeError(f"{where} has no column {theirs!r}, only {listed(found)}: {advice}")


def listed(names: Sequence[str], most: int = 20) -> str:
    """Return up to `most` names for a message of one line, each cut after 40 letters."""
    shown = ", ".join(excerpt(name, 40) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
