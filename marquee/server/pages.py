"""The pages: the first one, and the description of the addresses. Nothing in them comes from another host."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from marquee.server.problems import problem

CLOSED = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'")
FROM_HERE = tuple(f"{what}-src 'self'" for what in ("script", "style", "connect", "img"))
OWN = "; ".join((*CLOSED, "form-action 'self'", *FROM_HERE))
YEAR = 365 * 24 * 3600
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "pre{overflow:auto;background:#8881;padding:.5rem}"
)


def first(page: str) -> Response:
    """Return the page on which a visitor rates movies; without it, one line that leads to the description."""
    if not page:
        return _plain("Marquee", '<p>Marquee answers here: see <a href="docs">the API</a>.</p>')
    return HTMLResponse(page, headers={"Content-Security-Policy": OWN})


def asset(name: str) -> Response:
    """Return a style sheet or script of the page: one of the package, by its name alone."""
    folder = files("marquee") / "demo"
    kind = {"css": "text/css", "js": "text/javascript"}.get(name.rpartition(".")[2])
    known = {one.name: one for one in folder.iterdir()} if kind and folder.is_dir() else {}
    if name not in known:
        return problem(404, "nothing is at this address: see /docs")
    return Response(known[name].read_bytes(), media_type=kind)


def with_cookie(name: str, token: str, secure: bool) -> Response:
    """Return to the page with the token in a cookie that no script reads and no other site sends."""
    answer = RedirectResponse("./", 303)
    answer.set_cookie(name, token, httponly=True, samesite="strict", secure=secure, max_age=YEAR)
    return answer


def of_visitor(token: str, count: int) -> Response:
    """Return the page of one visitor's data: how many ratings are stored, to export or to delete."""
    link = f"../api/visitors/{escape(token)}"
    body = (
        f"<h1>Your ratings</h1><p>{count:,} ratings of yours are stored here, under a random name.</p>"
        f'<p><a href="{link}">Export them</a></p>'
        '<form method="post"><button>Delete all of them</button></form>'
    )
    return _plain("Marquee: your ratings", body, "form-action 'self'")


def documentation(openapi: Mapping[str, Any]) -> Response:
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


def _plain(title: str, body: str, *more: str) -> Response:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><body>{body}</body></html>"
    )
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (*CLOSED, *(more or ("form-action 'none'",)), f"style-src 'sha256-{style}'")
    return HTMLResponse(text, headers={"Content-Security-Policy": "; ".join(policy)})
