"""`python -m stages.rehearse STEPS RESULTS`: stages timed one after the other in small worlds.

`stages.plan` starts it. A step is [folder, stage, its arguments, the models if not all]; the results say of
each how long it took, what it left on the disk and how much memory the process has had until then.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

from marquee.foundation import params
from marquee.foundation.artifacts import write_text
from marquee.planning.stopwatch import stopwatch
from marquee.planning.worlds import FEW


def main(steps: Path, results: Path) -> None:
    rows, wanted = [], json.loads(steps.read_text("utf-8"))
    large = any(Path(folder).parent.joinpath(FEW).is_dir() for folder, *_ in wanted)
    for folder, stage, arguments, *only in wanted:
        os.chdir(folder)
        settings = params.read(Path("params.yaml"))
        if only:
            settings["models"] = {name: settings["models"][name] for name in only[0]}
        module = import_module(f"stages.{stage}")
        before = _files()
        with stopwatch() as row, redirect_stdout(sys.stderr):
            if large and _ranks(stage, arguments, settings):  # as it will rank at full size
                import_module("marquee.measuring.compiled")
            module.main(settings, *arguments)
        changed = {path: size for path, size in _files().items() if before.get(path) != size}
        row |= {"step": [folder, stage, arguments], "disk": sum(changed.values()), "peak": _peak()}
        rows.append(row)
    write_text(results, json.dumps(rows))


def _ranks(stage: str, arguments: list[str], settings: dict[str, Any]) -> bool:
    """Whether a stage makes lists of the whole catalogue, which compiled loops do where data are large."""
    if stage == "train":  # on validation
        return settings["models"][arguments[0]]["task"] == "ranking"
    return stage in ("evaluate", "compare")


def _files() -> dict[Path, Any]:
    return {path: path.stat().st_size for path in Path().rglob("*") if path.is_file()}


def _peak() -> int:
    """KiB, the most that this process has held."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
