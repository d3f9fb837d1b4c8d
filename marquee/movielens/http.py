"""Fetch one file over HTTP, and resume after a broken connection or a killed process."""

from __future__ import annotations

import hashlib
import time
import urllib.error
from http.client import HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from typing import Any

from marquee.errors import MarqueeError
from marquee.io import read_json, remove, write_json
from marquee.movielens.addresses import checked, shown
from marquee.movielens.connection import LOWEST, WINDOW, Watch, open_url
from marquee.terminal import excerpt, progress_bar

TIMEOUT = 30.0  # seconds without an answer or a byte
PAUSES = (0.5, 1.0, 2.0)  # seconds before the next try; all of them again after a try that brought bytes
SLOW = f"fewer than {LOWEST // 1024:,} KiB came in {WINDOW:.0f} seconds"
CHUNK = 1 << 18  # bytes
LONGEST = 12 * 3600.0  # seconds for one file, all tries together
TEMPORARY = {408, 425, 429}  # HTTP codes besides 5xx for which another try makes sense


class _Interrupted(Exception):
    """The connection broke or failed; the received bytes are kept and another try may help."""


class _TooSlow(_Interrupted):
    """Bytes came, but too few to go on for ever."""


def fetch(url: str, partial: Path, limit: int, advice: str, show_progress: bool = True) -> None:
    """Fetch the content of `url` into `partial`, and continue what an earlier call left there.

    `<partial>.json` says which content it is a part of. If the server has another version by now, or cannot
    send a part, the file starts over. `discard` removes both.

    limit   bytes; a longer content is refused
    advice  the alternative, for messages

    Raises MarqueeError if the server refuses or cannot be reached; the received bytes are kept.
    """
    checked(url)
    partial.parent.mkdir(parents=True, exist_ok=True)
    failures, most = 0, _size(partial)
    until = time.monotonic() + LONGEST
    while True:
        try:
            return _receive(url, partial, limit, advice, until, show_progress)
        except _Interrupted as error:
            size = _size(partial)
            gained = size > most and not isinstance(error, _TooSlow)
            failures = 1 if gained else failures + 1
            most = max(most, size)
            if failures > len(PAUSES) or time.monotonic() > until:
                kept = f", {size:,} bytes are kept for the next run" if size else ""
                raise MarqueeError(f"{shown(url)} could not be fetched ({error}){kept}: {advice}") from None
        time.sleep(PAUSES[failures - 1])


def discard(partial: Path) -> None:
    """Remove what `fetch` wrote."""
    remove(partial)
    remove(_note(partial))


def _receive(url: str, partial: Path, limit: int, advice: str, until: float, show_progress: bool) -> None:
    known, have = _known(url, partial), _size(partial)
    if have and have == known["total"]:
        return  # a run died between the last byte and the use of the file
    watch = Watch()
    with watch.running(), _open(url, partial, have, advice, watch) as response:
        resumes = response.status == 206
        have = have if resumes else 0
        total = None if response.length is None else have + response.length
        version = response.headers["ETag"] or response.headers["Last-Modified"]
        content = {"url": _name(url), "total": total, "version": version}
        start = response.headers["Content-Range"] or ""
        if resumes and (content != known or not start.startswith(f"bytes {have}-")):
            discard(partial)
            raise _Interrupted("the file on the server changed")
        if not resumes:
            discard(partial)  # before the note: a later call would continue old bytes under a new note
            write_json(_note(partial), content)
        if (total or 0) <= limit:
            have = _append(response, partial, have, total, limit, watch, until, show_progress)
    if max(have, total or 0) > limit:
        discard(partial)
        raise MarqueeError(f"{shown(url)} has more than {limit:,} bytes and is not this release: {advice}")
    if have < (total or 0):
        raise _Interrupted("the connection closed early")


def _append(
    response: HTTPResponse,
    partial: Path,
    have: int,
    total: int | None,
    limit: int,
    watch: Watch,
    until: float,
    show_progress: bool,
) -> int:
    """Write what follows the first `have` bytes, and return the length of the file."""
    name = partial.name.removesuffix(".partial")
    bar = progress_bar(total, have, name, "B", unit_scale=True, show=show_progress)
    with bar, partial.open("ab") as file:
        while have <= limit and (chunk := _read(response, watch, until)):
            file.write(chunk)
            file.flush()  # a killed process keeps what it received
            have += len(chunk)
            bar.update(len(chunk))
    return have


def _read(response: HTTPResponse, watch: Watch, until: float) -> bytes:
    """Return the next bytes; an OSError here is the network's and not the disk's."""
    if time.monotonic() > until:
        raise _TooSlow(f"it took more than {LONGEST / 3600:g} hours")
    try:
        chunk = response.read1(CHUNK)
    except (OSError, HTTPException, ValueError) as error:
        chunk, reason = b"", _reason(error)
    else:
        reason = ""
    watch.received += len(chunk)
    if watch.too_slow and not chunk:
        raise _TooSlow(SLOW)
    if reason:
        raise _Interrupted(reason)
    return chunk


def _open(url: str, partial: Path, have: int, advice: str, watch: Watch) -> HTTPResponse:
    """Request what follows the first `have` bytes.

    Without `If-Range`, so that the answer states which version it is a part of.
    """
    headers = {"User-Agent": "marquee"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        return open_url(checked(url), headers, TIMEOUT, watch)
    except urllib.error.HTTPError as error:
        error.close()
        answer = f"the server answers {error.code} {excerpt(error.reason, 80)}"
        if error.code == 416:  # nothing follows: our bytes are of another file
            discard(partial)
        elif 300 <= error.code < 400:
            answer = "the server redirects in a circle, or to what is not http(s)"
            raise MarqueeError(f"{shown(url)} could not be fetched ({answer}): {advice}") from None
        elif error.code < 500 and error.code not in TEMPORARY:
            raise MarqueeError(f"{shown(url)} could not be fetched ({answer}): {advice}") from None
        raise _Interrupted(answer) from None
    except (InvalidURL, ValueError):  # an address that only the resolver can refuse, or of a redirect
        raise MarqueeError(f"{shown(url)} leads to no valid address: {advice}") from None
    except (OSError, HTTPException) as error:
        raise (_TooSlow(SLOW) if watch.too_slow else _Interrupted(_reason(error))) from None


def _known(url: str, partial: Path) -> dict[str, Any]:
    """Return which content `partial` is a part of; remove the bytes if that is unknown."""
    try:
        known = read_json(_note(partial))
    except (OSError, MarqueeError):  # a note that does not read counts as absent
        known = {}
    if known.get("url") != _name(url) or not isinstance(known.get("total", ""), int | None):
        discard(partial)
        return {"url": _name(url), "total": None}
    return known


def _name(url: str) -> str:
    """Return a hash of the address: it may contain a key."""
    return hashlib.sha256(url.encode()).hexdigest()


def _note(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    return excerpt(getattr(cause, "strerror", None) or str(cause) or type(cause).__name__)
