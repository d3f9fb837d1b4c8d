"""Extract a release from a zip of unknown origin, without trusting it."""

from __future__ import annotations

import errno
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from marquee.errors import MarqueeError
from marquee.terminal import excerpt

RATIO = 100  # a release unpacks to three to five times its zip, a bomb to a thousand and more
MEMBERS = 200  # files and folders in one zip; the largest release has 23
LONGEST_NAME = 200  # letters; most file systems end at 255 bytes
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError),
    # of a directory that contradicts itself
    *(ValueError, IndexError, KeyError, OverflowError, MemoryError, struct.error),
)


def extract(archive: Path, target: Path, files: Sequence[str], limit: int, called: str) -> None:
    """Extract all files of the folder in `archive` that holds `files`, without folders, into `target`.

    limit   bytes that all members may unpack to
    called  the user's name for the archive, for messages

    Raises MarqueeError for a file that is not a zip, is damaged, lacks one of `files`, would write outside
    `target`, or unpacks to more than `limit`. `target` may then hold some of the files.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = zipped.infolist()
            for member in members:
                if member.header_offset < 0:  # seeking there would look like a disk error
                    raise zipfile.BadZipFile("an entry lies before its beginning")
                _refuse_unsafe(member, called)
            _refuse_bomb(members, archive.stat().st_size, limit, called)
            for name, member in _release_folder(members, files, called).items():
                with zipped.open(member) as packed, (target / name).open("wb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # of the disk
            raise
        reason = excerpt(error) or type(error).__name__
        raise MarqueeError(f"{called} is not a complete zip ({reason}): get another copy") from None


def _refuse_unsafe(member: zipfile.ZipInfo, called: str) -> None:
    path = PureWindowsPath(member.filename)  # parses drives and both slashes on every system
    kind = stat.S_IFMT(member.external_attr >> 16)
    if path.drive or path.root or ".." in path.parts or ":" in member.filename:
        what = "would be written outside its folder"
    elif not member.orig_filename.isprintable() or len(path.name) > LONGEST_NAME or path.is_reserved():
        what = "cannot be the name of a file"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "is a link or a device, not a file"
    else:
        return
    raise MarqueeError(f"{called} is not safe ({_shown(member)} {what}): get another copy")


def _refuse_bomb(members: Sequence[zipfile.ZipInfo], size: int, limit: int, called: str) -> None:
    """Python unpacks no more of a member than the size that its entry states, so the sum is a limit."""
    unpacked = sum(member.file_size for member in members)
    if unpacked > min(limit, RATIO * size) or len(members) > MEMBERS:
        raise MarqueeError(
            f"{called} is not safe ({size:,} bytes unpack to {unpacked:,} in {len(members):,} entries, "
            "more than this release has): get another copy"
        )


def _release_folder(
    members: Sequence[zipfile.ZipInfo], files: Sequence[str], called: str
) -> dict[str, zipfile.ZipInfo]:
    """Return the members, by file name, of the topmost folder that holds all of `files`."""
    names: Counter[str] = Counter()
    folders: dict[PureWindowsPath, dict[str, zipfile.ZipInfo]] = {}
    for member in members:
        if member.filename.endswith(("/", "\\")):
            continue
        path = PureWindowsPath(member.filename)
        folders.setdefault(path.parent, {})[path.name] = member
        names[path.as_posix().casefold()] += 1  # a.csv and A.csv are one file on many systems
        if names[path.as_posix().casefold()] > 1:
            raise MarqueeError(f"{called} contains {_shown(member)} twice: get another copy")
    whole = [folder for folder, found in folders.items() if found.keys() >= set(files)]
    if not whole:
        raise MarqueeError(
            f"{called} has no folder with {', '.join(files)}: "
            "get the zip of this release, or set dataset.name to the release that it contains"
        )
    return folders[min(whole, key=lambda folder: len(folder.parts))]


def _shown(member: zipfile.ZipInfo) -> str:
    name = member.orig_filename
    return repr(name if len(name) <= 80 else f"{name[:80]}…")
