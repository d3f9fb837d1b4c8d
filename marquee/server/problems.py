"""Answers in JSON; a fault is problem+json (RFC 9457) on one line."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from marquee.terminal import printable

MARKUP = {letter: f"\\u{ord(letter):04x}" for letter in "<>&"}
LONGEST = 500  # letters of a fault


def encoded(content: Any) -> bytes:
    """Return JSON in ASCII without a letter that HTML reads as markup, wherever it may be shown."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for letter, escape in MARKUP.items():
        text = text.replace(letter, escape)
    return text.encode("ascii")


class Json(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return encoded(content)


class Problem(Json):
    media_type = "application/problem+json"


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Problem:
    """Return the answer to a request that fails: its status and one line on what is wrong."""
    detail = printable(" ".join(detail.split()))
    detail = detail if len(detail) <= LONGEST else f"{detail[: LONGEST - 1]}…"
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Problem(content, status, headers)


def of_validation(errors: list[dict[str, Any]]) -> str:
    """Return one line for the first of pydantic's `errors`, without the value that was given."""
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part.isidentifier())[:80]
    words = first["msg"].removeprefix("Value error, ")
    words = f"{words[:1].lower()}{words[1:]}".partition(": Input should")[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{place}: {words}{more}; see /docs"
