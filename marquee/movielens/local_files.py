"""Find and copy files that the user already has on this machine."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.movielens.archives import MEMBERS
from marquee.movielens.releases import Release

CUSTOM = (
    "set it to a CSV or Parquet file with your ratings, or to a folder with ratings.csv or "
    "ratings.parquet and, if there are titles, movies.csv or movies.parquet"
)
SUFFIXES = {".csv": ".csv", ".tsv": ".csv", ".txt": ".csv", ".parquet": ".parquet"}  # to those of our copy
SPLITS = (".base", ".train", ".test", ".negative")  # of files that say which ratings are held out
BESIDE = ("links.csv", "tags.csv")  # ids and tags of movies, which `marquee.movielens.links` reads


@contextmanager
def readable(source: str, advice: str) -> Iterator[None]:
    """Turn a missing or forbidden file, and an impossible path, into a MarqueeError.

    A full disk and other faults of writing stay an OSError.
    """
    try:
        yield
    except FileNotFoundError:
        raise MarqueeError(f"dataset.path is {source!r}, which does not exist: {advice}") from None
    except PermissionError as error:
        raise MarqueeError(
            f"dataset.path is {source!r}, but you may not read {error.filename}: "
            "change its permissions, or set dataset.path to a copy of your own"
        ) from None
    except (ValueError, RuntimeError):  # a NUL; ~ of an unknown user
        raise MarqueeError(f"dataset.path is {source!r}, which cannot be a path: {advice}") from None
    except OSError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.ENXIO):
            raise
        reason = os.strerror(error.errno)
        raise MarqueeError(f"dataset.path is {source!r}, which is no path ({reason}): {advice}") from None


def require_file(path: Path) -> None:
    """Raise MarqueeError for a pipe, a device or a socket, which may have no end. A folder is let through."""
    if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
        raise MarqueeError(
            f"dataset.path {path} is a pipe or a device, not a file: save what it gives as a file, "
            "and set dataset.path to that"
        )


def find(release: Release, source: Path) -> Path:
    """Return the folder with the release's files, or the zip, that `source` means."""
    require_file(source)
    names, wanted = _entries(source), set(release.files)
    inner, archive = source / release.name, source / f"{release.name}.zip"
    if names is None or wanted <= names:
        return source
    if inner.name in names and wanted <= (_entries(inner) or set()):
        return inner
    if archive.name in names:
        require_file(archive)
        return archive
    raise MarqueeError(
        f"dataset.path {source} contains neither {release.name}.zip nor {', '.join(release.files)}: "
        f"set it to the folder or zip with {release.name}"
    )


def copy_folder(release: Release, folder: Path, target: Path, limit: int) -> None:
    """Copy the files of `folder`, without its subfolders, if they have at most `limit` bytes together."""
    for name in release.files:
        require_file(folder / name)
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
    """Copy a user's own tables to `ratings` and `movies`, .csv or .parquet, published splits, links, tags."""
    with readable(source, CUSTOM):
        path = Path(source).expanduser()
        require_file(path)
        for name, file in _found(path, source).items():
            require_file(file)
            if not file.is_dir():
                shutil.copyfile(file, target / name)
            elif _table_suffix(file):
                _copy_parts(file, target / name)
            else:
                raise MarqueeError(f"dataset.path {file} is a folder, not a file: {CUSTOM}")


def _found(path: Path, source: str) -> dict[str, Path]:
    """Return the name of our copy -> path of each file that `path`, a file or a folder, means."""
    folder = _table_suffix(path)
    names = None if folder else _entries(path)
    if names is None:
        suffix = folder or SUFFIXES.get(path.suffix.lower())
        found, tables = {f"ratings{suffix}": path}, {"ratings": [path.name] if suffix else []}
    else:
        tables = {
            stem: [f"{stem}{suffix}" for suffix in SUFFIXES if f"{stem}{suffix}" in names]
            for stem in ("ratings", "movies")
        }
        found = {
            f"{stem}{SUFFIXES[Path(name).suffix]}": path / name
            for stem, given in tables.items()
            for name in given
        }
        found |= {name: path / name for name in sorted(names) if name.endswith((*SPLITS, *BESIDE))}
    if not tables["ratings"] or any(len(given) > 1 for given in tables.values()):
        several = [" and ".join(given) for given in tables.values() if len(given) > 1]
        what = f"contains {several[0]}" if several else "is not one table of ratings"
        raise MarqueeError(f"dataset.path is {source!r}, which {what}: {CUSTOM}")
    return found


def _table_suffix(path: Path) -> str | None:
    """Return the kind of a folder that is one table of parts, as Spark writes it; None for any other.

    Such a folder is called `x.parquet` or `x.csv`, or contains `part-00000.parquet` or `part-00000.csv`.
    """
    if not path.is_dir():
        return None
    parts = [name for name in sorted(_entries(path) or ()) if name.startswith("part-")]
    kinds = [SUFFIXES.get(Path(name).suffix.lower()) for name in (path.name, *parts)]
    return next((kind for kind in kinds if kind), None)


def _copy_parts(folder: Path, target: Path) -> None:
    """Copy the files of a table's folder, without Spark's marks and checksums, and number them."""
    target.mkdir()
    kinds = {suffix for suffix, kind in SUFFIXES.items() if kind == target.suffix}
    parts = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in kinds and p.name[0] not in "._"]
    if not parts:
        raise MarqueeError(f"dataset.path {folder} is a folder without {target.suffix} files: {CUSTOM}")
    for number, part in enumerate(parts):
        require_file(part)
        shutil.copyfile(part, target / f"part-{number:05}{target.suffix}")


def _entries(path: Path) -> set[str] | None:
    """Return the names in a folder; None for a file."""
    try:
        return {entry.name for entry in path.iterdir()}
    except NotADirectoryError:
        return None
