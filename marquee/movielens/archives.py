"""Taking a release out of a zip that someone else made, without trusting it."""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from marquee.errors import MarqueeError

RATIO = 100  # a release unpacks to three to five times its zip, a bomb to a thousand and more
MEMBERS = 200  # files and folders in one zip; the largest release has 23
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError)


def extract(archive: Path, target: Path, files: Sequence[str], limit: int, called: str) -> None:
    """Put the folder of `archive` that holds all of `files`, with what lies beside them, flat into `target`.

    limit   bytes that everything unpacked may take
    called  what the user knows the archive by, for messages

    Raises MarqueeError for what is no zip, is damaged, lacks one of `files`, would write outside `target`, or
    unpacks beyond all measure. `target` may then hold some of the files.
    """
    with _damage_reported(called), zipfile.ZipFile(archive) as zipped:
        members = zipped.infolist()
        for member in members:
            if member.header_offset < 0:  # seeking there would look like a fault of the disk
                raise zipfile.BadZipFile("an entry lies before its beginning")
            _refuse_unsafe(member, called)
        _refuse_bomb(members, archive.stat().st_size, limit, called)
        for name, member in _release_folder(members, files, called).items():
            with zipped.open(member) as packed, (target / name).open("wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)


@contextmanager
def _damage_reported(called: str) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MarqueeError(f"{called} is not a whole zip ({reason}); get a fresh copy of it") from None


def _refuse_unsafe(member: zipfile.ZipInfo, called: str) -> None:
    path = PureWindowsPath(member.filename)  # knows drives and both kinds of slash on every system
    kind = stat.S_IFMT(member.external_attr >> 16)
    if path.drive or path.root or ".." in path.parts or ":" in member.filename:
        what = "would be written outside its folder"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "is a link or a device, not a file"
    else:
        return
    raise MarqueeError(f"{called} is not safe: {member.filename!r} {what}; do not use this copy, get another")


def _refuse_bomb(members: Sequence[zipfile.ZipInfo], size: int, limit: int, called: str) -> None:
    """Python unpacks no more of a member than the size that its entry states, so that the sum binds."""
    unpacked = sum(member.file_size for member in members)
    if unpacked > min(limit, RATIO * size) or len(members) > MEMBERS:
        raise MarqueeError(
            f"{called} is not safe: {size:,} bytes that unpack to {unpacked:,} in {len(members):,} entries, "
            "more than this release can have; do not use this copy, get another"
        )


def _release_folder(
    members: Sequence[zipfile.ZipInfo], files: Sequence[str], called: str
) -> dict[str, zipfile.ZipInfo]:
    """The files, by name, of the topmost folder that holds all that is wanted."""
    folders: dict[PureWindowsPath, dict[str, zipfile.ZipInfo]] = {}
    for member in members:
        if member.filename.endswith(("/", "\\")):
            continue
        path = PureWindowsPath(member.filename)
        if folders.setdefault(path.parent, {}).setdefault(path.name, member) is not member:
            raise MarqueeError(f"{called} holds {member.filename!r} twice; get another copy of it")
    whole = [folder for folder, found in folders.items() if found.keys() >= set(files)]
    if not whole:
        raise MarqueeError(
            f"{called} holds no folder with {', '.join(files)}; "
            "get the zip of this release, or set dataset.name to what it is"
        )
    return folders[min(whole, key=lambda folder: len(folder.parts))]
