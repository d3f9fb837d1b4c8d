"""Read YAML as a person means it: each key once, no values without end, and one line for what is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marquee.config.names import dotted
from marquee.errors import MarqueeError

BYTES = 1 << 20  # of a file: params.yaml has 10,000
VALUES = 20_000  # keys and values, those behind aliases counted each time
DEPTH = 20  # blocks inside each other


def load(path: Path) -> dict[str, Any]:
    """Read the file as plain YAML.

    Raises MarqueeError for a missing file, broken YAML, a key that stands twice in one block, and a file that
    is too large, by itself or behind its aliases.
    """
    return loads(_text(path), path)


def loads(text: str, path: Path) -> dict[str, Any]:
    """Read `text` as `load` reads the file, which `path` names in messages."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml.parse(text, loader), path)
        content = yaml.load(text, loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise MarqueeError(f"{path}{line}: not readable as YAML; correct that line") from None
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError, RecursionError) as error:
        # PyYAML converts what looks like a number or a date, such as 2024-13-45 or one of 5,000 digits
        reason = str(error).partition("\n")[0][:80]
        raise MarqueeError(f"{path}: a value is not readable as YAML ({reason}); correct it") from None
    if not isinstance(content, Mapping):
        raise MarqueeError(f"{path} has no blocks; restore it with `git checkout {path}`")
    return dict(content)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(BYTES + 1)
    except FileNotFoundError:
        raise MarqueeError(f"{path} is missing; run from the repository's top folder") from None
    if len(content) > BYTES:
        raise MarqueeError(f"{path} is larger than {BYTES:,} bytes; restore it with `git checkout {path}`")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MarqueeError(f"{path} line {line}: not UTF-8; save the file as UTF-8") from None


@dataclass
class _Block:
    """A block or list that is being read."""

    is_mapping: bool
    place: str
    anchor: str | None = None
    size: int = 1
    keys: set[str] = field(default_factory=set)
    key: str | None = None  # the one whose value comes next


def _check_events(events: Iterator[Any], path: Path) -> None:
    """Raise MarqueeError for a key that stands twice, and where blocks are too deep or values too many.

    Events come one after another, so that nothing is built of a file that is refused.
    """
    import yaml

    blocks, sizes = [_Block(False, "")], dict[Any, int]()

    def fault(event: Any, words: str) -> MarqueeError:
        return MarqueeError(f"{path} line {event.start_mark.line + 1}: {words}")

    for event in events:
        block, size = blocks[-1], 1
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(blocks) > DEPTH:
                raise fault(event, f"more than {DEPTH} blocks inside each other; take some away")
            place = block.place if block.key is None else dotted(block.place, block.key)
            blocks.append(_Block(isinstance(event, yaml.MappingStartEvent), place, event.anchor))
            continue
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            blocks.pop()
            size, anchor, block = block.size, block.anchor, blocks[-1]
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in {one.anchor for one in blocks}:
                raise fault(event, f"*{event.anchor} is inside of itself; write out what is meant")
            size, anchor = sizes.get(event.anchor, 1), None
        elif isinstance(event, yaml.ScalarEvent):
            anchor = event.anchor
        else:
            continue
        if anchor:
            sizes[anchor] = size
        block.size += size
        if block.size > VALUES:
            raise fault(event, f"more than {VALUES:,} values, aliases counted; take some away")
        if not block.is_mapping:
            continue
        if block.key is not None:
            block.key = None
            continue
        block.key = event.value if isinstance(event, yaml.ScalarEvent) else "?"
        if block.key in block.keys and isinstance(event, yaml.ScalarEvent):
            raise fault(event, f"{dotted(block.place, block.key)} stands twice; remove one")
        block.keys.add(block.key)
