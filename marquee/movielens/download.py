"""Fetch one release into a folder, from the web or this machine, and verify it."""

from __future__ import annotations

import errno
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from marquee.engine import on_spark
from marquee.errors import MarqueeError
from marquee.movielens.addresses import is_address, shown
from marquee.movielens.archives import extract
from marquee.movielens.http import discard, fetch
from marquee.movielens.local_files import CUSTOM, copy_custom, copy_folder, find, readable
from marquee.movielens.releases import Release
from marquee.movielens.verify import compare_counts
from marquee.movielens.wording import printable

SIZE_LIMIT = 10  # times the size of the official zip; no release unpacks to more
ELSEWHERE = "set dataset.source to official, or dataset.path to a folder or zip"


def fetch_release(
    release: Release, source: str, target: Path, scratch: Path, show_progress: bool = True
) -> None:
    """Fill `target`, an empty folder, with the release's files, without subfolders.

    source   "official" (the release's url, verified by its md5); a folder with the files, with a folder of
             the release's name that has them, or with `<name>.zip`; a zip; an http(s) address; or "kaggle".
             For custom ratings: a CSV or Parquet file, or a folder with ratings.csv or ratings.parquet and,
             if there are titles, movies.csv; also as an address of a file system that Spark reads
    scratch  folder for an unfinished download; the next call continues it

    Any source but the official zip must have the release's numbers of ratings, users and movies.
    Raises MarqueeError with the fault and the remedy; `target` may then hold some files.
    """
    if release.layout == "custom":
        with _on_this_machine(source, scratch) as path:
            copy_custom(path, target)
    elif source == "kaggle":
        _from_kaggle(release, target, scratch, show_progress)
    elif source == "official" or is_address(source):
        _from_web(release, source, target, scratch, show_progress)
    else:
        _from_disk(release, source, target)


@contextmanager
def _on_this_machine(source: str, scratch: Path) -> Iterator[str]:
    """Yield a path, or that of a copy of what an address names in a file system that Spark reads."""
    scheme, _, rest = source.partition("://")
    if not is_address(source):
        yield source
    elif scheme.lower() in ("http", "https"):
        raise MarqueeError(f"dataset.source is {shown(source)!r}: download your ratings, and {CUSTOM}")
    elif on_spark():
        from marquee.engine.file_systems import copy_from

        copy = scratch / f"source{Path(rest).suffix}"
        discard(copy)
        copy_from(source, copy)
        try:
            yield str(copy)
        finally:
            discard(copy)
    elif scheme.lower() == "file":
        yield rest.removeprefix("localhost")
    else:
        raise MarqueeError(
            f"dataset.source is {shown(source)!r}, which Spark reads: set MARQUEE_ENGINE=spark, or {CUSTOM}"
        )


def _from_disk(release: Release, source: str, target: Path) -> None:
    advice = (
        f"set it to a folder or zip with {release.name}, or dataset.source to official, kaggle "
        "or an http(s) address"
    )
    with readable(source, advice):
        path = find(release, Path(source).expanduser())
        if path.is_dir():
            copy_folder(release, path, target, SIZE_LIMIT * release.size)
            compare_counts(release, target, str(path))
        else:
            _unpack(release, path, target, str(path))


def _from_web(release: Release, source: str, target: Path, scratch: Path, show_progress: bool) -> None:
    advice = f"get {release.name}.zip in another way and set dataset.path to its folder"
    official = source in ("official", release.url)
    url = release.url if official else source
    if url is None:
        raise MarqueeError(f"{release.name} has no official address: {advice}")
    md5 = _published_md5(release, scratch, advice) if official else None
    partial = scratch / f"{release.name}.zip.partial"
    fetch(url, partial, SIZE_LIMIT * release.size, advice, show_progress)
    with _used_up(partial):
        if md5:
            _compare_md5(partial, md5, url)
        _unpack(release, partial, target, shown(url), verified=official)


def _from_kaggle(release: Release, target: Path, scratch: Path, show_progress: bool) -> None:
    """Download with Kaggle's own client, which handles the credentials."""
    if release.kaggle is None:
        raise MarqueeError(
            f"dataset.source is kaggle, which has no known copy of {release.name}: {ELSEWHERE}"
        )
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        with redirect_stdout(io.StringIO()):  # it prints long help on credentials
            from kaggle.api.kaggle_api_extended import KaggleApi

            client = KaggleApi()
            client.authenticate()
            client.dataset_download_files(release.kaggle, path=str(scratch), quiet=not show_progress)
    except ImportError:
        raise MarqueeError(
            "dataset.source is kaggle, but Kaggle's client is not installed: run `pip install kaggle`, "
            f"or {ELSEWHERE}"
        ) from None
    except (Exception, SystemExit) as error:  # it exits when it finds no credentials
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        reason = printable(error) if isinstance(error, Exception) else "no credentials"
        raise MarqueeError(
            f"Kaggle's client could not fetch {release.kaggle} ({reason}): check the network and your "
            f"credentials in ~/.kaggle, or {ELSEWHERE}"
        ) from None
    archive = scratch / f"{release.kaggle.rpartition('/')[2]}.zip"
    with _used_up(archive):
        _unpack(release, archive, target, f"Kaggle's {release.kaggle}")


@contextmanager
def _used_up(archive: Path) -> Iterator[None]:
    """Remove a download once it is unpacked or known to be bad, and keep it otherwise."""
    try:
        yield
    except MarqueeError:
        discard(archive)
        raise
    discard(archive)


def _published_md5(release: Release, scratch: Path, advice: str) -> str:
    if release.md5:
        return release.md5
    url, partial = f"{release.url}.md5", scratch / f"{release.name}.zip.md5.partial"
    fetch(url, partial, 1000, advice, show_progress=False)
    found = re.search(rb"\b[0-9a-f]{32}\b", partial.read_bytes().lower())
    discard(partial)
    if not found:
        raise MarqueeError(f"{url} has no md5 to verify the download with: {advice}")
    return found[0].decode()


def _compare_md5(archive: Path, md5: str, url: str) -> None:
    with archive.open("rb") as file:
        got = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if got != md5:
        raise MarqueeError(
            f"the download of {shown(url)} has md5 {got} instead of {md5} and was removed: "
            "run again, or set dataset.path to another copy"
        )


def _unpack(release: Release, archive: Path, target: Path, called: str, verified: bool = False) -> None:
    extract(archive, target, release.files, SIZE_LIMIT * release.size, called)
    if not verified:
        compare_counts(release, target, called)
