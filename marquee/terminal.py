"""What goes to a terminal: text without control characters, streams that may fail, progress in a pipe."""

from __future__ import annotations

import codecs
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from marquee.errors import MarqueeError, reason

if TYPE_CHECKING:
    from tqdm import tqdm

EVERY = 10.0  # seconds between two lines of progress where the output is no terminal
# They begin a line or a column: a blank takes their place.
BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
# What turns or hides text: marks of direction, joiners of annotations, the byte order mark.
UNSEEN = "\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
CONTROL = "\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"  # what steers a terminal, and what is no letter


def _characters(ranges: str) -> Iterator[int]:
    """Yield each character of `a-cx`: a, b, c and x."""
    for n, letter in enumerate(ranges):
        if letter == "-" and n:
            yield from range(ord(ranges[n - 1]), ord(ranges[n + 1]))
        else:
            yield ord(letter)


_REPLACED: dict[int, str] = dict.fromkeys(_characters(CONTROL), "\ufffd")
_REPLACED |= dict.fromkeys(_characters(UNSEEN), "") | dict.fromkeys(map(ord, BLANKS), " ")
_IN_STREAM = {code: text for code, text in _REPLACED.items() if chr(code) not in "\n\t"}
_WITH_BARS = {code: text for code, text in _IN_STREAM.items() if code != ord("\r")}  # they return to the left
_ESCAPED = {code: f"\\u{code:04x}" for code in _IN_STREAM}


def printable(text: str) -> str:
    """Return `text` on one line and without what steers a terminal, a page or the direction of writing."""
    return text.translate(_REPLACED) if not text.isascii() or not text.isprintable() else text


def excerpt(text: object, most: int = 200) -> str:
    """Return what others wrote for a message: `printable`, runs of blanks as one, up to `most` letters."""
    shown = " ".join(printable(str(text)).split())
    return shown if len(shown) <= most else f"{shown[:most]}…"


def printable_lines(text: str) -> str:
    """Return `text` as `printable` does, but with its lines and tabs."""
    return text.translate(_IN_STREAM)


def escaped(text: str) -> str:
    """Return JSON `text` with escapes for what `printable_lines` takes out."""
    return text.translate(_ESCAPED)


def aligned(lines: Iterable[Sequence[Any]], left: str = "l", headers: Sequence[str] = ()) -> str:
    """Return a table as text. `left` has `l` or `r` for each of the first columns; all others are right."""
    from tabulate import tabulate

    rows = list(lines)
    align = [{"l": "left", "r": "right"}[side] for side in left.ljust(len(rows[0]), "r")]
    plain: dict[str, Any] = {"tablefmt": "plain", "disable_numparse": True, "missingval": "-"}
    return tabulate(rows, headers, colalign=align, **plain)


def say(text: str) -> None:
    """Print a note for the user as one line on stderr."""
    print(printable(text), file=sys.stderr)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """Replace letters that the terminal's encoding lacks by their plain forms (é: e), or by `?`."""
    assert isinstance(error, UnicodeEncodeError)
    plain = unicodedata.normalize("NFKD", error.object[error.start : error.end])
    return "".join(c for c in plain if c.isascii()) or "?", error.end


codecs.register_error("marquee", _nearest)


class OutputError(MarqueeError):
    """Standard output cannot be written."""


class _Stream:
    """Standard output or error: filters control characters, and decides what a failed write means.

    forgiving  ignore what cannot be written, as a log; otherwise raise OutputError
    """

    def __init__(self, stream: TextIO, name: str, forgiving: bool) -> None:
        self._stream, self._name, self._forgiving = stream, name, forgiving

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        table = _IN_STREAM if self._name == "output" else _WITH_BARS
        self._attempt(lambda: self._stream.write(text.translate(table)))
        return len(text)

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            _discard(self._stream)
            if self._forgiving:
                return
            if isinstance(error, BrokenPipeError):
                raise
            raise OutputError(
                f"standard {self._name} cannot be written ({reason(error)}): send it elsewhere and run again"
            ) from error


def _discard(stream: TextIO) -> None:
    """Send what is left in the buffer nowhere: it would fail again when the process ends."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()
    except (OSError, ValueError):
        pass


@contextmanager
def standard_streams(forgiving: bool) -> Iterator[None]:
    """Print through `_Stream` inside the block; a stream that is closed becomes the null device.

    forgiving  whether a failed write to standard output is ignored; one to standard error always is
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in order: each takes its number
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    before = sys.stdout, sys.stderr
    for stream in before:
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="marquee")
    sys.stdout = _Stream(sys.stdout, "output", forgiving)
    sys.stderr = _Stream(sys.stderr, "error", True)
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before


def is_terminal(stream: TextIO | None = None) -> bool:
    """Return whether `stream` (None: standard error) is a terminal that can move its cursor."""
    stream = stream or sys.stderr
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False


class LineProgress:
    """The part of tqdm's interface that Marquee uses, as a line every `EVERY` seconds and one at the end."""

    def __init__(self, total: int | None, initial: int, desc: str, unit: str) -> None:
        self.total, self.n, self.desc, self.unit = total, initial, desc, unit
        self._values: dict[str, str] = {}
        self._began = self._printed = time.monotonic()

    def set_postfix(self, values: dict[str, str], refresh: bool = True) -> None:
        self._values = values

    def update(self, n: int = 1) -> None:
        self.n += n
        if time.monotonic() - self._printed >= EVERY:
            self._print()

    def close(self) -> None:
        self._print()

    def __enter__(self) -> LineProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _print(self) -> None:
        self._printed = time.monotonic()
        whole = "" if self.total is None else f" of {self.total:,}"
        values = "".join(f", {name} {value}" for name, value in self._values.items())
        seconds = self._printed - self._began
        say(f"{self.desc}: {self.n:,}{whole} {self.unit}{values}, {seconds:.0f} s")


def progress_bar(
    total: int | None, initial: int, desc: str, unit: str, unit_scale: bool = False, show: bool = True
) -> tqdm | LineProgress:
    """Return a bar for a terminal, and lines now and then for a file or a pipe."""
    if show and not is_terminal():
        return LineProgress(total, initial, desc, {"B": "bytes", "epoch": "epochs"}.get(unit, unit))
    from tqdm import tqdm

    return tqdm(
        total=total,
        initial=initial,
        desc=desc,
        unit=unit,
        unit_scale=unit_scale,
        disable=not show,
        leave=True,
    )
