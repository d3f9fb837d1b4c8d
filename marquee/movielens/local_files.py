"""Find and copy files that the user already has on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.movielens.archives import MEMBERS
from marquee.movielens.releases import Release

CUSTOM = (
    "set it to a CSV or Parquet file with your ratings, or to a folder with ratings.csv or "
    "ratings.parquet and, if there are titles, movies.csv"
)


@contextmanager
def readable(source: str, advice: str) -> Iterator[None]:
    """Turn a missing or forbidden file into a MarqueeError; a full disk stays an OSError."""
    try:
        yield
    except FileNotFoundError:
        raise MarqueeError(f"dataset.path is {source!r}, which does not exist: {advice}") from None
    except PermissionError as error:
        raise MarqueeError(
            f"dataset.path is {source!r}, but you may not read {error.filename}: "
            "change its permissions, or set dataset.path to a copy of your own"
        ) from None


def find(release: Release, source: Path) -> Path:
    """Return the folder with the release's files, or the zip, that `source` means."""
    names, wanted = _entries(source), set(release.files)
    inner, archive = source / release.name, source / f"{release.name}.zip"
    if names is None or wanted <= names:
        return source
    if inner.name in names and wanted <= (_entries(inner) or set()):
        return inner
    if archive.name in names:
        return archive
    raise MarqueeError(
        f"dataset.path {source} contains neither {release.name}.zip nor {', '.join(release.files)}: "
        f"set it to the folder or zip with {release.name}"
    )


def copy_folder(release: Release, folder: Path, target: Path, limit: int) -> None:
    """Copy the files of `folder`, without its subfolders, if they have at most `limit` bytes together."""
    files = [path for path in sorted(folder.glob("[!.]*")) if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    if len(files) > MEMBERS or size > limit:
        raise MarqueeError(
            f"dataset.path {folder} contains {len(files):,} files of {size:,} bytes, more than "
            f"{release.name} has: move the release's files to a folder of their own"
        )
    for path in files:
        shutil.copyfile(path, target / path.name)


def copy_custom(source: str, target: Path) -> None:
    """Copy a user's own table to `ratings.csv` or `ratings.parquet`, and `movies.csv` if there is one."""
    path = Path(source).expanduser()
    with readable(source, CUSTOM):
        names = _entries(path)
        if names is None:
            found = {f"ratings{path.suffix.lower()}": path}
        else:
            wanted = ("ratings.csv", "ratings.parquet", "movies.csv")
            found = {name: path / name for name in wanted if name in names}
        if len(found.keys() & {"ratings.csv", "ratings.parquet"}) != 1:
            raise MarqueeError(f"dataset.path is {source!r}, which is not one table of ratings: {CUSTOM}")
        for name, file in found.items():
            shutil.copyfile(file, target / name)


def _entries(path: Path) -> set[str] | None:
    """Return the names in a folder; None for a file."""
    try:
        return {entry.name for entry in path.iterdir()}
    except NotADirectoryError:
        return None
