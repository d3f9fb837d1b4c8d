"""Open text files of separated fields in any encoding, and yield their rows with line numbers.

Python's csv module knows on which line a row begins, also after blank lines and quoted line ends.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.movielens.column_types import ColumnType

UNIT = "\x1f"  # one character in place of `::`, which neither reader knows
END = ["\0the", "end\0"]  # a row of its own behind the last one, unless a quote was never closed
LONGEST = 1 << 24  # letters in a field
CHUNK = 1 << 22  # bytes
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class CsvSpec:
    """A file and its format. `fields` names every column from left to right; None: not wanted."""

    path: Path
    separator: str
    fields: Mapping[str, ColumnType | None]
    header: bool = False
    quoted: bool = False
    encoding: str = "utf-8"  # or utf-16, or latin-1: that unless it is valid UTF-8, as re-encoded copies are

    @property
    def wanted(self) -> dict[str, ColumnType]:
        return {name: column for name, column in self.fields.items() if column is not None}

    @property
    def delimiter(self) -> str:
        return self.separator if len(self.separator) == 1 else UNIT


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what the system says about `path` into a MarqueeError."""
    try:
        yield
    except FileNotFoundError:
        raise MarqueeError(
            f"{path} is missing: check its path; of a release, set dataset.path to a complete copy"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise MarqueeError(f"{path} cannot be read ({reason}): check its permissions and the disk") from None


def encoding_of(path: Path) -> str:
    """Return utf-16 where a byte order mark says so, otherwise utf-8.

    Raises MarqueeError for UTF-32, and for UTF-16 without a mark.
    """
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise MarqueeError(f"{path} is UTF-32 text: save the file as UTF-8")
    if head.startswith(UTF_16):
        return "utf-16"
    if b"\0" in head:
        raise MarqueeError(f"{path} contains NULs, as UTF-16 text or no text does: save the file as UTF-8")
    return "utf-8"


def decoded(spec: CsvSpec, content: bytes) -> str:
    """Return the text of `content`. Raises UnicodeDecodeError."""
    try:
        return content.decode("utf-16" if spec.encoding == "utf-16" else "utf-8-sig")
    except UnicodeDecodeError:
        if spec.encoding != "latin-1":
            raise
        return content.decode("latin-1")


def count(path: Path, byte: bytes) -> int:
    """Return how often a byte occurs in a file."""
    with path.open("rb") as file:
        return sum(chunk.count(byte) for chunk in iter(lambda: file.read(CHUNK), b""))


def rows(spec: CsvSpec) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each row that is not blank, header included.

    A byte that is not UTF-8 becomes a surrogate. Raises MarqueeError for a quote that is never closed, since
    all rows behind it would be one field, and for a field longer than LONGEST.
    """
    csv.field_size_limit(LONGEST)  # of the process; the default, 131,072, is less than a long review
    line = 1
    try:
        with _opened(spec) as file:
            lines = file if len(spec.separator) == 1 else (x.replace(spec.separator, UNIT) for x in file)
            reader = csv.reader(
                chain(lines, [spec.delimiter.join(END)]),
                delimiter=spec.delimiter,
                quoting=csv.QUOTE_MINIMAL if spec.quoted else csv.QUOTE_NONE,
            )
            for fields in reader:
                if fields and fields[-1].endswith(END[1]):
                    break
                if fields:
                    yield line, fields
                line = reader.line_num + 1
            if fields != END:
                raise MarqueeError(f"{spec.path} line {line}: a quote opens there and never closes: close it")
    except csv.Error as error:
        raise MarqueeError(f"{spec.path} line {line}: {error}: correct that line") from None
    except UnicodeDecodeError:
        raise MarqueeError(f"{spec.path}: not complete UTF-16 text: save the file as UTF-8") from None


def _opened(spec: CsvSpec) -> io.TextIOBase:
    if spec.encoding == "latin-1":
        return io.StringIO(decoded(spec, spec.path.read_bytes()), newline="")
    if spec.encoding == "utf-16":
        return spec.path.open(encoding="utf-16", newline="")
    return spec.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def not_utf8(path: Path, line: int, text: str = "") -> MarqueeError:
    """Name the first byte of `text` that is not UTF-8, and what it is in Latin-1."""
    bytes_ = [ord(letter) - 0xDC00 for letter in text if "\udc80" <= letter <= "\udcff"]
    guess = f" (byte 0x{bytes_[0]:02x}, {chr(bytes_[0])!r} in Latin-1)" if bytes_ else ""
    return MarqueeError(f"{path} line {line}: not UTF-8 text{guess}: save the file as UTF-8")
