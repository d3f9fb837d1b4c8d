"""Render the page: one file that refers to nothing outside itself, and that may not send anything either."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STYLE = "page.css"
SCRIPTS = (  # plain scripts that share one scope, in this order
    *("titles.js", "exports.js", "engine.js", "browser.js", "widgets.js", "keyboard.js", "page.js"),
)


def as_json(data: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a `<script type="application/json">`: no `<`, no line separator."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for letter in "<\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def render(data: Mapping[str, Any], title: str, assets: str | None = None) -> str:
    """Return the page as HTML. `data` is `page_data` and an engine.

    Style and scripts stand in the file, under a content security policy that names their hashes and allows
    no connection. With `assets`, the address of the folder that serves `STYLE` and `SCRIPTS`, the page refers
    to them there and states no policy: that is the server's.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (HERE / STYLE).read_text("utf-8")
    script = "".join((HERE / name).read_text("utf-8") for name in SCRIPTS)
    return environment.get_template("page.html.j2").render(
        title=title,
        data=as_json(data),
        style=style,
        script=script,
        policy=_policy(style, script),
        assets=assets,
        style_file=STYLE,
        script_files=SCRIPTS,
        here=assets is None,
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
