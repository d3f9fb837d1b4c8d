"""Put what others wrote into a message of one line."""

from __future__ import annotations


def printable(text: object, most: int = 200) -> str:
    """Return up to `most` letters of `text`, runs of blanks as one, a control character as �."""
    words = " ".join(str(text).split())
    shown = "".join(letter if letter.isprintable() else "�" for letter in words)
    return shown if len(shown) <= most else f"{shown[:most]}…"
