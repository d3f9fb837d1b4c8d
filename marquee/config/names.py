"""Hold what a text of params.yaml must be before it becomes a path, a word of a shell command, or an id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from marquee.errors import MarqueeError

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
RULE = "use 1 to 64 letters, digits, - and _, and begin without a -"
RESERVED = {"oracle": "the ground truth", "dataset": "the data set", "leaderboard": "the comparison"}
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}  # in one of YAML's versions
TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # Unicode's names of bidi marks
LONGEST = 80  # letters of a value in a message
PATH_LETTERS = 4096  # the longest path of Linux
FILE_BYTES = 255  # of the longest name of a file


def shown(value: Any) -> str:
    """Return `repr(value)` on one line of at most `LONGEST` printable letters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python writes no number of more than 4,300 digits
        return "a value too long to show"
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 10]}…{text[-9:]}"
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def dotted(where: str, key: object) -> str:
    """Return the dotted key of `key` in the block `where`; a key that is no plain word is quoted."""
    plain = isinstance(key, str) and key.isprintable() and len(key) <= LONGEST
    word = str(key) if plain else shown(key)
    return f"{where}.{word}" if where else word


def require_name(name: Any, where: str) -> None:
    """Raise MarqueeError unless the key `name` of the block `where` can be a name.

    A name is a folder, an id in the report and a word of a command, so it holds nothing that means more.
    """
    place = dotted(where, name) if name != "" else f"{where}.''"
    if not isinstance(name, str):
        raise MarqueeError(f"{place} cannot be a name: YAML does not read it as text; {RULE}")
    if not NAME.fullmatch(name):
        raise MarqueeError(f"{place} cannot be a name: {RULE}")
    if name.lower() in YAML_WORDS or _is_number(name):
        raise MarqueeError(
            f"{place} cannot be a name: YAML may not read it as text; {RULE}, such as m_{name}"
        )
    for word, why in RESERVED.items():
        if name.lower() == word or (word == "oracle" and name.lower().startswith(word)):
            raise MarqueeError(f"{place} cannot be a name: it stands for {why}; rename it")
    if name.lower() in DEVICES:
        raise MarqueeError(f"{place} cannot be a name: it is a device of Windows; rename it")


def require_names(names: Iterable[Any], where: str) -> None:
    """Raise MarqueeError unless all keys of the block `where` can be names, on every file system."""
    known: dict[str, str] = {}
    for name in names:
        require_name(name, where)
        other = known.setdefault(name.lower(), name)
        if other != name:
            raise MarqueeError(
                f"{dotted(where, name)} and {dotted(where, other)} are one folder on Windows and macOS: "
                "rename one"
            )


def require_text(text: str, where: str) -> None:
    """Raise MarqueeError for a text that no line of a terminal can show, or that no path can hold."""
    for letter in text:
        turns = unicodedata.bidirectional(letter) in TURNS  # the order in which other letters are shown
        if turns or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
            raise MarqueeError(
                f"{where} is {shown(text)}, which has the control character {letter!a}: remove it"
            )
    if len(text) > PATH_LETTERS:
        raise MarqueeError(f"{where} has {len(text):,} letters, but must have at most {PATH_LETTERS:,}")


def require_file(text: str, where: str) -> None:
    """Raise MarqueeError unless `text` names a file inside the folder data/raw itself."""
    outside = any(letter in text for letter in "/\\:") or text in (".", "..")
    if outside or len(text.encode()) > FILE_BYTES:
        raise MarqueeError(
            f"{where} is {shown(text)}, but must be the name of a file in data/raw, without a folder: "
            "put the file beside the ratings of dataset.path"
        )


def _is_number(word: str) -> bool:
    for read in (float, lambda text: int(text, 0), lambda text: int(text, 8)):
        try:
            read(word)
        except ValueError:
            continue
        return True
    return False
