"""Wrong params.yaml files: values, names, and the whole file changed at random, the same for each number."""

from __future__ import annotations

import copy
import random
from typing import Any

import yaml

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 10**400, 2**31, 2**63, 10**12, 1e400, float("nan"), 1e-320, 0.5, 1.0),
    *("", " ", "auto", "75%", "101%", "1e-05", "1e400", "nan", "x" * 10_000, "a\nb", "\x1b[31m", "\u202e"),
    *("\0", "../x", "/etc/passwd", "{fold}", "{", "%s", "$(x)", "a;b", "oracle", "ranking", "rating", "file"),
    *("k_fold", "negatives", "0x10", "<b>", b"5", [], {}, [1], [0], [[1]], {"a": 1}, [None], [1] * 1000),
    *({5: 1}, {None: 1}),
]
BAD_NAMES: list[Any] = [
    *(5, True, None, 1.5, "", "-x", "-", "--debug", "../docs", "../../x", "a;touch x", 'x"><img onerror=1>'),
    *(
        "als.v2",
        "two words",
        "12",
        "1e3",
        "0x1F",
        "nan",
        "oracle",
        "ORACLE2",
        "con",
        "COM1",
        "dataset",
        "a" * 65,
    ),
    *("leaderboard", "ä", "a\n", "a\u202eb", "a\0", "on", "Yes", "~", "$(x)", "`x`", "a&b", "a|b", "%PATH%"),
    *(".", "..", "/", "\\", "a/b", "{a}", "${seed}", "*", "a@b", "٣", "０"),
]
BITS = [
    *(b"\t", b"\0", b"\xff", b"\xef\xbb\xbf", b":", b"- ", b"&a ", b"*a", b"<<: ", b"[", b"{", b"}", b"]"),
    *(b"!!int ", b"!!float ", b"!!timestamp ", b"!!binary ", b"!!set ", b"!!python/object:os.system ", b"? "),
    *(b"2024-13-45", b"0b_", b"1:60:99", b"0x" + b"f" * 6000, b"9" * 5000, b"| ", b"> ", b"#", b'"', b"'"),
    *(b"%YAML 3.0\n", b"---\n", b"...\n", b"\n", b"\r", b"    ", b"\xe2\x80\xa8", b"!", b"@", b"`", b"~"),
    *(b"!!null ", b"!!bool ", b"\xed\xa0\x80", b"!!omap ", b"!!pairs ", b".inf", b"0o9", b"=", b"!!map "),
]


def mutated(text: str, tree: dict[str, Any], number: int) -> bytes:
    """Return params.yaml, whose right content is `text` and `tree`, as mutation `number` spoils it."""
    chance = random.Random(number)
    return _tree(copy.deepcopy(tree), chance) if chance.random() < 0.6 else _bytes(text, chance)


def _tree(tree: dict[str, Any], chance: random.Random) -> bytes:
    """Change, rename or remove one to three keys."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        block, key = chance.choice(list(_places(tree)))
        what = chance.random()
        if what < 0.7:
            block[key] = copy.deepcopy(chance.choice(VALUES))
        elif what < 0.8:
            del block[key]
        elif what < 0.9:
            block[chance.choice(BAD_NAMES)] = block.pop(key)
        else:
            block[chance.choice(BAD_NAMES)] = copy.deepcopy(chance.choice(VALUES))
    return yaml.dump(tree, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False).encode()


def _places(block: dict) -> Any:
    for key, value in block.items():
        yield block, key
        if isinstance(value, dict):
            yield from _places(value)


def _bytes(text: str, chance: random.Random) -> bytes:
    """Insert, remove, change and repeat bytes anywhere."""
    content = bytearray(text.encode())
    for _ in range(chance.choice([1, 1, 2, 4, 8])):
        place, what = chance.randrange(len(content)), chance.random()
        if what < 0.5:
            content[place:place] = chance.choice(BITS)
        elif what < 0.6:
            del content[place : place + chance.choice([1, 2, 10, 200])]
        elif what < 0.7:
            content[place] = chance.randrange(256)
        elif what < 0.85:
            start = chance.randrange(len(content))
            content[place:place] = content[start : start + chance.randrange(300)]
        else:
            end = content.find(b"\n", place)
            content[place:end] = b": " + chance.choice(BITS)
    return bytes(content)
