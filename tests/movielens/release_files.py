"""A small release in the layout of ml-100k, made up."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np

from marquee.movielens.releases import RELEASES

_pairs = np.random.default_rng(0).permutation(30 * 40)[:600]
_rows = [(pair // 40 + 1, pair % 40 + 1, pair % 5 + 1, 880_000_000 + pair) for pair in _pairs]
FILES = {
    "u.data": "".join("\t".join(map(str, row)) + "\n" for row in _rows).encode(),
    "u.item": "".join(f"{i}|Film {i} (1990)|01-Jan-1990||{'|0' * 19}\n" for i in range(1, 41)).encode(
        "latin-1"
    ),
    "u.user": "".join(f"{i}|30|F|artist|00000\n" for i in range(1, 31)).encode(),
    "README": b"made up\n",
}
RELEASE = replace(
    RELEASES["ml-100k"], counts=(600, len({row[0] for row in _rows}), len({row[1] for row in _rows}))
)


def zipped(files: dict[str, bytes], folder: str = "ml-100k/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}{name}"), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
