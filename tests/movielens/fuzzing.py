"""Mutate files of ratings, and hold what the readers make of them against Python's csv module."""

from __future__ import annotations

import csv
import io
import random
import re
import unicodedata
import zipfile
from pathlib import Path

import numpy as np

from marquee.config import CustomColumns
from marquee.errors import MarqueeError
from marquee.movielens.parsers import read_release
from marquee.movielens.schema import Dataset

WORDS = (
    *(
        b'"',
        b'""',
        b"\r\n",
        b"\n",
        b"\r",
        b",",
        b";",
        b"\t",
        b"|",
        b"::",
        b"\0",
        b"\xff",
        b"\xe9",
        b"\xef\xbb\xbf",
    ),
    *(
        b" ",
        b"-",
        b"+",
        b".",
        b"0",
        b"00",
        b"1.0",
        b"1e3",
        b"1e400",
        b"nan",
        b"inf",
        b"0x1F",
        b"1_0",
        b"#",
        b"=",
        b"'",
    ),
    *(
        b"9" * 30,
        b"-1",
        b"NULL",
        b"True",
        b"2005-04-02",
        b"\xc2\xa0",
        b"\xe2\x80\xa8",
        b"\x1f",
        b"\x1c",
        b"\x85",
    ),
    *(
        "٣".encode(),
        "é".encode(),
        b"A" * 300,
        b"userId",
        b"movieId,",
        b'"a\n1,2,3,4\n"',
        b"99999999999",
        b"4,5",
    ),
)
RATINGS = "".join(
    f"{user},{movie},{user * movie % 5 + 1},{1_000_000_000 + user * movie},fine\n"
    for user in range(1, 7)
    for movie in range(1, 6)
)
HEAD = "userId,movieId,rating,timestamp,note\n"
NEEDED = ("userId", "movieId", "rating")
TITLES = "movieId,title,genres\n" + "".join(f'{n},"Film, {n} (199{n})",Drama|War\n' for n in range(1, 6))
SEEDS = {
    "commas": (HEAD + RATINGS, TITLES),
    "semicolons": ((HEAD + RATINGS).replace(",", ";"), TITLES.replace(", ", "_").replace(",", ";")),
    "quotes": (HEAD + RATINGS.replace("fine", '"two\nlines, ""quoted"""'), TITLES),
    "text": (HEAD + "".join(f"u{line}\n" for line in RATINGS.splitlines()), TITLES),
    "utf-16": (HEAD + RATINGS, TITLES),
}

PACKED = {"u.data": b"1\t2\t3\n" * 9, "u.item": b"2|Film\n"}


def zipped(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in PACKED.items():
            archive.writestr(zipfile.ZipInfo(f"ml-100k/{name}"), content, method)
    return buffer.getvalue()


ZIPS = [
    zipped(method)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return `content` with one change to eight: bytes replaced, inserted, removed, repeated or moved."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        place, kind = chance.randrange(len(changed) + 1), chance.randrange(6)
        if kind == 0 and changed:
            changed[place % len(changed)] = chance.randrange(256)
        elif kind == 1:
            changed[place:place] = chance.choice(WORDS)
        elif kind == 2:
            word = chance.choice(WORDS)
            changed[place : place + len(word)] = word
        elif kind == 3:
            del changed[place : place + chance.randrange(1, 40)]
        elif kind == 4:
            start = chance.randrange(len(changed) + 1)
            changed[place:place] = changed[start : start + chance.randrange(80)]
        else:
            del changed[place:]
    return bytes(changed)


def try_to_read(folder: Path, kind: str, seed: int) -> str:
    """Mutate the files of `kind` by `seed` and read them; return `read`, `dropped` or `refused`.

    AssertionError where the reader's counts, ids or ratings are not those of the csv module, and where a
    message has two lines. Any other exception is a fault of the reader, too.
    """
    chance = random.Random(f"{kind} {seed}")
    encoding = "utf-16" if kind == "utf-16" else "utf-8-sig"
    contents = [text.encode(encoding.removesuffix("-sig")) for text in SEEDS[kind]]
    which = chance.choice((0, 0, 0, 1))
    contents[which] = mutated(contents[which], chance)
    for name, content in zip(("ratings.csv", "movies.csv"), contents, strict=True):
        (folder / name).write_bytes(content)
    for allowed, outcome in ((0, "read"), (1000, "dropped")):
        try:
            found = read_release(folder, "custom", None, CustomColumns(), allowed)
        except MarqueeError as error:
            check_message(str(error), str(folder))
        else:
            hold_against_csv(found, contents[0].decode(encoding, "surrogateescape"), allowed)
            return outcome
    return "refused"


def hold_against_csv(found: Dataset, text: str, allowed: int) -> None:
    """Compare rows, and without dropped rows ids and ratings, with what the csv module alone reads."""
    separator = max(",;\t|", key=re.findall("[^\r\n]+", text)[0].count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    dropped = found.card["dropped"]
    assert found.card["ratings"] + sum(dropped.values()) <= len(rows) - 1 + allowed
    assert found.card["ratings"] + dropped["duplicates"] >= len(rows) - 1 - allowed
    if sum(dropped.values()) > dropped["duplicates"]:
        return
    names = [name.strip() for name in rows[0]]
    user, movie, rating = ([row[names.index(name)] for row in rows[1:]] for name in NEEDED)
    pairs = {}
    for one in zip(plain(user), plain(movie), rating, strict=True):
        pairs.setdefault(one[:2], []).append(np.float32(one[2].replace(",", ".")))
    users, movies = (found.users["user_id"].to_pylist(), found.movies["movie_id"].to_pylist())
    table = found.ratings.to_pydict()
    read = {
        (str(users[u]), str(movies[m])): np.float32(value)
        for u, m, value in zip(table["user"], table["item"], table["rating"], strict=True)
    }
    assert read.keys() == pairs.keys()
    assert all(value in pairs[pair] for pair, value in read.items())


def plain(ids: list[str]) -> list[str]:
    """Whole numbers as they print, where all are; else without blanks around."""
    ids = [name.strip() for name in ids]
    whole = [re.fullmatch(r"(0|-?[1-9][0-9]{0,18})(\.0+)?", name) for name in ids]
    if all(whole) and all(abs(int(found[1])) < 2**63 for found in whole):
        return [found[1] for found in whole]
    return ids


def check_message(text: str, names: str) -> None:
    assert len(text.splitlines()) == 1, text
    steering = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not steering.intersection(map(unicodedata.category, text)), ascii(text)
    assert names in text, text
