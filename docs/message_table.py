"""Write docs/reference/messages.md: every message of `MarqueeError` in the code, by package.

    python -m docs.message_table --write

A message is *what is wrong, and where: what to do*, so its two halves are the cause and the cure. A test
compares the page with the code.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path

from marquee.errors import SYSTEM

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/messages.md"
HEAD = """\
# Messages

A fault ends a command or a stage with one line on stderr and exit code 1. A command line that does not parse
ends with code 2. Every such message is below, by the part of Marquee that says it. *Italics* stand for a
value; `--debug` shows the place in the code.

`python -m docs.message_table --write` makes this page from the code.
"""
PARTS = {
    "config": "Parameters",
    "validate.py": "Parameters",
    "movielens": "Download and ingest",
    "simulator": "Simulated data",
    "data": "Splits and samples",
    "training": "Training",
    "kernels": "Training",
    "recommenders": "Models",
    "evaluation": "Evaluation",
    "leaderboard": "Leaderboard",
    "tuning": "Tuning",
    "serving": "Recommendations",
    "server": "`marquee serve`",
    "api": "Python API",
    "referee": "`marquee judge`",
    "experiments.py": "Experiments",
    "resources": "Memory and disk",
    "report": "Report",
    "cli": "Commands",
    "stages": "Stages",
}


def messages(path: Path) -> Iterator[str]:
    """Yield each message that the file gives to MarqueeError, with *name* for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MarqueeError" and node.args:
            text = _text(node.args[0])
            if ": " in text or "; " in text:
                yield " ".join(text.split())


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.FormattedValue):
        return f"*{_name(node.value)}*"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return f"*{_name(node)}*"


def _name(node: ast.expr) -> str:
    """Return a word for a value: the last name in it."""
    if isinstance(node, ast.Call):
        return _name(node.args[0]) if node.args else _name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_").replace("_", " ")
    if isinstance(node, ast.Name):
        return node.id.strip("_").replace("_", " ")
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return "value"


def page() -> str:
    """Return the whole page."""
    found: dict[str, dict[str, str]] = {title: {} for title in PARTS.values()}
    others: dict[str, str] = {}
    for path in sorted([*(ROOT / "marquee").rglob("*.py"), *(ROOT / "stages").glob("*.py")]):
        parts = path.relative_to(ROOT).parts
        part = "stages" if parts[0] == "stages" else parts[1]
        rows = found[PARTS[part]] if part in PARTS else others
        for message in messages(path):
            cause, cure = _halves(message)
            rows.setdefault(cause, cure)
    others |= dict(SYSTEM.values())
    sections = [HEAD]
    for title, rows in {**found, "Files and the system": others}.items():
        if rows:
            lines = [f"| {_cell(cause)} | {_cell(cure)} |" for cause, cure in sorted(rows.items())]
            head = [f"## {title}\n", "| what is wrong | what to do |", "|---|---|"]
            sections.append("\n".join([*head, *lines, ""]))
    return "\n".join(sections)


def _halves(message: str) -> tuple[str, str]:
    cut = max(message.rfind(mark) for mark in (": ", "; "))
    return message[:cut], message[cut + 2 :]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the page; without it, print it")
    if parser.parse_args().write:
        PAGE.write_text(page(), "utf-8", newline="\n")
    else:
        print(page())
