"""Open an export: a CSV in any usual encoding, or a zip or folder of them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from marquee.errors import MarqueeError

LARGEST = 256 << 20  # bytes of a file, unpacked
RATINGS, DIARY, WATCHED = ("ratings.csv",), ("diary.csv", "reviews.csv"), ("watched.csv", "likes/films.csv")
MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


@dataclass(frozen=True)
class Table:
    """Hold the text of one file; `likes`: its movies are liked, whether or not they are rated."""

    name: str
    text: str
    likes: bool = False


def tables(path: Path) -> list[Table]:
    """Return the tables of a CSV, or those of a zip or folder that Letterboxd exports.

    Of the latter: ratings.csv, or without it diary.csv and reviews.csv; watched.csv; and likes/films.csv.
    Raises MarqueeError for a missing or unreadable file, and for an archive without such files.
    """
    if path.is_dir():
        files = sorted([*path.glob("*.csv"), *path.glob("likes/*.csv")])
        names = [one.relative_to(path).as_posix() for one in files if one.is_file()]
        return _chosen(path, names, lambda name: _bytes(path / name))
    content = _bytes(path)
    if not content.startswith(b"PK"):
        likes = path.stem.casefold() in ("likes", "liked") or path.parts[-2:] == ("likes", "films.csv")
        return [Table(str(path), decoded(content, str(path)), likes)]
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if one.file_size <= LARGEST]
            return _chosen(path, names, archive.read)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
        raise MarqueeError(
            f"{path} is an archive that does not open: unpack it and give the file inside"
        ) from None


def _chosen(path: Path, names: list[str], read: Callable[[str], bytes]) -> list[Table]:
    """Return the tables of an export among `names`, those least deep in folders; likes and watched first.

    Of equal dates the last row counts, so a rating comes after a like.
    """
    shallow = sorted(
        (name for name in names if not {"deleted", "orphaned", "__MACOSX"} & {*PurePosixPath(name).parts}),
        key=lambda name: (name.count("/"), name),
    )

    def found(wanted: tuple[str, ...]) -> list[str]:
        pairs = ((end, name) for end in wanted for name in shallow if f"/{name}".endswith(f"/{end}"))
        return list(dict(reversed(list(pairs))).values())

    chosen = [*found(WATCHED), *(found(RATINGS) or found(DIARY))]
    csvs = [name for name in shallow if name.lower().endswith(".csv")]
    if not chosen and len(csvs) == 1:
        chosen = csvs
    if not chosen:
        raise MarqueeError(
            f"{path} has no ratings.csv, watched.csv, diary.csv, reviews.csv or likes/films.csv: "
            "give the file inside that has the ratings"
        )
    likes = WATCHED[1]
    return [
        Table(f"{path}/{name}", decoded(read(name), f"{path}/{name}"), f"/{name}".endswith(f"/{likes}"))
        for name in chosen
    ]


def is_collection(path: Path) -> bool:
    """Return whether `tables` reads several files there."""
    return path.is_dir() or (path.is_file() and zipfile.is_zipfile(path))


def _bytes(path: Path) -> bytes:
    if not path.is_file():  # a pipe or a device might never end
        fault = "is no file" if path.exists() else "does not exist"
        raise MarqueeError(f"{path} {fault}: give the path of a file")
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise MarqueeError(f"{path} has more than {LARGEST >> 20} MiB: give an export of one user")
    return content


def read_text(path: Path) -> str:
    """Return the file's text. Raises MarqueeError for a missing file, and for one that is no text."""
    return decoded(_bytes(path), str(path))


def decoded(content: bytes, name: str) -> str:
    """Return the text of UTF-8, UTF-16 or UTF-32, or of Windows-1252 where it is none of these.

    Raises MarqueeError for what is no text.
    """
    encoding = next((found for mark, found in MARKS.items() if content.startswith(mark)), "")
    if not encoding and b"\x00" in content[:1000]:  # UTF-16 without its mark: ASCII has a zero beside it
        encoding = "utf-16-le" if content[1:2] == b"\x00" else "utf-16-be"
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        if encoding and encoding != "utf-8-sig":
            raise MarqueeError(f"{name} is not whole {encoding.upper()}: save it as UTF-8") from None
        text = content.decode("cp1252", errors="replace")
    if "\x00" in text:
        raise MarqueeError(f"{name} is no text file: give a CSV")
    return text
