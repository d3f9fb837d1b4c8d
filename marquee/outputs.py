"""Which stage writes a file, so that a message can name the command that writes it again."""

from __future__ import annotations

import re
from pathlib import Path

# A pattern of a path below the project's folder, and the stage. A test compares them with dvc.yaml.
STAGES = (
    (r"data/check\.json", "check"),
    (r"data/raw(/.*)?", "download"),
    (r"data/(ratings|movies|users)\.parquet|data/dataset\.json", "ingest"),
    (r"(plots|data/figures)/dataset(/.*)?", "ingest"),
    (r"data/(rating|ranking)/candidates\.parquet(/.*)?", r"candidates@\1"),
    (r"data/(rating|ranking)(/.*)?", r"split@\1"),
    (r"data/negatives(/.*)?", "negatives"),
    (r"models/([\w-]+)(/.*|\.checkpoint\.safetensors)?|plots/train/([\w-]+)\.csv", r"train@\1\3"),
    (r"data/evaluation/([\w-]+)(/.*)?", r"evaluate@\1"),
    (r"data/oracle(/.*)?", "oracle"),
    (r"data/figures/models/([\w-]+)(/.*)?", r"plot@\1"),
    (r"(data/leaderboard|plots/leaderboard|plots/rating_errors)(/.*)?|metrics/summary\.json", "compare"),
    (r"plots/report\.html", "report"),
    (r"plots/try\.html", "demo"),
)
PARTIAL = ".partial"  # suffix of what is being written; ignored by Git and DVC


def stage_of(path: str | Path) -> str | None:
    """Return the stage that writes `path` (`train@ease` for models/ease/model.json); None for other files."""
    name = re.sub(rf"(\.old)?{re.escape(PARTIAL)}(?=/|$)", "", Path(path).as_posix())
    for pattern, stage in STAGES:
        if found := re.fullmatch(pattern, name):
            return found.expand(stage)
    return None


def remedy(path: str | Path, otherwise: str) -> str:
    """Return what brings the file back: the command of its stage, or `otherwise` for one of the user."""
    stage = stage_of(path)
    return f"run `dvc repro {stage}`" if stage else otherwise
