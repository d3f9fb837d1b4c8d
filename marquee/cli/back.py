"""`marquee back`: return params.yaml and what the stages wrote to the committed state.

Edits of params.yaml are lost. Code, data/incoming and every file that no stage wrote stay as they are.
"""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path

from marquee.cli.project import call
from marquee.dvc_state import stages_of
from marquee.errors import MarqueeError
from marquee.terminal import say

LOCK = "dvc.lock"
OUTPUTS = ("data", "models", "metrics", "plots")
INCOMING = ":(exclude)data/incoming"  # the user's own


def configure(parser: ArgumentParser) -> None:
    pass


def run(args: Namespace) -> None:
    commit = call("git", "rev-parse", "--short", "HEAD").strip()
    before = outputs()
    _restore_tracked()
    committed, stages = outputs(), call("dvc", "stage", "list", "--name-only").split()
    kept = {path for path, stage in committed.items() if stage in stages}
    leftovers = [path for path in sorted({*before, *committed} - kept) if removable(path, kept)]
    remove(leftovers)
    folders = [path for path in sorted(kept) if Path(path).is_dir()]
    if folders:  # a stage writes its folders whole, so a file that neither Git nor DVC knows is left over
        call("git", "clean", "-d", "--force", "--quiet", "--", *folders)
    try:
        call("dvc", "checkout", "--force", "--quiet")
    except MarqueeError:
        say("DVC's cache lacks some committed outputs: `dvc repro` writes them")
    print(f"params.yaml and the outputs are as committed in {commit}")
    if leftovers:
        print(f"removed {', '.join(leftovers)}")


def _restore_tracked() -> None:
    """Take params.yaml, dvc.lock and the outputs that Git tracks from HEAD."""
    names = call(
        "git", "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", "params.yaml", LOCK, *OUTPUTS
    ).split("\0")
    there = sorted({Path(name).parts[0] for name in names if name})
    call("git", "reset", "--quiet", "HEAD", "--", *OUTPUTS, *there, INCOMING)  # DVC stages what Git tracks
    if there:
        call("git", "checkout", "--quiet", "HEAD", "--", *there, INCOMING)


def outputs() -> dict[str, str]:
    """Return path → stage of every output in dvc.lock."""
    path = Path(LOCK)
    stages = (stages_of(path.read_bytes()) if path.is_file() else None) or {}  # a kill may leave half of it
    return {out["path"]: name for name, stage in stages.items() for out in stage.get("outs") or ()}


def remove(paths: list[str]) -> None:
    for path in map(Path, paths):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def removable(path: str, kept: set[str]) -> bool:
    """Tell whether `path` exists, lies in a folder of outputs, and holds nothing that stays."""
    inside = Path(path).parts[0] in OUTPUTS and ".." not in Path(path).parts and len(Path(path).parts) > 1
    return inside and Path(path).exists() and not any(one.startswith(f"{path}/") for one in kept)
