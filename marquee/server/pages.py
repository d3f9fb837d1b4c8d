"""The pages: the first one, and the description of the addresses. Nothing in them comes from another host."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from starlette.responses import HTMLResponse

from marquee.server.snapshot import Snapshot

NONE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "pre{overflow:auto;background:#8881;padding:.5rem}"
)


def first(snapshot: Snapshot) -> HTMLResponse:
    """Return the page on which a visitor rates movies; without it, one line that leads to the description."""
    folder = files("marquee").joinpath("demo")
    if not folder.joinpath("page.html.j2").is_file():
        return _plain("Marquee", '<p>Marquee answers here: see <a href="docs">the API</a>.</p>')
    raise NotImplementedError


def documentation(openapi: Mapping[str, Any]) -> HTMLResponse:
    """Return the OpenAPI description as a page without a script; `/openapi.json` has it for programs."""
    parts = ['<h1>The API</h1><p>For programs: <a href="openapi.json">openapi.json</a>.</p>']
    for path, methods in openapi["paths"].items():
        for method, about in methods.items():
            parts.append(f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>")
            parts.append(f"<p>{escape(about['summary'])}.</p>")
            for one in about.get("parameters", ()):
                needed = "" if one.get("required") else " (optional)"
                schema = escape(json.dumps(one["schema"]))
                parts.append(f"<p><code>{escape(one['name'])}</code>{needed}: <code>{schema}</code></p>")
            if "requestBody" in about:
                name = about["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[
                    2
                ]
                body = json.dumps(openapi["components"]["schemas"][name]["properties"], indent=1)
                parts.append(f"<pre>{escape(body)}</pre>")
    return _plain("Marquee: the API", "".join(parts))


def _plain(title: str, body: str) -> HTMLResponse:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><body>{body}</body></html>"
    )
    return HTMLResponse(text, headers={"Content-Security-Policy": f"{NONE}; style-src '{digest(STYLE)}'"})


def digest(text: str) -> str:
    """Return the source expression that allows an inline script or style of exactly this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
