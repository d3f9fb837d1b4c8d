"""What a kill can leave broken of DVC's own files, so that no command runs: found, and restored from a copy.

DVC does not write dvc.lock atomically. Each stage that DVC starts therefore keeps a copy first: at that
moment DVC has read the file and written it whole. The copy lies in .dvc/tmp, which Git ignores.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from marquee.errors import MarqueeError
from marquee.io import atomic_file

LOCK = Path("dvc.lock")
COPY = Path(".dvc/tmp/last-good-dvc.lock")
RWLOCK = Path(".dvc/tmp/rwlock")  # which files a running DVC reads and writes, as JSON


def keep_lock() -> None:
    """Copy dvc.lock, in a stage that DVC runs; what cannot be copied is left."""
    with suppress(OSError):
        if "DVC_STAGE" in os.environ:
            _write(COPY, LOCK.read_bytes())


def stages_of(content: bytes) -> dict[str, Any] | None:
    """Return stage → entry of a dvc.lock; None where DVC would not read it."""
    import yaml
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from voluptuous import Invalid

    try:
        tree = yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return dict(COMPILED_LOCKFILE_SCHEMA(tree)["stages"] or {})
    except (yaml.YAMLError, Invalid, TypeError, KeyError, ValueError):
        return None


def require_intact(restore: bool) -> list[str]:
    """Raise MarqueeError where a file of DVC or Git stops every command; with `restore` put it right instead.

    Returns what was restored, and from where. Some files no program can put right: they raise in any case.
    """
    done = []
    content = LOCK.read_bytes() if LOCK.is_file() else None
    if content is not None and stages_of(content) is None:
        if b"\n<<<<<<< " in b"\n" + content:
            raise MarqueeError(
                f"{LOCK} has the conflict marks of a merge: take a side with `git checkout --ours {LOCK}`, "
                "then run `make run`"
            )
        fault = "is empty" if not content.strip() else "is cut off or damaged"
        if not restore:
            raise MarqueeError(
                f"{LOCK} {fault}, as a killed run leaves it: run `make run`, which restores the last good "
                f"one, or `git checkout {LOCK}`"
            )
        done.append(f"{LOCK} was {fault.removeprefix('is ')}: {_restore_lock()}")
    if RWLOCK.is_file() and not _is_json(RWLOCK):
        if not restore:
            raise MarqueeError(
                f"{RWLOCK} is damaged, as a killed run leaves it: run `make run`, or remove the file"
            )
        RWLOCK.unlink()
        done.append(f"{RWLOCK} was damaged: removed")
    index = Path(_git("rev-parse", "--git-path", "index.lock").decode().strip() or ".git/index.lock")
    if index.is_file():
        raise MarqueeError(
            f"{index} is there: wait for the git command that runs, or, if none does, remove it"
        )
    return done


def is_running() -> bool:
    """Return whether a DVC that is alive runs a stage in this folder."""
    from psutil import pid_exists  # a requirement of DVC

    try:
        held = json.loads(RWLOCK.read_bytes())
        users = [one for path in held.values() for one in (*path.get("read", ()), path.get("write") or {})]
        return any(pid_exists(int(one["pid"])) for one in users if one)
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return False


def _restore_lock() -> str:
    copies = (
        (str(COPY), COPY.read_bytes() if COPY.is_file() else b""),
        ("the last commit", _git("show", f"HEAD:./{LOCK}")),
    )
    for where, content in copies:
        if stages_of(content):
            _write(LOCK, content)
            return f"restored from {where}"
    LOCK.unlink()
    return "removed, since there is no copy of it; DVC takes from its cache what has run before"


def _write(path: Path, content: bytes) -> None:
    with atomic_file(path) as partial:
        partial.write_bytes(content)


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except ValueError:
        return False


def _git(*words: str) -> bytes:
    """Return what Git prints; nothing outside of a repository or without Git."""
    try:
        return subprocess.run(["git", *words], capture_output=True, check=False).stdout
    except FileNotFoundError:
        return b""
