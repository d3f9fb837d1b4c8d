"""Show the columns of a docstring (`name  what it is`, one a line) as a list; Markdown would join the lines.

An extension of griffe, which reads the docstrings for the API reference: properdocs.yml names it.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

COLUMN = re.compile(r"(\w[\w, ]*?)  +(\S.*)")


class DocstringColumns(griffe.Extension):
    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            paragraphs = obj.docstring.value.split("\n\n")
            obj.docstring.value = "\n\n".join(map(as_list, paragraphs))


def as_list(paragraph: str) -> str:
    """Return the paragraph as a Markdown list if it begins with a column, else unchanged."""
    lines = paragraph.splitlines()
    if not lines or not COLUMN.fullmatch(lines[0]):
        return paragraph
    listed = []
    for line in lines:
        if found := COLUMN.fullmatch(line):
            listed.append(f"- `{found[1]}`: {found[2]}")
        else:
            listed.append(f"  {line.strip()}")
    return "\n".join(listed)
