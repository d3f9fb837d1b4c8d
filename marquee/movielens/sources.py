"""Decide where a release comes from: files on this machine, which DVC watches, or the web."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from marquee.config import INCOMING, DatasetOptions
from marquee.errors import MarqueeError
from marquee.movielens.local_files import find
from marquee.movielens.releases import SIMULATED, Release

OUTPUTS = ("data", "models", "metrics", "plots")  # folders that stages write


def chosen_source(release: Release, dataset: DatasetOptions, watched: bool) -> str:
    """Return the source for `fetch_release`: `dataset.path` if the release is there, else `dataset.source`.

    watched  whether DVC decides if this runs again. It hashes `dataset.path` and knows nothing of a path in
             `dataset.source`, which is then refused: DVC would skip a change of its files

    Raises MarqueeError where the keys contradict each other or the path cannot be a dependency.
    """
    path, source = dataset.path, dataset.source
    require_path(path)
    elsewhere = Path(path) != Path(INCOMING)
    if release.name == SIMULATED:
        if elsewhere or source != "official":
            key, value = ("path", path) if elsewhere else ("source", source)
            raise MarqueeError(
                f"dataset.{key} is {value!r}, but dataset.name is {SIMULATED}, whose ratings are simulated: "
                "set dataset.name to custom or to a release"
            )
        return source
    if is_local(source):
        if watched:
            raise MarqueeError(
                f"dataset.source is {source!r}, a path, whose changes DVC does not see: "
                f"`marquee use {release.name} --source PATH` makes it dataset.path, which DVC hashes"
            )
        return source
    if elsewhere and source != "official":
        raise MarqueeError(
            f"dataset.path is {path!r} and dataset.source is {source!r}: set the path to {INCOMING}, "
            "or the source to official"
        )
    own = release.layout == "custom" and source == "official"
    return path if own or elsewhere or _has(release, Path(path)) else source


def settings_for(release: Release, where: str) -> dict[str, Any]:
    """Return the two keys of `dataset` for `where`: official, kaggle, an address, or files of the user's.

    A path becomes absolute, or stays relative inside the project. Of a folder that also has other files the
    release's own folder or zip remains, since DVC hashes everything in a dependency.
    Raises MarqueeError where nothing is there.
    """
    if not is_local(where):
        return {"dataset.path": INCOMING, "dataset.source": where}
    path = os.path.abspath(Path(where).expanduser())  # noqa: PTH100 - a link may lead elsewhere tomorrow
    require_path(path if where else "")
    if release.layout != "custom":
        path = str(find(release, Path(path)))
    if Path(path).is_relative_to(Path.cwd()):
        path = Path(path).relative_to(Path.cwd()).as_posix()
    return {"dataset.path": path, "dataset.source": "official"}


def is_local(source: str) -> bool:
    return source not in ("official", "kaggle") and "://" not in source


def require_path(path: str) -> None:
    """Raise MarqueeError where DVC could not hash `path`, or would wait for ever."""
    place = Path(path)
    if not path.strip():
        fault, remedy = "empty", f"set it to {INCOMING}, or to a folder, a zip or a file"
    elif "://" in path:
        fault, remedy = "an address", f"set dataset.source to it and dataset.path to {INCOMING}"
    elif not os.path.lexists(path) and path.startswith("~"):
        fault, remedy = "no path for DVC", f"write {place.expanduser()}"
    elif not place.exists():
        remedy = f"run `git checkout {INCOMING}`" if place == Path(INCOMING) else "correct it"
        fault = "missing"
    elif _overlaps_outputs(place.resolve()):
        fault, remedy = "where stages write", f"use {INCOMING} or a folder outside of the project"
    elif strange := next(_unreadable(place), None):
        fault = f"no file or folder to hash: {strange} is a pipe, a device or a broken link"
        remedy = "remove it, or name another path"
    else:
        return
    raise MarqueeError(f"dataset.path is {path!r}, which is {fault}: {remedy}")


def _overlaps_outputs(place: Path) -> bool:
    root = Path.cwd()
    if place == root or place in root.parents:
        return True
    written = any(place.is_relative_to(root / name) for name in OUTPUTS)
    return written and not place.is_relative_to(root / INCOMING)


def _unreadable(place: Path) -> Iterator[Path]:
    """Yield what is in `place` and neither a file nor a folder."""
    if not (place.is_file() or place.is_dir()):
        yield place
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            inside = Path(folder, name)
            if not (inside.is_file() or inside.is_dir()):
                yield inside


def _has(release: Release, path: Path) -> bool:
    try:
        return release.layout != "custom" and bool(find(release, path))
    except MarqueeError:
        return False
