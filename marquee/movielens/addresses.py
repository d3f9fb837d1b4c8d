"""Addresses as a user gives them: made safe to request, and to show."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from marquee.errors import MarqueeError
from marquee.terminal import excerpt

KEPT = "%/:?#[]@!$&'()*+,;=~"  # what has a meaning in an address, or is escaped already


def is_address(source: str) -> bool:
    """Return whether a source begins as an address does, and not as a path."""
    return "://" in source[:20]


def checked(url: str) -> str:
    """Return the address to request, with blanks and other letters than ASCII escaped.

    Raises MarqueeError for anything but http(s), for an address without a host, and for one with a user name
    or a password: params.yaml, dvc.lock and the report would keep them.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise MarqueeError(f"{shown(url)} is not a valid address: correct dataset.source") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise MarqueeError(f"{shown(url)} is not an http(s) address: set dataset.source to one, or to a file")
    if "@" in parts.netloc:
        raise MarqueeError(
            f"dataset.source is {shown(url)} with a name or a password, which params.yaml and dvc.lock would "
            f"keep: take it out and write `machine {host} login <name> password <password>` into ~/.netrc"
        )
    if not host or " " in parts.netloc or any(ord(letter) < 32 for letter in url):
        raise MarqueeError(f"{shown(url)} is not a valid address: correct dataset.source")
    return quote(url, safe=KEPT)


def shown(url: str) -> str:
    """Return an address for messages: without query, and of what may contain a password nothing."""
    scheme, mark, rest = url.partition("://")
    path, query, _ = rest.partition("#")[0].partition("?")
    return excerpt(scheme + mark + ("…" if "@" in rest else f"{path}{'?…' * bool(query)}"), 300)
